"""(a) The memslots' two sets, on two native threads: readers are counted, and then waited for."""

from typing import Any

import numpy as np
import pytest

from tests.litmus.both import Litmus, assert_only_the_weak_fail, native_threads
from tests.model.steps import step
from tests.model.vm import Vm
from tests.words.racing import on_own_cpus, run_at_once
from xenperf.jit import op
from xenperf.model.constants import EIGHT, ONE, SIX, ZERO
from xenperf.model.layout import U64, VM_SRCU_IDX
from xenperf.model.locks import (
    srcu_read_lock,
    srcu_read_unlock,
    synchronize_srcu,
)
from xenperf.words import (
    full_barrier,
    load64,
    load_acquire64,
    pause,
    store64,
    store_release64,
)

pytestmark = native_threads

NR_READS = 300_000
MIN_REPLACED, SIXTEEN = U64(1000), U64(16)

# (a) The slot set: a reader is counted before it looks at the pointer, the pointer is published
# before readers are counted. So either the reader finds the new set, or it is waited for.


@op
def enter_and_look(mine: Any, other: Any) -> Any:
    """The counters are *mine*; the pointer is the other's, and the index is the word behind it."""
    srcu_read_lock(other + EIGHT - VM_SRCU_IDX, mine)
    return load64(other)


@op
def enter_without_barrier(mine: Any, other: Any) -> Any:
    store64(mine, load64(mine) + ONE)
    return load64(other)


@op
def publish_and_count(mine: Any, other: Any) -> Any:
    store_release64(mine, ONE)
    full_barrier()
    return load_acquire64(other)


@op
def publish_without_barrier(mine: Any, other: Any) -> Any:
    store_release64(mine, ONE)
    return load_acquire64(other)


def test_a_whoever_reads_the_old_slot_set_is_counted() -> None:
    assert_only_the_weak_fail(
        Litmus(
            (enter_and_look, publish_and_count),
            {
                "the reader's barrier": (enter_without_barrier, publish_and_count),
                "the updater's barrier": (enter_and_look, publish_without_barrier),
            },
            lambda outcome: outcome[:2] == (0, 0),
        )
    )


# And the set that was replaced is changed only after a grace period: a reader finds it whole.


@step
def read_both_halves(vm: Any, cpu: Any, sets: Any, n: Any, wanted: Any) -> Any:
    """Look at both words of the set that is published; return how often they differed.

    *n* times, and on until there were many sets and *wanted* differences, but for no longer than
    256 times that.
    """
    torn = ZERO
    i = ZERO
    while i < n or (i < n << EIGHT and (load64(sets + SIXTEEN) < MIN_REPLACED or torn < wanted)):
        idx = srcu_read_lock(vm, cpu)
        found = load64(sets)
        first = load64(found)
        pause()
        torn += ONE if load64(found + EIGHT) != first else ZERO
        srcu_read_unlock(cpu, idx)
        i += ONE
    store_release64(sets + EIGHT, ONE)
    return torn


@step
def replace_sets(vm: Any, sets: Any, waits: Any) -> Any:
    """Fill the set that nobody should read and publish it, until the reader is done."""
    i = ZERO
    while load_acquire64(sets + EIGHT) == ZERO:
        unused = sets + U64(64) + ((i & ONE) << SIX)
        store64(unused, i)
        store64(unused + EIGHT, i)
        store_release64(sets, unused)
        if waits != ZERO:
            synchronize_srcu(vm)
        i += ONE
        store64(sets + SIXTEEN, i)
    return i


@pytest.mark.parametrize("waits", [False, True])
def test_a_no_slot_set_is_changed_while_somebody_may_read_it(waits: bool) -> None:
    """Without the grace period readers find halves of two updates."""
    sets, counts = np.zeros(32, np.uint64), {}
    khva = sets.ctypes.data + -sets.ctypes.data % 64
    sets[(khva - sets.ctypes.data) // 8] = khva + 64
    for kernel in (read_both_halves, replace_sets):
        kernel.compile()
    vm = Vm()
    with vm.host:
        state, cpu, wanted = vm.host.state, vm.cpu(1), 0 if waits else 1
        assert run_at_once(
            *on_own_cpus(
                lambda: counts.update(torn=read_both_halves(state.vm, cpu, khva, NR_READS, wanted)),
                lambda: counts.update(replaced=replace_sets(state.vm, khva, waits)),
            )
        )
    assert counts["replaced"] >= MIN_REPLACED
    assert (counts["torn"] == 0) == waits
