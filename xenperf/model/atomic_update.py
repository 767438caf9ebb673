"""A wish: several memslot requests in one publish, so that no frame is absent on the way.

Hypothetical: no kernel has it. A list of requests is applied to the inactive set, published once,
and repeated on the other set after one grace period. Readers see the whole old map or the whole
new one, frames that stay keep their HVA throughout, and a refusal leaves the old map as it was.
At the moment of the publish no sender is between its check and its write, so no event is written
to a page that the new map no longer shows. Events written before are the VMM's to move. Left out:
the shadow pages of the frames that change, of which the model has none.
"""

from xenperf.jit import op
from xenperf.model.constants import ONE, RC_ENOSYS, THREE, ZERO
from xenperf.model.layout import (
    SET_GFN_BY_ID,
    SET_NR_SLOTS,
    SET_SLOTS,
    SLOT_SHIFT,
    VM_GPC_LIST,
    VM_GPC_LOCK,
    VM_NR_GPCS,
    VM_NR_SLOT_IDS,
    VM_SLOTS_ARCH_LOCK,
    VM_SLOTS_LOCK,
)
from xenperf.model.locks import spin_lock, spin_unlock, write_lock, write_unlock
from xenperf.model.memslots import active_set, inactive_set
from xenperf.model.patches import ATOMIC_OVERLAY
from xenperf.model.slot_swap import begin_swap, finish_swap
from xenperf.model.slot_update import (
    REFUSED,
    REGION_BYTES,
    apply_change,
    change_wanted,
)
from xenperf.words import Word, load64, store64, store_release64


@op
def _copy_words(source: Word, target: Word, nr_words: Word) -> None:
    offset = ZERO
    while offset < nr_words << THREE:
        store64(target + offset, load64(source + offset))
        offset += ONE << THREE


@op
def _put_back(vm: Word) -> None:
    """Make the inactive set the copy of the active one that it was."""
    source, target = active_set(vm), inactive_set(vm)
    nr_slots, nr_changed = load64(source + SET_NR_SLOTS), load64(target + SET_NR_SLOTS)
    nr_records = (nr_slots if nr_slots > nr_changed else nr_changed) + ONE  # the zero record too
    nr_words = (nr_records << SLOT_SHIFT) >> THREE
    _copy_words(load64(source + SET_SLOTS), load64(target + SET_SLOTS), nr_words)
    ids = load64(vm + VM_NR_SLOT_IDS)
    _copy_words(load64(source + SET_GFN_BY_ID), load64(target + SET_GFN_BY_ID), ids)
    store64(target + SET_NR_SLOTS, nr_slots)


@op
def _apply_all(vm: Word, memslots: Word, regions: Word, n: Word) -> Word:
    """Apply the requests in order, each to what the ones before it left; 0 or the refusal."""
    i = ZERO
    while i < n:
        region = regions + i * REGION_BYTES
        change = change_wanted(vm, memslots, region)
        if change >= REFUSED:
            return change
        apply_change(memslots, region, change)
        i += ONE
    return ZERO


@op
def _hold_senders(vm: Word) -> None:
    """Wait until nobody is between a check and a write, and let nobody begin."""
    spin_lock(vm + VM_GPC_LOCK)
    entry = load64(vm + VM_GPC_LIST)
    past = entry + (load64(vm + VM_NR_GPCS) << THREE)
    while entry < past:
        write_lock(load64(entry))
        entry += ONE << THREE


@op
def _release_senders(vm: Word) -> None:
    entry = load64(vm + VM_GPC_LIST)
    past = entry + (load64(vm + VM_NR_GPCS) << THREE)
    while entry < past:
        write_unlock(load64(entry))
        entry += ONE << THREE
    spin_unlock(vm + VM_GPC_LOCK)


@op
def update_at_once(vm: Word, cpu: Word, regions: Word, n: Word) -> Word:
    """Make *n* memslot requests in one swap; 0, or the first refusal, and then nothing is changed.

    -ENOSYS in a kernel without it. The caches of senders are locked inside mn_invalidate_lock, once
    no range is open: a notifier takes the two one after the other.
    """
    if not ATOMIC_OVERLAY:
        return RC_ENOSYS
    spin_lock(vm + VM_SLOTS_LOCK)
    spin_lock(vm + VM_SLOTS_ARCH_LOCK)
    rc = _apply_all(vm, inactive_set(vm), regions, n)
    if rc != ZERO:
        _put_back(vm)
        spin_unlock(vm + VM_SLOTS_ARCH_LOCK)
    else:
        prepared = begin_swap(vm)
        _hold_senders(vm)
        store_release64(vm, prepared)
        _release_senders(vm)
        finish_swap(vm, cpu, prepared)
        _apply_all(vm, inactive_set(vm), regions, n)
    spin_unlock(vm + VM_SLOTS_LOCK)
    return rc
