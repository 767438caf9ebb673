"""Starting and stopping the use of a gfn_to_pfn_cache (virt/kvm/pfncache.c, v6.9).

Since 6addfcf27139 everything happens under the cache's refresh_lock, so activation, deactivation
and refresh exclude each other; before, a refresh could run in the middle of either.
"""

from xenperf.jit import op
from xenperf.model.constants import (
    BYTE0,
    BYTE1,
    GPA_ERROR,
    HVA_ERROR,
    ONE,
    PFN_ERROR,
    RC_EINVAL,
    THREE,
    USER_END,
    ZERO,
)
from xenperf.model.layout import (
    GPC_ACTIVE,
    GPC_KHVA,
    GPC_LIST_IDX,
    GPC_PFN,
    GPC_REFRESH_LOCK,
    GPC_UHVA,
    GPC_VALID,
    U16,
    U64,
    VM_GPC_LIST,
    VM_GPC_LOCK,
    VM_NR_GPCS,
)
from xenperf.model.locks import spin_lock, spin_unlock, write_lock, write_unlock
from xenperf.model.patches import ACTIVATE_LOCKED, HVA_ACTIVATION
from xenperf.model.pfncache import is_within_page, refresh_to
from xenperf.words import Word, load8, load16, load64, store8, store16, store64


@op
def _enlist(vm: Word, gpc: Word) -> None:
    """Let notifiers see *gpc* from here on."""
    spin_lock(vm + VM_GPC_LOCK)
    idx = load64(vm + VM_NR_GPCS)
    store64(load64(vm + VM_GPC_LIST) + (idx << THREE), gpc)
    store16(gpc + GPC_LIST_IDX, U16(idx))
    store64(vm + VM_NR_GPCS, idx + ONE)
    spin_unlock(vm + VM_GPC_LOCK)


@op
def _delist(vm: Word, gpc: Word) -> None:
    """Hide *gpc* from notifiers; the last of the list takes its place."""
    spin_lock(vm + VM_GPC_LOCK)
    gpc_list = load64(vm + VM_GPC_LIST)
    last_idx = load64(vm + VM_NR_GPCS) - ONE
    idx = U64(load16(gpc + GPC_LIST_IDX))
    last = load64(gpc_list + (last_idx << THREE))
    store64(gpc_list + (idx << THREE), last)
    store16(last + GPC_LIST_IDX, U16(idx))
    store64(vm + VM_NR_GPCS, last_idx)
    spin_unlock(vm + VM_GPC_LOCK)


@op
def _forget_mapping(gpc: Word) -> None:
    """Drop what the cache knew of its page."""
    store8(gpc + GPC_VALID, BYTE0)
    store64(gpc + GPC_KHVA, ZERO)
    store64(gpc + GPC_PFN, PFN_ERROR)


@op
def activate_to(vm: Word, cpu: Word, gpc: Word, gpa: Word, uhva: Word, nr_bytes: Word) -> Word:
    """Start using *gpc* for one of the two addresses: ``__kvm_gpc_activate()``.

    On the list before it is active, so that no mapping exists that a notifier cannot reach. When
    the refresh fails the cache stays active at the new address. The kernel before the series also
    forgets the old translation; which commit ended that is not known, and here it is 721f5b0dda78.
    """
    if not is_within_page(gpa, uhva, nr_bytes):
        return RC_EINVAL
    if ACTIVATE_LOCKED:
        spin_lock(gpc + GPC_REFRESH_LOCK)
    if load8(gpc + GPC_ACTIVE) == BYTE0:
        if not HVA_ACTIVATION:
            _forget_mapping(gpc)
            store64(gpc + GPC_UHVA, HVA_ERROR)
        _enlist(vm, gpc)
        write_lock(gpc)
        store8(gpc + GPC_ACTIVE, BYTE1)
        write_unlock(gpc)
    if not ACTIVATE_LOCKED:
        spin_lock(gpc + GPC_REFRESH_LOCK)
    rc = refresh_to(vm, cpu, gpc, gpa, uhva)
    spin_unlock(gpc + GPC_REFRESH_LOCK)
    return rc


@op
def is_refused(gpa: Word, uhva: Word, nr_bytes: Word) -> bool:
    """Tell whether activation turns the address down before it touches the cache.

    By GPA only all-ones; by HVA whatever is not a range of the VMM's half: ``kvm_gpc_activate()``
    and ``kvm_gpc_activate_hva()``.
    """
    if gpa != GPA_ERROR:
        return False
    return bool(uhva >= USER_END or nr_bytes > USER_END - uhva)


@op
def _deactivate_first(vm: Word, gpc: Word) -> None:
    """Clear active at once and the mapping later, as before 6addfcf27139.

    A refresh between the two may keep using a mapping that is then taken away.
    """
    write_lock(gpc)
    store8(gpc + GPC_ACTIVE, BYTE0)
    write_unlock(gpc)
    _delist(vm, gpc)
    spin_lock(gpc + GPC_REFRESH_LOCK)
    write_lock(gpc)
    _forget_mapping(gpc)
    write_unlock(gpc)
    spin_unlock(gpc + GPC_REFRESH_LOCK)


@op
def deactivate(vm: Word, gpc: Word) -> None:
    """Stop using *gpc*; a second time does nothing: ``kvm_gpc_deactivate()``.

    Addresses and generation are kept, the mapping is not.
    """
    if ACTIVATE_LOCKED:
        spin_lock(gpc + GPC_REFRESH_LOCK)
        if load8(gpc + GPC_ACTIVE) != BYTE0:
            write_lock(gpc)
            store8(gpc + GPC_ACTIVE, BYTE0)
            _forget_mapping(gpc)
            write_unlock(gpc)
            _delist(vm, gpc)
        spin_unlock(gpc + GPC_REFRESH_LOCK)
    elif load8(gpc + GPC_ACTIVE) != BYTE0:
        _deactivate_first(vm, gpc)
