"""Native threads on one modelled VM: a sender against a VMM that changes everything under it.

One thread sends drawn ports, the other changes memslots, pages or activations and is the guest in
between. Whatever the threads do to each other, each event is accounted for, port by port.
"""

import os
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.model.invariants import assert_consistent
from tests.stress import layout, loops
from tests.stress.run import (
    CACHES,
    KINDS,
    MIN_CYCLES,
    PAGES,
    SLOTS,
    Counts,
    Stress,
    min_overlap,
)
from xenperf.abi.structs import offset_of
from xenperf.hypervisor import Activation
from xenperf.jit import INTERPRETED

GPA, HVA = Activation.GPA, Activation.HVA
NR_SENDS = 2_000 if INTERPRETED else 1_000_000
NR_SENDS_LONG = 100_000_000
NR_TRIES = 20
SWAPS = 12
"""Of one break-apart and rejoin: two for a deletion, one for a creation."""

compiled_only = pytest.mark.skipif(
    INTERPRETED, reason="interpreted threads take turns: NUMBA_DISABLE_JIT is set"
)
two_processors = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one processor: threads take turns, no race is met"
)


@pytest.fixture(autouse=True)
def eager_switching() -> Iterator[None]:
    """Let the interpreter change threads as often as it can; compiled loops run without it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def assert_events_are_conserved(counts: Counts) -> None:
    """Each event that was new is consumed or pending, port by port; all sends are counted."""
    told = ("delivered", "merged", "masked", "efault", "einval", "otherwise")
    assert sum(counts[name] for name in told) == counts["sends"]
    assert counts["otherwise"] == 0
    assert counts.raised.sum() == counts["delivered"] + counts["masked"]
    np.testing.assert_array_equal(counts.raised, counts.consumed + counts.pending)
    assert counts.pending.sum() == 0, "the guest was told of every event, at the latest by a kick"
    assert counts["delivered"] > 0
    assert counts.raised[0] == 0


def assert_nothing_came_where_nothing_may(counts: Counts) -> None:
    """No step was refused; closed frames stayed clean (I16, I20), open ranges held sends (I21)."""
    assert counts["failed"] == 0
    assert counts["stale"] == 0
    assert counts["slipped"] == 0


def assert_threads_overlapped(counts: Counts, nr_cpus: int) -> None:
    """Each thread saw the other's count move between the begin and the end of its own steps."""
    wanted = min_overlap(nr_cpus)
    assert counts["churned_meanwhile"] >= wanted
    assert counts["sent_meanwhile"] >= wanted
    assert counts["cycles"] >= MIN_CYCLES


def assert_refusals_are_what_the_windows_say(
    counts: Counts, activation: Activation, kinds: tuple[str, ...]
) -> None:
    """By HVA no break-apart refuses a send; by GPA every one that lay wholly in it is refused."""
    if SLOTS in kinds:
        assert counts["while_absent"] > 0
    if activation is HVA or SLOTS not in kinds:
        assert counts["efault"] == 0
    else:
        assert counts["efault"] >= counts["while_absent"]
    assert counts["einval"] >= counts["while_off"]
    if CACHES in kinds:
        assert counts["while_off"] > 0
    else:
        assert counts["einval"] == 0


def stress(
    activation: Activation,
    kinds: tuple[str, ...],
    nr_sends: int,
    cpus: tuple[int, ...] = (),
) -> Counts:
    """Run, and check all that holds of every run."""
    with Stress(activation, kinds) as made:
        counts = made.run(nr_sends, cpus=cpus)
        assert_consistent(made.vm.host)
    assert counts["sends"] >= nr_sends
    assert_threads_overlapped(counts, len(cpus) or len(os.sched_getaffinity(0)))
    assert_events_are_conserved(counts)
    assert_nothing_came_where_nothing_may(counts)
    assert_refusals_are_what_the_windows_say(counts, activation, kinds)
    assert counts.generations == (SWAPS * counts["cycles"] if SLOTS in kinds else 0)
    return counts


@pytest.mark.parametrize("kinds", [(SLOTS,), (PAGES,), (CACHES,), KINDS], ids="+".join)
def test_a_million_events_are_conserved_whatever_is_changed_under_them(
    activation: Activation, kinds: tuple[str, ...]
) -> None:
    stress(activation, kinds, NR_SENDS)


@compiled_only
@pytest.mark.slow
def test_a_hundred_million_events_are_conserved(activation: Activation) -> None:
    counts = stress(activation, KINDS, NR_SENDS_LONG)
    print(activation, counts.words)  # noqa: T201  (pytest -s shows it)


@compiled_only
def test_one_processor_is_enough(activation: Activation) -> None:
    """Whoever waits gives the processor away, so the other one can go on."""
    stress(activation, KINDS, NR_SENDS // 10, cpus=(min(os.sched_getaffinity(0)),))


def is_found_out(
    activation: Activation, kinds: tuple[str, ...], fault: int, check: Callable[[Counts], None]
) -> bool:
    """Tell whether *check* fails in a run with *fault*; on a busy machine not in the first one."""
    for _ in range(NR_TRIES):
        with Stress(activation, kinds) as made:
            counts = made.run(NR_SENDS, fault=fault)
        try:
            check(counts)
        except AssertionError:
            return True
    return False


@compiled_only
@two_processors
def test_a_guest_that_clears_without_a_lock_is_found_out(activation: Activation) -> None:
    fault = int(loops.TORN_CLEAR)
    assert is_found_out(activation, (SLOTS,), fault, assert_events_are_conserved)


@compiled_only
@two_processors
def test_a_page_replaced_without_the_notifier_is_found_out(activation: Activation) -> None:
    fault = int(loops.NO_NOTIFIER)
    assert is_found_out(activation, (PAGES,), fault, assert_nothing_came_where_nothing_may)


@pytest.mark.parametrize("dtype", [layout.RUN, layout.STEP])
def test_the_loops_use_the_words_where_they_are(dtype: np.dtype[np.void]) -> None:
    used = {name for name in dtype.names or () if hasattr(loops, name.upper())}
    assert len(used) >= 6
    assert {name: int(getattr(loops, name.upper())) for name in used} == {
        name: offset_of(dtype, name) for name in used
    }
