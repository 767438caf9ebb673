"""The VMM's address space, modelled: a four-level page table in the physical memory itself.

Entries are those of x86-64: bit 0 present, bit 1 writable, the frame from bit 12 on. ``gup`` is
get_user_pages for writing on a page that is resident: no fault, no sleep.
"""

from typing import Final

from xenperf.jit import op
from xenperf.model.constants import ONE, PAGE_BITS, PFN_ERROR, ZERO
from xenperf.model.layout import CPU_NR_GUPS, U64, VM_DIRECT_MAP, VM_PGD
from xenperf.model.statistics import count_one
from xenperf.words import Word, load64

TOP_SHIFT: Final = U64(39)
LEVEL_BITS: Final = U64(9)
INDEX_MASK: Final = U64(511)
ENTRY_BYTES_SHIFT: Final = U64(3)
ENTRY_PFN_MASK: Final = U64((1 << 36) - 1)
ENTRY_WRITABLE: Final = U64(3)  # present and writable


@op
def walk(vm: Word, hva: Word) -> Word:
    """Return the leaf entry of *hva*, or 0 where a level is not present."""
    direct_map = load64(vm + VM_DIRECT_MAP)
    pfn = load64(vm + VM_PGD)
    shift = TOP_SHIFT
    entry = ZERO
    while shift >= PAGE_BITS:
        index = (hva >> shift) & INDEX_MASK
        entry = load64(direct_map + (pfn << PAGE_BITS) + (index << ENTRY_BYTES_SHIFT))
        if entry & ONE == ZERO:
            return ZERO
        pfn = (entry >> PAGE_BITS) & ENTRY_PFN_MASK
        shift -= LEVEL_BITS
    return entry


@op
def gup(vm: Word, cpu: Word, hva: Word) -> Word:
    """Return the frame behind *hva* for writing, or the PFN error: ``hva_to_pfn()``."""
    count_one(cpu + CPU_NR_GUPS)
    entry = walk(vm, hva)
    if entry & ENTRY_WRITABLE != ENTRY_WRITABLE:
        return PFN_ERROR
    return (entry >> PAGE_BITS) & ENTRY_PFN_MASK
