"""Publishing a set of memslots: ``kvm_swap_active_memslots()`` (virt/kvm/kvm_main.c, v6.9)."""

from xenperf.jit import op
from xenperf.model.constants import GENERATION_IN_PROGRESS, ZERO
from xenperf.model.layout import (
    CPU_NR_SWAPS,
    VM_GENERATION_STEP,
    VM_MN_ACTIVE,
    VM_MN_INVALIDATE_LOCK,
    VM_SLOTS_ARCH_LOCK,
)
from xenperf.model.locks import spin_lock, spin_unlock, synchronize_srcu, wait_a_turn
from xenperf.model.memslots import active_set, inactive_set
from xenperf.model.statistics import count_one
from xenperf.words import Word, load64, store64, store_release64


@op
def begin_swap(vm: Word) -> Word:
    """Return the set to publish, its generation marked; waits while a notifier range is open.

    mn_invalidate_lock is held from here on, so that none opens before the publish.
    """
    prepared = inactive_set(vm)
    store64(prepared, load64(active_set(vm)) | GENERATION_IN_PROGRESS)
    spin_lock(vm + VM_MN_INVALIDATE_LOCK)
    turns = ZERO
    while load64(vm + VM_MN_ACTIVE) != ZERO:
        spin_unlock(vm + VM_MN_INVALIDATE_LOCK)
        turns = wait_a_turn(turns)
        spin_lock(vm + VM_MN_INVALIDATE_LOCK)
    return prepared


@op
def finish_swap(vm: Word, cpu: Word, prepared: Word) -> None:
    """Wait for the readers of the set that *prepared* has replaced; drops both locks first."""
    spin_unlock(vm + VM_MN_INVALIDATE_LOCK)
    spin_unlock(vm + VM_SLOTS_ARCH_LOCK)
    synchronize_srcu(vm)
    old_generation = load64(prepared) ^ GENERATION_IN_PROGRESS
    store64(prepared, old_generation + load64(vm + VM_GENERATION_STEP))
    count_one(cpu + CPU_NR_SWAPS)


@op
def swap_active_set(vm: Word, cpu: Word) -> None:
    """Publish the inactive set and wait for the old one's readers: ``kvm_swap_active_memslots()``.

    Called with slots_arch_lock held; drops it. The generation carries bit 63 from before the
    publish until after the grace period.
    """
    prepared = begin_swap(vm)
    store_release64(vm, prepared)
    finish_swap(vm, cpu, prepared)
