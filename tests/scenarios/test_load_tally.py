"""Sums over records that were written by hand."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from xenperf.errors import MeasurementError
from xenperf.racing import EVENT, IN_OVERLAY, IN_RAM, STEP
from xenperf.scenarios.event_cells import Fate
from xenperf.scenarios.load_tally import ACROSS, PHASES, Tally

WHOLE, CREATE_LOW = PHASES.index("whole"), PHASES.index("create_low")


def _events(*rows: tuple[int, int, int, int, int, int]) -> Any:
    return np.array(list(rows), EVENT)


def test_each_event_has_one_fate() -> None:
    tally = Tally()
    tally.add_events(
        _events(
            (0, 10, 20, 0, 0, IN_OVERLAY),
            (CREATE_LOW, 20, 30, CREATE_LOW, -14, 0),
            (CREATE_LOW, 30, 40, CREATE_LOW, 0, 0),
            (WHOLE, 40, 50, WHOLE, 0, IN_RAM),
        )
    )
    assert +tally.fates["laid"] == Counter({Fate.DELIVERED: 1})
    assert +tally.fates["create_low"] == Counter({Fate.RETURNED: 1, Fate.LOST: 1})
    assert +tally.fates["whole"] == Counter({Fate.WRONG_PAGE: 1})
    assert tally.total().total() == 4


def test_a_positive_answer_is_no_refusal() -> None:
    """A write to an eventfd answers 8."""
    tally = Tally()
    tally.add_events(_events((0, 1, 2, 0, 8, 0)))
    assert tally.total()[Fate.LOST] == 1


def test_an_event_that_outlives_its_phase_is_written_down_apart() -> None:
    """Also one that was settled a whole cycle later, in a phase of the same name."""
    tally = Tally()
    tally.add_events(_events((3, 1, 2, 4, 0, IN_OVERLAY), (3, 1, 2, 13, 0, IN_OVERLAY)))
    assert tally.fates[ACROSS][Fate.DELIVERED] == 2
    assert tally.total().total() == 2


def test_what_was_refused_and_is_there_cannot_be_true() -> None:
    with pytest.raises(MeasurementError, match="refused, but is set"):
        Tally().add_events(_events((0, 1, 2, 0, -14, IN_RAM)))


def test_a_run_lasts_from_its_first_event_to_its_last() -> None:
    good, bad = (0, IN_OVERLAY), (-14, 0)
    tally = Tally()
    rows = [bad, good, bad, bad, bad, good, good, bad]
    tally.add_events(_events(*((0, 10 * i, 10 * i + 7, 0, *row) for i, row in enumerate(rows))))
    assert tally.runs.lengths_ns == [7, 27, 7]
    assert tally.runs.most_events == 3
    tally.add_events(_events((0, 1, 2, 0, *good)))
    assert tally.runs.most_events == 3


def test_an_event_in_the_wrong_page_ends_a_run() -> None:
    tally = Tally()
    tally.add_events(_events((0, 0, 1, 0, -14, 0), (5, 2, 3, 5, 0, IN_RAM), (6, 4, 5, 6, -14, 0)))
    assert tally.runs.lengths_ns == [1, 1]


def test_windows_last_from_a_request_to_the_end_of_another() -> None:
    """Step i of a cycle begins at 100 * i and takes 10 * (i + 1)."""
    steps = np.array([(100 * i, 100 * i + 10 * (i + 1), 0) for i in range(2 * len(PHASES))], STEP)
    tally = Tally()
    tally.add_cycles(steps)
    assert tally.nr_cycles == 2
    assert tally.windows_ns["rejoin"] == [300 + 40 - 100, 1300 + 140 - 1100]
    assert tally.windows_ns["apart"] == [700 + 80 - 500, 1700 + 180 - 1500]


def test_the_share_takes_each_cycle_as_one_cluster() -> None:
    tally = Tally()
    later = 7 * len(PHASES)
    tally.add_events(
        _events(
            *[(later, 1, 2, later, -14, 0)] * 3,
            *[(later + 10, 1, 2, later + 10, 0, IN_OVERLAY)] * 5,
        )
    )
    for share in (tally.share, tally.shares["laid"]):
        assert (share.nr_clusters, share.hits, share.trials) == (2, 3, 8)
        assert (share.hits_squared, share.trials_squared) == (9, 34)
    assert tally.shares["whole"].trials == 0


def test_a_round_without_events_adds_nothing() -> None:
    tally = Tally()
    tally.add_events(_events())
    tally.add_cycles(np.zeros(0, STEP))
    assert tally.total().total() == tally.nr_cycles == tally.share.trials == 0
