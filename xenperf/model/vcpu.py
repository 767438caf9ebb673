"""What a vCPU does on its way into the guest: merge the shadow selector, see a pending upcall.

``kvm_xen_inject_pending_events()`` and ``kvm_xen_has_interrupt()``, arch/x86/kvm/xen.c, v6.9.
"""

from typing import Final

from xenperf.abi.xen import LONG_MODE
from xenperf.jit import op
from xenperf.model.constants import (
    BYTE0,
    BYTE1,
    GPA_ERROR,
    LOW32,
    ONE,
    PAGE_BITS,
    REQUEST_CLOCK_UPDATE,
    REQUEST_UNBLOCK,
    SEL32,
    SEL64,
    VCPU_INFO_BYTES,
    W1,
    ZERO,
)
from xenperf.model.evtchn import is_long_mode
from xenperf.model.layout import (
    GPC_ACTIVE,
    GPC_GPA,
    GPC_KHVA,
    GPC_MEMSLOT,
    U32,
    U64,
    VCPU_NR_CLOCK_UPDATES,
    VCPU_NR_INJECTED,
    VCPU_REQUESTS,
    VCPU_UPCALL_VECTOR,
    VCPU_VCPU_INFO,
    VM_UPCALL_VECTOR,
)
from xenperf.model.locks import read_lock, read_unlock, srcu_read_lock, srcu_read_unlock
from xenperf.model.memslots import mark_page_dirty
from xenperf.model.patches import DIRTY_UNDER_LOCK
from xenperf.model.pfncache import check, refresh
from xenperf.model.statistics import count_one
from xenperf.model.timer import inject_timer
from xenperf.words import (
    Word,
    fetch_add64,
    fetch_and64,
    fetch_or32,
    fetch_or64,
    load8,
    load32,
    load64,
    store8,
    store32,
    write_barrier,
)

TIME: Final = U64(LONG_MODE.vcpu_info.time)  # the same place in both layouts


@op
def _lock_vcpu_info(vm: Word, cpu: Word, gpc: Word) -> Word:
    """Read-lock *gpc* with a good mapping, refreshing as long as that helps; 0 or -errno.

    Not locked on an error.
    """
    rc = ZERO
    read_lock(gpc)
    while rc == ZERO and not check(vm, gpc, VCPU_INFO_BYTES):
        read_unlock(gpc)
        rc = refresh(vm, cpu, gpc, VCPU_INFO_BYTES)
        if rc == ZERO:
            read_lock(gpc)
    return rc


@op
def _mark_dirty_and_unlock(vm: Word, gpc: Word) -> None:
    """Mark the page of *gpc* and unlock it; by HVA there is no memslot to mark it in.

    Before 4438355ec6e1 the lock is dropped first, and gpa and memslot need not agree.
    """
    if not DIRTY_UNDER_LOCK:
        read_unlock(gpc)
    gpa = load64(gpc + GPC_GPA)
    if gpa != GPA_ERROR:
        mark_page_dirty(vm, load64(gpc + GPC_MEMSLOT), gpa >> PAGE_BITS)
    if DIRTY_UNDER_LOCK:
        read_unlock(gpc)


@op
def inject_pending_events(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Merge the shadow selector into vcpu_info; the caller holds SRCU. 0 or -errno.

    Bits set after the snapshot stay in the shadow for the next merge. When vcpu_info cannot be
    resolved all bits stay, and the guest is entered without them.
    """
    shadow = load64(vcpu)
    if shadow == ZERO:
        return ZERO
    gpc = vcpu + VCPU_VCPU_INFO
    rc = _lock_vcpu_info(vm, cpu, gpc)
    if rc != ZERO:
        return rc
    vcpu_info = load64(gpc + GPC_KHVA)
    if is_long_mode(vm):
        fetch_or64(vcpu_info + SEL64, shadow)
        fetch_and64(vcpu, ~shadow)
    else:
        fetch_or32(vcpu_info + SEL32, U32(shadow & LOW32))
        fetch_and64(vcpu, ~(shadow & LOW32))
    store8(vcpu_info, BYTE1)
    _mark_dirty_and_unlock(vm, gpc)
    if load8(vcpu + VCPU_UPCALL_VECTOR) != BYTE0:
        fetch_add64(vcpu + VCPU_NR_INJECTED, ONE)
    return ZERO


@op
def has_interrupt(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Return the guest's upcall flag, 0 or 1, as each guest entry asks for it.

    Only with a VM-wide vector and an active vcpu_info; a cache that does not resolve means 0. The
    caller may sleep, so the spurious 1 of atomic callers does not occur.
    """
    gpc = vcpu + VCPU_VCPU_INFO
    if load8(vm + VM_UPCALL_VECTOR) == BYTE0 or load8(gpc + GPC_ACTIVE) == BYTE0:
        return ZERO
    idx = srcu_read_lock(vm, cpu)
    pending = ZERO
    if _lock_vcpu_info(vm, cpu, gpc) == ZERO:
        pending = U64(load8(load64(gpc + GPC_KHVA)))
        read_unlock(gpc)
    srcu_read_unlock(cpu, idx)
    return pending


@op
def _update_time(vm: Word, cpu: Word, vcpu: Word) -> None:
    """Rewrite the time in vcpu_info, if it resolves: ``kvm_setup_guest_pvclock()``.

    Only the version moves, as the model has no TSC. The caller holds SRCU.
    """
    count_one(vcpu + VCPU_NR_CLOCK_UPDATES)
    gpc = vcpu + VCPU_VCPU_INFO
    if load8(gpc + GPC_ACTIVE) == BYTE0 or _lock_vcpu_info(vm, cpu, gpc) != ZERO:
        return
    time = load64(gpc + GPC_KHVA) + TIME
    version = (load32(time) + W1) | W1
    store32(time, version)
    write_barrier()
    store32(time, version + W1)
    _mark_dirty_and_unlock(vm, gpc)


@op
def go_round(vm: Word, cpu: Word, vcpu: Word) -> None:
    """Do what ``vcpu_run()`` does between two turns inside the kernel.

    The request that may have ended the turn is cleared, then the shadow is merged, then comes what
    the timer left; a merge that fails is tried again in the next turn only.
    """
    fetch_and64(vcpu + VCPU_REQUESTS, ~REQUEST_UNBLOCK)
    idx = srcu_read_lock(vm, cpu)
    inject_pending_events(vm, cpu, vcpu)
    inject_timer(vm, cpu, vcpu)
    srcu_read_unlock(cpu, idx)


@op
def enter_guest(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Take *vcpu* to the point of guest entry: requests, merge, timer, then the vector.

    Returns 1 when the guest would be interrupted on entry. Only a kick makes ``vcpu_run()`` go
    round once more and merge. So a kick is used up by a merge that fails, and the bits then wait
    for the next one; the timer's own event may bring it.
    """
    while True:
        requests = load64(vcpu + VCPU_REQUESTS)
        if requests & REQUEST_CLOCK_UPDATE != ZERO:
            fetch_and64(vcpu + VCPU_REQUESTS, ~REQUEST_CLOCK_UPDATE)
            idx = srcu_read_lock(vm, cpu)
            _update_time(vm, cpu, vcpu)
            srcu_read_unlock(cpu, idx)
        if requests & REQUEST_UNBLOCK == ZERO:
            break
        go_round(vm, cpu, vcpu)
    return has_interrupt(vm, cpu, vcpu)
