"""Reading the memslots: from a guest frame to the VMM's address (virt/kvm/kvm_main.c, v6.9).

A set keeps its slots in an array sorted by guest frame; KVM keeps a red-black tree. Both take
O(log n) steps. Readers hold SRCU and look at the active set only. The record after the last slot is
all zero, so that a last-used index left over from a larger set matches nothing.
"""

from typing import Final

from xenperf.abi.kvm import MemslotFlag
from xenperf.jit import op
from xenperf.model.constants import ALL_ONES, HVA_ERROR, ONE, PAGE_BITS, THREE, ZERO
from xenperf.model.layout import (
    SET_GFN_BY_ID,
    SET_LAST_USED,
    SET_NR_SLOTS,
    SET_SLOTS,
    SLOT_FLAGS,
    SLOT_NR_PAGES,
    SLOT_SHIFT,
    SLOT_UHVA,
    U32,
    U64,
    VM_DIRTY_BITMAPS,
    VM_SET0,
    VM_SET1,
)
from xenperf.words import Flag, Word, fetch_or64, likely, load32, load64, select, store64

INVALID_SLOT: Final = U32(1 << 16)  # KVM_MEMSLOT_INVALID: being deleted or moved
UNWRITABLE: Final = U32(1 << 16 | MemslotFlag.READONLY)
NO_SLOT: Final = ZERO
SIX: Final = U64(6)
BIT_INDEX_MASK: Final = U64(63)


@op
def active_set(vm: Word) -> Word:
    """Return the set that readers use: ``kvm_memslots()``. A dependency load suffices."""
    return load64(vm)


@op
def inactive_set(vm: Word) -> Word:
    """Return the set that the updater prepares."""
    return (vm + VM_SET0) + (vm + VM_SET1) - load64(vm)


@op
def generation(vm: Word) -> Word:
    """Return the active set's generation; bit 63 says that an update is in progress."""
    return load64(load64(vm))


@op
def last_at_or_below(slots: Word, nr_slots: Word, gfn: Word) -> Word:
    """Return the index of the last slot that starts at or below *gfn*; 0 where none does.

    Conditional moves only: the order of requests cannot train a branch predictor.
    """
    base = ZERO
    left = nr_slots
    while left > ONE:
        half = left >> ONE
        upper = base + half
        base = select(gfn >= load64(slots + (upper << SLOT_SHIFT)), upper, base)
        left -= half
    return base


@op
def search(slots: Word, nr_slots: Word, gfn: Word) -> Word:
    """Return the index of the slot that holds *gfn*, or all-ones: no data-dependent branch."""
    index = last_at_or_below(slots, nr_slots, gfn)
    slot = slots + (index << SLOT_SHIFT)
    return index if gfn - load64(slot) < load64(slot + SLOT_NR_PAGES) else ALL_ONES


@op
def search_with_branches(slots: Word, nr_slots: Word, gfn: Word) -> Word:
    """Return what ``search`` returns, by a branch at each level, as KVM's tree walk does it."""
    low = ZERO
    high = nr_slots
    while low < high:
        middle = (low + high) >> ONE
        if gfn >= load64(slots + (middle << SLOT_SHIFT)):
            low = middle + ONE
        else:
            high = middle
    if low == ZERO:
        return ALL_ONES
    slot = slots + ((low - ONE) << SLOT_SHIFT)
    return low - ONE if gfn - load64(slot) < load64(slot + SLOT_NR_PAGES) else ALL_ONES


@op
def lookup(memslots: Word, gfn: Word) -> Word:
    """Return the khva of the slot that holds *gfn*, or 0: ``__gfn_to_memslot()``.

    The slot used last is tried first and remembered by a plain store, shared by all readers. A slot
    with the INVALID flag is found too; it is its HVA that is an error.
    """
    slots = load64(memslots + SET_SLOTS)
    slot = slots + (load64(memslots + SET_LAST_USED) << SLOT_SHIFT)
    if likely(gfn - load64(slot) < load64(slot + SLOT_NR_PAGES)):
        return slot
    index = search(slots, load64(memslots + SET_NR_SLOTS), gfn)
    if index == ALL_ONES:
        return NO_SLOT
    store64(memslots + SET_LAST_USED, index)
    return slots + (index << SLOT_SHIFT)


@op
def hva_for_writing(slot: Word, gfn: Word) -> Word:
    """Return where the VMM has *gfn* of *slot*, or the HVA error: ``gfn_to_hva_memslot()``.

    No slot, one being deleted and a read-only one all give the error: the caller wants to write.
    """
    if slot == NO_SLOT:
        return HVA_ERROR
    if load32(slot + SLOT_FLAGS) & UNWRITABLE != U32(0):
        return HVA_ERROR
    return load64(slot + SLOT_UHVA) + ((gfn - load64(slot)) << PAGE_BITS)


@op
def covers_hva(vm: Word, start: Word, end: Word) -> Flag:
    """Tell whether a slot of the active set is backed by any of the VMM's ``[start, end)``.

    KVM asks an interval tree; this is a scan, so a notifier's cost here grows with the slots.
    """
    memslots = active_set(vm)
    slot = load64(memslots + SET_SLOTS)
    past = slot + (load64(memslots + SET_NR_SLOTS) << SLOT_SHIFT)
    while slot < past:
        uhva = load64(slot + SLOT_UHVA)
        if uhva < end and start < uhva + (load64(slot + SLOT_NR_PAGES) << PAGE_BITS):
            return True
        slot += ONE << SLOT_SHIFT
    return False


@op
def mark_page_dirty(vm: Word, memslot: Word, gfn: Word) -> None:
    """Set the bit of *gfn* if its slot logs dirty pages: ``mark_page_dirty_in_slot()``.

    memslot
        What a cache remembers: the slot's id + 1, or 0 for NULL, which marks nothing.
    """
    if memslot == NO_SLOT:
        return
    id_offset = (memslot - ONE) << THREE
    bitmap = load64(load64(vm + VM_DIRTY_BITMAPS) + id_offset)
    if bitmap != ZERO:
        base_gfn = load64(load64(active_set(vm) + SET_GFN_BY_ID) + id_offset) - ONE
        page = gfn - base_gfn
        fetch_or64(bitmap + ((page >> SIX) << THREE), ONE << (page & BIT_INDEX_MASK))
