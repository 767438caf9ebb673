"""The model's own operations: exact counts, what reduction keeps, and faults that are found."""

from pathlib import Path

import pytest

from tests.explore.planted import planted
from xenperf.explore.accesses import Memory
from xenperf.explore.engine import BLOCKED, End
from xenperf.explore.operations import default_pairs, names_on
from xenperf.explore.pair import Found, Pair, changed_words
from xenperf.explore.schedule import names_of, render
from xenperf.explore.source_operations import SOURCES
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation
from xenperf.switches import MERGED

GPA, HVA = Activation.GPA, Activation.HVA

# With at most two preemptions: schedules by GPA, those in which the send is refused, and by HVA.
SENDS = {
    "send": (122, 0, 122),
    "merge": (87, 0, 87),
    "activate": (287, 0, 326),
    "deactivate": (128, 0, 128),
    "refresh": (278, 0, 348),
    "invalidate": (461, 0, 455),
    "delete": (1404, 1186, 93),
    "create": (428, 0, 51),
    "move": (1880, 325, 93),
    "flags": (461, 0, 51),
    "break_apart": (5047, 1673, 219),
    "long_mode": (99, 0, 99),
    "resend": (62, 0, 62),
    "irqfd": (122, 0, 122),
    "timer": (122, 0, 122),
    "inject": (232, 0, 232),
    "guest_send": (136, 0, 136),
    "forget": (51, 0, 51),
    "poll": (113, 0, 113),
}


def explored(first: str, second: str, by: Activation, nr_preemptions: int = 2) -> Found:
    with Pair(first, second, by) as pair:
        return pair.explore(nr_preemptions)


@pytest.mark.parametrize("other", SENDS)
def test_by_hva_no_send_is_refused_and_by_gpa_exactly_so_many(other: str) -> None:
    by_gpa, by_hva = explored("send", other, GPA), explored("send", other, HVA)
    assert by_gpa.violations == by_hva.violations == ()
    assert by_hva.nr_refused_sends == 0
    found = by_gpa.nr_schedules, by_gpa.nr_refused_sends, by_hva.nr_schedules
    assert found == SENDS[other]
    assert sum(by_gpa.outcomes.values()) == by_gpa.nr_schedules


def test_sends_are_counted_against_every_operation() -> None:
    against_send = [second for first, second in default_pairs() if first == "send"]
    assert against_send == names_on(MERGED)
    assert set(SENDS) == set(against_send)


BASIC_PAIRS = [p for p in default_pairs() if not {"send", *SOURCES} & set(p)]


@pytest.mark.slow
@pytest.mark.parametrize("pair", BASIC_PAIRS, ids="+".join)
def test_no_schedule_of_any_pair_violates_anything(pair: tuple[str, str]) -> None:
    for by in Activation:
        found = explored(*pair, by)
        assert found.violations == ()
        assert found.nr_schedules >= 2


def test_the_same_is_found_every_time() -> None:
    assert explored("send", "move", GPA) == explored("send", "move", GPA)


Ends = dict[str, set[frozenset[tuple[int, int]]]]


def ends_of(pair: Pair, nr_preemptions: int, *, everywhere: bool) -> tuple[Ends, Found]:
    """Return all distinct ends, every word of them, by outcome."""
    ends: Ends = {}

    def note(end: End) -> None:
        assert end.leaves is not None
        (told, first), (answered, second) = end.leaves
        words = Memory(first | second | end.memory)
        key = f"{told} {answered}"
        ends.setdefault(key, set()).add(frozenset(changed_words(words).items()))

    pair.explore(nr_preemptions, everywhere=everywhere)  # now it knows what is shared
    found = pair.explore(nr_preemptions, everywhere=everywhere, listen=note)
    return ends, found


@pytest.mark.parametrize(
    ("first", "second", "nr_preemptions"),
    [
        ("send", "delete", 1),
        ("send", "invalidate", 1),
        ("merge", "move", 1),
        ("activate", "break_apart", 1),
        ("send", "send", 2),
        ("send", "deactivate", 2),
        ("send", "merge", 2),
        ("merge", "refresh", 2),
        ("activate", "invalidate", 2),
    ],
)
def test_preempting_where_nobody_can_notice_leads_nowhere_new(
    activation: Activation, first: str, second: str, nr_preemptions: int
) -> None:
    with Pair(first, second, activation) as pair:
        reduced, few = ends_of(pair, nr_preemptions, everywhere=False)
        full, many = ends_of(pair, nr_preemptions, everywhere=True)
    assert reduced == full
    assert few.nr_schedules < many.nr_schedules
    assert few.violations == many.violations == ()


@pytest.mark.parametrize("names", [("send", "delete"), ("send", "invalidate"), ("send", "send")])
def test_every_schedule_replays_to_its_own_outcome(
    names: tuple[str, str], activation: Activation
) -> None:
    seen: dict[str, str] = {}
    with Pair(*names, activation) as pair:
        pair.explore(1)
        pair.explore(
            1,
            listen=lambda end: seen.update(
                {render(end.turns, names_of(*names)): pair.outcomes_of(end)}
            ),
        )
        for schedule, outcomes in seen.items():
            again = pair.replay(schedule)
            assert (again.schedule, again.outcomes) == (schedule, outcomes)
    assert len(seen) > 10


def test_a_schedule_that_no_longer_fits_says_so() -> None:
    with (
        Pair("send", "delete", GPA) as pair,
        pytest.raises(ValueError, match=r"'send:9999 delete' no longer fits the code: turn 1"),
    ):
        pair.replay("send:9999 delete")


@pytest.mark.parametrize(
    ("fault", "pair", "what"),
    [
        ("split_test_and_set", ("send", "send"), "was delivered and its bit is lost"),
        ("no_retry", ("send", "invalidate"), "is valid and maps a page that is gone"),
        ("no_write_lock", ("send", "invalidate"), "an event was written to a page that was gone"),
        ("locks_in_another_order", ("deactivate", "invalidate"), BLOCKED),
    ],
)
def test_a_planted_fault_is_found_and_its_schedule_shows_it_again(
    tmp_path: Path, activation: Activation, fault: str, pair: tuple[str, str], what: str
) -> None:
    with Pair(*pair, activation, Tap(planted(tmp_path, fault))) as faulty:
        violations = faulty.explore(2).violations
        shown = [each for each in violations if each.what.endswith(what)]
        assert shown, violations
        for each in shown:
            assert each.nr_schedules > 0
            assert each.what in faulty.replay(each.schedule).violations
