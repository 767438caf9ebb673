"""Where a history changed: what is told, what is not, and how sure it is."""

import math
import random

import pytest

from xenperf.stats.changes import Certainty, Change, changes, shifts
from xenperf.stats.history import History, Kind, Point, State, Step, Track

EXACT, CONFIRMED = Certainty.EXACT, Certainty.CONFIRMED
UNCONFIRMED, HINT = Certainty.UNCONFIRMED, Certainty.HINT


def track(kind: Kind, *values: float | None, name: str = "x", versions: str = "") -> Track:
    """Return a track; None is a commit at which it failed."""
    points = tuple(
        Point(State.FAILED)
        if value is None
        else Point(State.MEASURED, value, versions[at : at + 1] or "1")
        for at, value in enumerate(values)
    )
    return Track(name, "", "", kind, points)


def history(*tracks: Track) -> History:
    steps = tuple(Step(f"{nr:040x}", float(nr)) for nr in range(len(tracks[0].points)))
    return History("results/box", "box", steps, tracks)


def told(*tracks: Track) -> list[tuple[int, int, str, Certainty]]:
    found: list[Change] = changes(history(*tracks))
    return [(one.since, one.at, one.word, one.certainty) for one in found]


def test_any_other_count_is_a_change() -> None:
    assert told(track(Kind.COUNT, 64, 64, 65, 65, 0)) == [
        (1, 2, "more", EXACT),
        (3, 4, "fewer", EXACT),
    ]


def test_a_count_is_compared_with_the_last_one_there_is() -> None:
    assert told(track(Kind.COUNT, 64, None, 63)) == [(0, 2, "fewer", EXACT)]
    assert told(track(Kind.COUNT, 64, None, 64)) == []


def test_figures_of_two_versions_are_not_compared() -> None:
    assert told(track(Kind.COUNT, 64, 64, 1, 1, versions="1122")) == []
    assert told(track(Kind.RATIO, 0.4, 0.4, 0.9, 0.9, versions="1122")) == []


def test_instructions_may_differ_by_what_counting_costs() -> None:
    assert told(track(Kind.INSTRUCTIONS, 29.723, 29.724, 29.70)) == []
    assert told(track(Kind.INSTRUCTIONS, 29.723, 29.9)) == [(0, 1, "more", EXACT)]


def test_a_ratio_has_changed_when_the_next_commit_confirms_it() -> None:
    assert told(track(Kind.RATIO, 1.0, 1.01, 0.99, 1.08, 1.07)) == [(2, 3, "higher", CONFIRMED)]


def test_a_ratio_on_its_own_is_no_change() -> None:
    assert told(track(Kind.RATIO, 1.0, 1.01, 1.3, 1.0, 0.99)) == []
    assert told(track(Kind.RATIO, 1.0, 1.01, 1.3, 0.7, 0.99)) == []


def test_the_last_ratio_waits_to_be_confirmed() -> None:
    assert told(track(Kind.RATIO, 1.0, 1.01, 0.99, 1.08)) == [(2, 3, "higher", UNCONFIRMED)]


def test_the_figures_after_a_change_are_the_new_level() -> None:
    values = (1.0, 1.0, 0.4, 0.4, 0.41, 1.0, 1.0)
    assert told(track(Kind.RATIO, *values)) == [
        (1, 2, "lower", CONFIRMED),
        (4, 5, "higher", CONFIRMED),
    ]


def test_a_noisy_ratio_has_to_change_by_more() -> None:
    noisy = (0.98, 1.02, 0.97, 1.02, 0.98, 1.01)
    assert told(track(Kind.RATIO, *noisy, 1.05, 1.06)) == []
    assert told(track(Kind.RATIO, *noisy, 2.0, 2.0)) == [(5, 6, "higher", CONFIRMED)]


def test_slow_drift_within_the_margin_is_told_once_it_adds_up() -> None:
    values = [1.0 * 1.02**nr for nr in range(12)]
    found = told(track(Kind.RATIO, *values))
    assert found
    assert all(word == "higher" for _, _, word, _ in found)


def test_a_time_is_a_hint_at_most() -> None:
    assert told(track(Kind.COST, 1e-3, 1e-3, 1.08e-3, 1.08e-3)) == []
    assert told(track(Kind.COST, 1e-3, 1e-3, 1.2e-3, 1.2e-3)) == [(1, 2, "higher", HINT)]
    assert told(track(Kind.COST, 1e-3, 1e-3, 1.2e-3)) == [(1, 2, "higher", HINT)]


def test_other_figures_are_not_judged() -> None:
    assert told(track(Kind.OTHER, 1, 2, 3, 4)) == []


def test_times_that_move_together_are_the_machines_doing() -> None:
    slower = [track(Kind.COST, 1e-3, 1.3e-3, 1.3e-3, name=f"t{nr}") for nr in range(6)]
    (shift,) = shifts(history(*slower))
    assert (shift.at, shift.nr_costs) == (1, 6)
    assert shift.ratio == pytest.approx(1.3)
    assert told(*slower) == []
    alone = track(Kind.COST, 1e-3, 2e-3, 2e-3)
    assert told(*slower, alone) == [(0, 1, "higher", HINT)]
    assert shifts(history(*slower[:4])) == []


def test_sure_changes_come_first_in_the_order_of_the_commits() -> None:
    found = told(
        track(Kind.COST, 1e-3, 2e-3, 2e-3),
        track(Kind.RATIO, 1.0, 2.0, 2.0),
        track(Kind.COUNT, 1, 1, 2),
        track(Kind.RATIO, 1.0, 1.0, 2.0),
    )
    assert [(at, certainty) for _, at, _, certainty in found] == [
        (1, CONFIRMED),
        (2, EXACT),
        (1, HINT),
        (2, UNCONFIRMED),
    ]


def test_noise_below_the_margin_tells_nothing() -> None:
    drawn = random.Random(7)
    for _ in range(300):
        values = [math.exp(drawn.gauss(0.0, 0.01)) for _ in range(12)]
        assert told(track(Kind.RATIO, *values)) == []


def test_steps_are_put_in_order_only_if_all_are_known() -> None:
    found = history(track(Kind.COUNT, 1, 2, 3))
    first, second, third = (step.commit for step in found.steps)
    turned = found.in_order({third: "c", first: "a", second: "b"}, "as told")
    assert [step.subject for step in turned.steps] == ["c", "a", "b"]
    assert [point.value for point in turned.tracks[0].points] == [3, 1, 2]
    assert turned.order == "as told"
    with pytest.raises(ValueError, match="2 of 3 steps are in the order"):
        found.in_order({first: "a", second: "b"}, "as told")
