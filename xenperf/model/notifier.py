"""The MMU notifier: what KVM does before and after the VMM's mm changes a range of addresses.

``kvm_mmu_notifier_invalidate_range_start/end()`` and ``gfn_to_pfn_cache_invalidate_start()``,
virt/kvm/kvm_main.c and pfncache.c, v6.9. No mapping is torn down here: readers that passed their
check finish first, because the write lock waits for them; later ones fail it and refresh.
"""

from xenperf.jit import op
from xenperf.model.constants import ALL_ONES, BYTE0, ONE, PFN_ERROR, THREE, ZERO
from xenperf.model.layout import (
    CPU_NR_INVALIDATED,
    GPC_PFN,
    GPC_UHVA,
    GPC_VALID,
    VM_GPC_LIST,
    VM_GPC_LOCK,
    VM_MMU_IN_PROGRESS,
    VM_MMU_SEQ,
    VM_MN_ACTIVE,
    VM_MN_INVALIDATE_LOCK,
    VM_NR_GPCS,
)
from xenperf.model.locks import (
    read_lock,
    read_unlock,
    spin_lock,
    spin_unlock,
    srcu_read_lock,
    srcu_read_unlock,
    write_lock,
    write_unlock,
)
from xenperf.model.memslots import covers_hva
from xenperf.model.patches import READ_LOCK_FIRST
from xenperf.model.statistics import count_one
from xenperf.words import (
    Flag,
    Word,
    fetch_add64,
    likely,
    load8,
    load64,
    read_barrier,
    store8,
    store64,
    write_barrier,
)


@op
def _is_hit(gpc: Word, start: Word, end: Word) -> Flag:
    """Tell whether *gpc* holds a mapping of ``[start, end)``; its lock is held."""
    if load8(gpc + GPC_VALID) == BYTE0 or load64(gpc + GPC_PFN) == PFN_ERROR:
        return False
    uhva = load64(gpc + GPC_UHVA)
    if likely(uhva < start):  # a branch each: as one condition both would be computed first
        return False
    return uhva < end


@op
def invalidate_write_locked(cpu: Word, gpc: Word, start: Word, end: Word) -> None:
    """Clear *gpc* if it is hit, under the write lock in any case: before 9fa336e343b2."""
    write_lock(gpc)
    if _is_hit(gpc, start, end):
        store8(gpc + GPC_VALID, BYTE0)
        count_one(cpu + CPU_NR_INVALIDATED)
    write_unlock(gpc)


@op
def invalidate_read_first(cpu: Word, gpc: Word, start: Word, end: Word) -> None:
    """Clear *gpc* if it is hit; others are only read-locked: since 9fa336e343b2."""
    read_lock(gpc)
    hit = _is_hit(gpc, start, end)
    read_unlock(gpc)
    if hit:
        invalidate_write_locked(cpu, gpc, start, end)  # tests again: it may have changed between


@op
def invalidate_caches(vm: Word, cpu: Word, start: Word, end: Word, read_first: Flag) -> None:
    """Visit every active cache of the VM with gpc_lock held: a cost per cache."""
    spin_lock(vm + VM_GPC_LOCK)
    entry = load64(vm + VM_GPC_LIST)
    past = entry + (load64(vm + VM_NR_GPCS) << THREE)
    while entry < past:
        gpc = load64(entry)
        if read_first:
            invalidate_read_first(cpu, gpc, start, end)
        else:
            invalidate_write_locked(cpu, gpc, start, end)
        entry += ONE << THREE
    spin_unlock(vm + VM_GPC_LOCK)


@op
def invalidate_range_start(vm: Word, cpu: Word, start: Word, end: Word) -> None:
    """Open the range ``[start, end)`` of the VMM's addresses: nothing may rely on it from here on.

    The count of open ranges goes up first, the caches follow, the memslots come last. What KVM
    counts under mmu_lock is added to by a locked operation here.
    """
    spin_lock(vm + VM_MN_INVALIDATE_LOCK)
    store64(vm + VM_MN_ACTIVE, load64(vm + VM_MN_ACTIVE) + ONE)
    spin_unlock(vm + VM_MN_INVALIDATE_LOCK)
    invalidate_caches(vm, cpu, start, end, READ_LOCK_FIRST)
    idx = srcu_read_lock(vm, cpu)
    if covers_hva(vm, start, end):
        fetch_add64(vm + VM_MMU_IN_PROGRESS, ONE)
    srcu_read_unlock(cpu, idx)


@op
def invalidate_range_end(vm: Word, cpu: Word, start: Word, end: Word) -> None:
    """Close the range again; the sequence moves only if a slot covers it.

    The new sequence is visible before the range counts as closed, so that a refresh sees one or the
    other.
    """
    idx = srcu_read_lock(vm, cpu)
    if covers_hva(vm, start, end):
        fetch_add64(vm + VM_MMU_SEQ, ONE)
        write_barrier()
        fetch_add64(vm + VM_MMU_IN_PROGRESS, ALL_ONES)
    srcu_read_unlock(cpu, idx)
    spin_lock(vm + VM_MN_INVALIDATE_LOCK)
    store64(vm + VM_MN_ACTIVE, load64(vm + VM_MN_ACTIVE) - ONE)
    spin_unlock(vm + VM_MN_INVALIDATE_LOCK)


@op
def must_retry(vm: Word, seq: Word) -> bool:
    """Tell whether a range is open or was closed since *seq*: ``mmu_notifier_retry_cache()``."""
    if load64(vm + VM_MN_ACTIVE) != ZERO:
        return True
    read_barrier()
    return bool(load64(vm + VM_MMU_SEQ) != seq)
