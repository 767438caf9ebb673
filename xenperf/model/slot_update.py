"""Changing the memslots: ``__kvm_set_memory_region()`` and its swaps (virt/kvm/kvm_main.c, v6.9).

The change is made on the inactive set, which is then published (a *swap*) and, once no reader can
still hold the old set, repeated there. Deleting or moving a slot takes a swap more, in which the
slot carries the INVALID flag. Shadow pages are not modelled, so nothing is zapped.
"""

from typing import Final

from xenperf.abi.kvm import MAX_PAGES_PER_SLOT, USERSPACE_MEMORY_REGION, MemslotFlag
from xenperf.jit import op
from xenperf.model.constants import (
    OFFSET_MASK,
    ONE,
    PAGE_BITS,
    RC_EEXIST,
    RC_EINVAL,
    THREE,
    USER_END,
    ZERO,
)
from xenperf.model.layout import (
    SET_GFN_BY_ID,
    SET_NR_SLOTS,
    SET_SLOTS,
    SLOT_FLAGS,
    SLOT_ID,
    SLOT_NR_PAGES,
    SLOT_SHIFT,
    SLOT_UHVA,
    U32,
    U64,
    VM_GENERATION_STEP,
    VM_NR_SLOT_IDS,
    VM_SLOTS_ARCH_LOCK,
    VM_SLOTS_LOCK,
)
from xenperf.model.locks import spin_lock, spin_unlock
from xenperf.model.memslots import (
    INVALID_SLOT,
    active_set,
    inactive_set,
    last_at_or_below,
    search,
)
from xenperf.model.slot_swap import swap_active_set
from xenperf.words import Word, load32, load64, store32, store64

REGION_BYTES: Final = U64(USERSPACE_MEMORY_REGION.itemsize)
REGION_FLAGS: Final = U64(4)
REGION_GPA: Final = U64(8)
REGION_SIZE: Final = U64(16)
REGION_HVA: Final = U64(24)
KNOWN_FLAGS: Final = U32(MemslotFlag.LOG_DIRTY_PAGES | MemslotFlag.READONLY)
READONLY: Final = U32(MemslotFlag.READONLY)
MAX_PAGES: Final = U64(MAX_PAGES_PER_SLOT)
NO_FLAGS: Final = U32(0)

NOTHING: Final = ZERO
INSERTS: Final = ONE  # CREATE
REMOVES: Final = U64(2)  # DELETE; with INSERTS: MOVE
REFLAGS: Final = U64(4)  # FLAGS_ONLY
REFUSED: Final = U64(1 << 63)  # any error code is at or above it


@op
def _copy_slot(source: Word, target: Word) -> None:
    store64(target, load64(source))
    store64(target + SLOT_NR_PAGES, load64(source + SLOT_NR_PAGES))
    store64(target + SLOT_UHVA, load64(source + SLOT_UHVA))
    store64(target + SLOT_FLAGS, load64(source + SLOT_FLAGS))


@op
def _insert(memslots: Word, region: Word, slot_id: Word) -> None:
    """Put the slot that *region* describes into its place among the others."""
    slots = load64(memslots + SET_SLOTS)
    nr_slots = load64(memslots + SET_NR_SLOTS)
    base_gfn = load64(region + REGION_GPA) >> PAGE_BITS
    slot = slots + (nr_slots << SLOT_SHIFT)
    while slot > slots and load64(slot - (ONE << SLOT_SHIFT)) > base_gfn:
        _copy_slot(slot - (ONE << SLOT_SHIFT), slot)
        slot -= ONE << SLOT_SHIFT
    store64(slot, base_gfn)
    store64(slot + SLOT_NR_PAGES, load64(region + REGION_SIZE) >> PAGE_BITS)
    store64(slot + SLOT_UHVA, load64(region + REGION_HVA))
    store32(slot + SLOT_FLAGS, load32(region + REGION_FLAGS))
    store32(slot + SLOT_ID, U32(slot_id))
    store64(load64(memslots + SET_GFN_BY_ID) + (slot_id << THREE), base_gfn + ONE)
    store64(memslots + SET_NR_SLOTS, nr_slots + ONE)


@op
def _remove(memslots: Word, slot: Word, slot_id: Word) -> None:
    """Take *slot* out and close the gap; the record behind the last slot becomes zero."""
    nr_slots = load64(memslots + SET_NR_SLOTS) - ONE
    last = load64(memslots + SET_SLOTS) + (nr_slots << SLOT_SHIFT)
    while slot < last:
        _copy_slot(slot + (ONE << SLOT_SHIFT), slot)
        slot += ONE << SLOT_SHIFT
    store64(last, ZERO)
    store64(last + SLOT_NR_PAGES, ZERO)
    store64(last + SLOT_UHVA, ZERO)
    store64(last + SLOT_FLAGS, ZERO)
    store64(load64(memslots + SET_GFN_BY_ID) + (slot_id << THREE), ZERO)
    store64(memslots + SET_NR_SLOTS, nr_slots)


@op
def _slot_by_id(memslots: Word, slot_id: Word) -> Word:
    """Return the khva of the slot with this id, or 0: ``id_to_memslot()``."""
    gfn = load64(load64(memslots + SET_GFN_BY_ID) + (slot_id << THREE))
    if gfn == ZERO:
        return ZERO
    slots = load64(memslots + SET_SLOTS)
    index = search(slots, load64(memslots + SET_NR_SLOTS), gfn - ONE)
    return slots + (index << SLOT_SHIFT)


@op
def _overlaps(memslots: Word, slot_id: Word, base_gfn: Word, nr_pages: Word) -> bool:
    """Tell whether another slot holds one of the frames: ``kvm_check_memslot_overlap()``."""
    slots = load64(memslots + SET_SLOTS)
    nr_slots = load64(memslots + SET_NR_SLOTS)
    if nr_slots == ZERO:
        return False
    index = last_at_or_below(slots, nr_slots, base_gfn + nr_pages - ONE)
    slot = slots + (index << SLOT_SHIFT)
    if U64(load32(slot + SLOT_ID)) == slot_id:
        if index == ZERO:
            return False
        slot -= ONE << SLOT_SHIFT
    first = load64(slot)
    return bool(first < base_gfn + nr_pages and base_gfn < first + load64(slot + SLOT_NR_PAGES))


@op
def _check_region(vm: Word, region: Word) -> Word:
    """Return 0, or -EINVAL for arguments that no memslot can have."""
    flags = load32(region + REGION_FLAGS)
    gpa = load64(region + REGION_GPA)
    size = load64(region + REGION_SIZE)
    hva = load64(region + REGION_HVA)
    if flags & ~KNOWN_FLAGS != NO_FLAGS:
        return RC_EINVAL
    if (size | gpa | hva) & OFFSET_MASK != ZERO:
        return RC_EINVAL
    if hva >= USER_END or size > USER_END - hva:
        return RC_EINVAL
    if U64(load32(region)) >= load64(vm + VM_NR_SLOT_IDS) or gpa + size < gpa:
        return RC_EINVAL
    if size >> PAGE_BITS > MAX_PAGES:
        return RC_EINVAL
    return ZERO


@op
def change_wanted(vm: Word, memslots: Word, region: Word) -> Word:
    """Return what *region* asks of a set, as INSERTS, REMOVES, REFLAGS bits, or an error code."""
    refusal = _check_region(vm, region)
    if refusal != ZERO:
        return refusal
    slot_id = U64(load32(region))
    base_gfn = load64(region + REGION_GPA) >> PAGE_BITS
    nr_pages = load64(region + REGION_SIZE) >> PAGE_BITS
    old = _slot_by_id(memslots, slot_id)
    if nr_pages == ZERO:
        return RC_EINVAL if old == ZERO else REMOVES
    change = INSERTS
    if old != ZERO:
        flipped = load32(old + SLOT_FLAGS) ^ load32(region + REGION_FLAGS)
        same_place = load64(old) == base_gfn
        if load64(old + SLOT_NR_PAGES) != nr_pages:
            return RC_EINVAL
        if load64(old + SLOT_UHVA) != load64(region + REGION_HVA):
            return RC_EINVAL
        if flipped & READONLY != NO_FLAGS:
            return RC_EINVAL
        if same_place:
            return NOTHING if flipped == NO_FLAGS else REFLAGS
        change = INSERTS | REMOVES
    return RC_EEXIST if _overlaps(memslots, slot_id, base_gfn, nr_pages) else change


@op
def apply_change(memslots: Word, region: Word, change: Word) -> None:
    """Make *change* on a set that no reader sees: ``kvm_replace_memslot()``."""
    slot_id = U64(load32(region))
    slot = _slot_by_id(memslots, slot_id)
    if change & REMOVES != ZERO:
        _remove(memslots, slot, slot_id)
    if change & INSERTS != ZERO:
        _insert(memslots, region, slot_id)
    if change & REFLAGS != ZERO:
        store32(slot + SLOT_FLAGS, load32(region + REGION_FLAGS))


@op
def set_memory_region(vm: Word, cpu: Word, region: Word) -> Word:
    """Create, delete, move or re-flag one memslot: KVM_SET_USER_MEMORY_REGION.

    Swaps: create and flags 1, delete and move 2, identical parameters 0. The caller is outside any
    SRCU section.

    region
        khva of a ``struct kvm_userspace_memory_region``; size 0 deletes.
    """
    spin_lock(vm + VM_SLOTS_LOCK)
    change = change_wanted(vm, active_set(vm), region)
    rc = change if change >= REFUSED else ZERO
    if rc == ZERO and change != NOTHING:
        # step 0 hides a slot that is to go, step 1 changes and publishes, step 2 repeats
        step = ZERO if change & REMOVES != ZERO else ONE
        while step <= U64(2):
            if step < U64(2):
                spin_lock(vm + VM_SLOTS_ARCH_LOCK)
            prepared = inactive_set(vm)
            if step == ZERO:
                slot = _slot_by_id(prepared, U64(load32(region)))
                store32(slot + SLOT_FLAGS, load32(slot + SLOT_FLAGS) | INVALID_SLOT)
            else:
                apply_change(prepared, region, change)
            if step < U64(2):
                swap_active_set(vm, cpu)
            step += ONE
    spin_unlock(vm + VM_SLOTS_LOCK)
    return rc


@op
def bump_generation(vm: Word) -> None:
    """Make every GPA cache stale as a memslot update does, and nothing else."""
    memslots = active_set(vm)
    store64(memslots, load64(memslots) + load64(vm + VM_GENERATION_STEP))
