"""The gfn_to_pfn_cache: guest or VMM address to kernel address, kept while nothing changes.

virt/kvm/pfncache.c as of v6.9, with activation by HVA (721f5b0dda78). A cache whose gpa is all-ones
is in HVA mode: no memslot, no generation. Outcomes are negative errno values in a word.
"""

from xenperf.jit import op
from xenperf.model.constants import (
    BYTE0,
    BYTE1,
    GPA_ERROR,
    HVA_ERROR,
    OFFSET_MASK,
    ONE,
    PAGE,
    PAGE_BITS,
    PAGE_MASK,
    PFN_ERROR,
    RC_EFAULT,
    RC_EINVAL,
    ZERO,
)
from xenperf.model.layout import (
    CPU_NR_LOOKUPS,
    CPU_NR_REFRESHES,
    CPU_NR_WARNINGS,
    GPC_ACTIVE,
    GPC_GENERATION,
    GPC_GPA,
    GPC_KHVA,
    GPC_MEMSLOT,
    GPC_PFN,
    GPC_REFRESH_LOCK,
    GPC_UHVA,
    GPC_VALID,
    SLOT_ID,
    U64,
    VM_DIRECT_MAP,
    VM_MMU_SEQ,
)
from xenperf.model.locks import spin_lock, spin_unlock, write_lock, write_unlock
from xenperf.model.memslots import active_set, generation, hva_for_writing, lookup
from xenperf.model.notifier import must_retry
from xenperf.model.pagetable import gup
from xenperf.model.patches import HVA_ACTIVATION, OFFSET_IN_UHVA
from xenperf.model.statistics import count_one
from xenperf.words import (
    Word,
    load8,
    load32,
    load64,
    load_acquire64,
    read_barrier,
    store8,
    store64,
    unlikely,
)


@op
def init(gpc: Word) -> None:
    """Make *gpc* an inactive cache that has never seen an address: ``kvm_gpc_init()``.

    Before 721f5b0dda78 only the locks are made, and the rest is zero.
    """
    store64(gpc, ZERO)
    store64(gpc + GPC_ACTIVE, ZERO)
    store64(gpc + GPC_GENERATION, ZERO)
    store64(gpc + GPC_GPA, GPA_ERROR if HVA_ACTIVATION else ZERO)
    store64(gpc + GPC_UHVA, HVA_ERROR if HVA_ACTIVATION else ZERO)
    store64(gpc + GPC_KHVA, ZERO)
    store64(gpc + GPC_PFN, PFN_ERROR if HVA_ACTIVATION else ZERO)
    store64(gpc + GPC_MEMSLOT, ZERO)


@op
def _is_other_generation(vm: Word, gpc: Word) -> bool:
    """Tell whether the memslots have changed; no matter to a cache activated by HVA."""
    if HVA_ACTIVATION and load64(gpc + GPC_GPA) == GPA_ERROR:
        return False
    return bool(load64(gpc + GPC_GENERATION) != generation(vm))


@op
def check(vm: Word, gpc: Word, nr_bytes: Word) -> bool:
    """Tell whether *gpc* may be used now for *nr_bytes*: ``kvm_gpc_check()``.

    No store, no locked operation. The caller holds the cache's lock for reading, and SRCU. By HVA
    only the generation test is left out.
    """
    if unlikely(load8(gpc + GPC_ACTIVE) == BYTE0):
        return False
    if unlikely(_is_other_generation(vm, gpc)):
        return False
    uhva = load64(gpc + GPC_UHVA)
    start = uhva if OFFSET_IN_UHVA else load64(gpc + GPC_GPA)
    if unlikely(uhva >= HVA_ERROR or (start & OFFSET_MASK) + nr_bytes > PAGE):
        return False
    return bool(load8(gpc + GPC_VALID) != BYTE0)


@op
def is_within_page(gpa: Word, uhva: Word, nr_bytes: Word) -> bool:
    """Tell whether *nr_bytes* from either address stay in one page."""
    start = uhva if HVA_ACTIVATION and gpa == GPA_ERROR else gpa
    return bool((start & OFFSET_MASK) + nr_bytes <= PAGE)


@op
def _map_for_good(vm: Word, cpu: Word, gpc: Word, hva: Word) -> Word:
    """Find the frame behind *hva* and map it: ``hva_to_pfn_retry()``.

    The write lock is held on entry and on return, but not while the page tables are read; whatever
    a notifier changed in between is seen afterwards, and the walk is done again.
    """
    store8(gpc + GPC_VALID, BYTE0)
    while True:
        seq = load_acquire64(vm + VM_MMU_SEQ)
        read_barrier()
        write_unlock(gpc)
        pfn = gup(vm, cpu, hva)
        write_lock(gpc)
        if pfn == PFN_ERROR:
            return RC_EFAULT
        if not must_retry(vm, seq):
            break
    store8(gpc + GPC_VALID, BYTE1)
    store64(gpc + GPC_PFN, pfn)
    store64(
        gpc + GPC_KHVA,
        load64(vm + VM_DIRECT_MAP) + (pfn << PAGE_BITS) + (hva & OFFSET_MASK),
    )
    return ZERO


@op
def _look_up(vm: Word, cpu: Word, gpc: Word, gpa: Word) -> Word:
    """Store what the memslots say about *gpa* and return its page's HVA, or the HVA error."""
    memslots = active_set(vm)
    gfn = gpa >> PAGE_BITS
    store64(gpc + GPC_GPA, gpa)
    store64(gpc + GPC_GENERATION, load64(memslots))
    slot = lookup(memslots, gfn)
    store64(gpc + GPC_MEMSLOT, ZERO if slot == ZERO else U64(load32(slot + SLOT_ID)) + ONE)
    count_one(cpu + CPU_NR_LOOKUPS)
    return hva_for_writing(slot, gfn)


@op
def _resolve(vm: Word, cpu: Word, gpc: Word, gpa: Word, uhva: Word) -> Word:
    """Return the HVA that the cache is to map, offset included, or the HVA error."""
    if HVA_ACTIVATION and gpa == GPA_ERROR:
        store64(gpc + GPC_GPA, GPA_ERROR)
        store64(gpc + GPC_MEMSLOT, ZERO)
        return uhva
    known = load64(gpc + GPC_UHVA)
    page = known & PAGE_MASK
    if (
        load64(gpc + GPC_GPA) != gpa
        or load64(gpc + GPC_GENERATION) != generation(vm)
        or known >= HVA_ERROR
    ):
        page = _look_up(vm, cpu, gpc, gpa)
        if page >= HVA_ERROR:
            return page
    return page + (gpa & OFFSET_MASK)


@op
def refresh_to(vm: Word, cpu: Word, gpc: Word, gpa: Word, uhva: Word) -> Word:
    """Bring *gpc* up to date for *gpa*, or for *uhva* if gpa is all-ones: ``__kvm_gpc_refresh()``.

    Returns 0, -EINVAL (inactive, or both or neither address given) or -EFAULT (nothing behind it).
    The caller holds refresh_lock and SRCU. On 0 the cache is valid until the next notifier; on
    -EFAULT its mapping is gone while the address stays, so that a later refresh may succeed.
    """
    count_one(cpu + CPU_NR_REFRESHES)
    if HVA_ACTIVATION and unlikely((gpa == GPA_ERROR) == (uhva >= HVA_ERROR)):
        count_one(cpu + CPU_NR_WARNINGS)
        return RC_EINVAL
    write_lock(gpc)
    if load8(gpc + GPC_ACTIVE) == BYTE0:
        write_unlock(gpc)
        return RC_EINVAL
    old_page = load64(gpc + GPC_UHVA) & PAGE_MASK
    hva = _resolve(vm, cpu, gpc, gpa, uhva)
    store64(gpc + GPC_UHVA, hva if OFFSET_IN_UHVA else hva & PAGE_MASK)
    rc = ZERO
    if hva >= HVA_ERROR:
        rc = RC_EFAULT
    elif load8(gpc + GPC_VALID) == BYTE0 or hva & PAGE_MASK != old_page:
        rc = _map_for_good(vm, cpu, gpc, hva)
    else:
        store64(gpc + GPC_KHVA, (load64(gpc + GPC_KHVA) & PAGE_MASK) + (hva & OFFSET_MASK))
    if rc != ZERO:
        store8(gpc + GPC_VALID, BYTE0)
        store64(gpc + GPC_PFN, PFN_ERROR)
        store64(gpc + GPC_KHVA, ZERO)
    write_unlock(gpc)
    return rc


@op
def refresh(vm: Word, cpu: Word, gpc: Word, nr_bytes: Word) -> Word:
    """Redo what is stale for the address the cache has: ``kvm_gpc_refresh()``; may sleep.

    The caller holds SRCU and has dropped the cache's lock. A cache never activated has neither
    address: -EINVAL, and a kernel warning, which is counted.
    """
    spin_lock(gpc + GPC_REFRESH_LOCK)
    gpa = load64(gpc + GPC_GPA)
    known = load64(gpc + GPC_UHVA)
    rc = RC_EINVAL
    if is_within_page(gpa, known, nr_bytes):
        rc = refresh_to(vm, cpu, gpc, gpa, known if gpa == GPA_ERROR else HVA_ERROR)
    spin_unlock(gpc + GPC_REFRESH_LOCK)
    return rc
