"""The other sources of events, in every schedule: who loses what, exactly, and who is woken."""

import pytest

from xenperf.explore.operations import OPERATIONS, can_meet, default_pairs
from xenperf.explore.pair import Found, Pair
from xenperf.explore.source_operations import SOURCES
from xenperf.hypervisor import Activation

GPA, HVA = Activation.GPA, Activation.HVA

# With at most two preemptions: schedules by GPA, those in which the event is lost, and by HVA.
LOSSES = {
    ("delete", "irqfd"): (1677, 1459, 93),
    ("create", "irqfd"): (498, 0, 51),
    ("move", "irqfd"): (2202, 341, 93),
    ("break_apart", "irqfd"): (6013, 1917, 219),
    ("delete", "inject"): (3272, 2161, 480),
    ("create", "inject"): (1242, 0, 312),
    ("break_apart", "timer"): (787, 0, 219),
    ("break_apart", "inject"): (10681, 4037, 984),
}
# Schedules in which the event goes back to the VMM, or the poll does not sleep, by GPA.
RETURNED = {("delete", "guest_send"): 1516, ("break_apart", "guest_send"): 2544}
AWAKE = {("delete", "poll"): 355, ("create", "poll"): 156, ("break_apart", "poll"): 1027}


def explored(pair: tuple[str, str], by: Activation) -> Found:
    with Pair(*pair, by) as made:
        return made.explore(2)


@pytest.mark.parametrize("pair", LOSSES, ids="+".join)
def test_by_hva_nothing_is_lost_and_by_gpa_exactly_so_much(pair: tuple[str, str]) -> None:
    by_gpa, by_hva = explored(pair, GPA), explored(pair, HVA)
    assert by_gpa.violations == by_hva.violations == ()
    assert by_hva.nr_lost_events == 0
    assert (by_gpa.nr_schedules, by_gpa.nr_lost_events, by_hva.nr_schedules) == LOSSES[pair]


@pytest.mark.parametrize("pair", RETURNED, ids="+".join)
def test_what_the_guest_sends_goes_back_to_the_vmm_by_gpa_only(pair: tuple[str, str]) -> None:
    by_gpa, by_hva = explored(pair, GPA), explored(pair, HVA)
    assert by_gpa.outcomes["ok + returned"] == RETURNED[pair]
    assert set(by_hva.outcomes) == {"ok + sent"}
    assert by_gpa.nr_lost_events == by_gpa.nr_refused_sends == 0


@pytest.mark.parametrize("pair", AWAKE, ids="+".join)
def test_a_memslot_change_keeps_a_poll_from_sleeping_by_gpa_only(pair: tuple[str, str]) -> None:
    by_gpa, by_hva = explored(pair, GPA), explored(pair, HVA)
    assert by_gpa.outcomes["ok + awake"] == AWAKE[pair]
    assert set(by_hva.outcomes) == {"ok + asleep"}


@pytest.mark.parametrize("first", ["irqfd", "inject"])
def test_what_meets_a_deactivation_may_be_lost_by_both(first: str, activation: Activation) -> None:
    found = explored((first, "deactivate"), activation)
    assert 0 < found.nr_lost_events < found.nr_schedules
    assert found.violations == ()


@pytest.mark.parametrize("sender", ["send", "irqfd", "timer"])
def test_a_masked_event_wakes_the_poller_in_every_schedule(
    sender: str, activation: Activation
) -> None:
    found = explored((sender, "poll"), activation)
    told = {"send": "masked", "irqfd": "masked", "timer": "fired"}[sender]
    assert set(found.outcomes) == {f"{told} + asleep", f"{told} + awake"}
    assert found.violations == ()  # who sleeps has a request that wakes him


def test_of_two_sends_of_one_port_either_is_merged(activation: Activation) -> None:
    found = explored(("send", "resend"), activation)
    assert found.outcomes == {"delivered + merged": 31, "merged + delivered": 31}


def test_a_port_that_is_taken_back_is_delivered_or_left_to_the_vmm(activation: Activation) -> None:
    found = explored(("guest_send", "forget"), activation)
    assert found.outcomes == {"sent + ok": 182, "returned + ok": 61}


OTHER_PAIRS = [p for p in default_pairs() if "send" not in p and SOURCES.keys() & set(p)]


@pytest.mark.slow
@pytest.mark.parametrize("pair", OTHER_PAIRS, ids="+".join)
def test_no_schedule_of_any_source_violates_anything(pair: tuple[str, str]) -> None:
    for by in Activation:
        assert explored(pair, by).violations == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [("inject", "poll"), ("merge", "guest_send"), ("timer", "timer"), ("inject", "timer")],
)
def test_nobody_meets_himself(first: str, second: str) -> None:
    assert not can_meet(first, second)
    assert not can_meet(second, first)


def test_every_source_meets_every_memslot_request() -> None:
    pairs = {frozenset(pair) for pair in default_pairs()}
    slots = [name for name, each in OPERATIONS.items() if "slots" in each.holds and not each.needs]
    sources = ["send", "irqfd", "timer", "inject", "guest_send", "poll"]
    assert {frozenset((a, b)) for a in sources for b in slots} <= pairs
