"""shared_info as a whole: activation with its content step, and the long-mode switch.

``kvm_xen_shared_info_init()`` and ``kvm_xen_hvm_set_attr()``, arch/x86/kvm/xen.c, v6.9.
"""

from typing import Final

from xenperf.jit import op
from xenperf.model.activation import activate_to, is_refused
from xenperf.model.constants import (
    BYTE0,
    EIGHT,
    FOUR,
    GPA_ERROR,
    LOW32,
    ONE,
    PAGE,
    RC_EINVAL,
    RC_ENOENT,
    REQUEST_CLOCK_UPDATE,
    VCPU_INFO_BYTES,
    W1,
    WC32,
    WC64,
    WC_SEC_HI32,
    WC_SEC_HI64,
    ZERO,
)
from xenperf.model.evtchn import is_long_mode, vcpu_at
from xenperf.model.layout import (
    GPC_ACTIVE,
    GPC_KHVA,
    GPC_VALID,
    U8,
    U32,
    U64,
    VCPU_BYTES,
    VCPU_NR_KICKS,
    VCPU_REQUESTS,
    VCPU_VCPU_INFO,
    VM_LONG_MODE,
    VM_NR_VCPUS,
    VM_SHINFO,
    VM_VCPUS,
    VM_WALL_CLOCK_NS,
    VM_XEN_LOCK,
)
from xenperf.model.locks import (
    read_lock,
    read_unlock,
    spin_lock,
    spin_unlock,
    srcu_read_lock,
    srcu_read_unlock,
)
from xenperf.model.patches import CLOCK_ON_MODE, CONTENT_LOOP, SHINFO_HVA, VCPU_INFO_HVA
from xenperf.model.pfncache import check, refresh
from xenperf.words import (
    Word,
    fetch_add64,
    fetch_or64,
    load8,
    load32,
    load64,
    store8,
    store32,
    write_barrier,
)

NS_PER_SEC: Final = U64(10**9)
SEC_HI_SHIFT: Final = U64(32)


@op
def _write_wall_clock(vm: Word) -> None:
    """Store boot time where the current mode has it; the version is odd meanwhile."""
    page = load64(vm + VM_SHINFO + GPC_KHVA)
    clock = page + (WC64 if is_long_mode(vm) else WC32)
    sec_hi = page + (WC_SEC_HI64 if is_long_mode(vm) else WC_SEC_HI32)
    boot_ns = load64(vm + VM_WALL_CLOCK_NS)
    seconds = boot_ns // NS_PER_SEC
    version = (load32(clock) + W1) | W1
    store32(clock, version)
    write_barrier()
    store32(clock + EIGHT, U32(boot_ns - seconds * NS_PER_SEC))
    store32(clock + FOUR, U32(seconds & LOW32))
    store32(sec_hi, U32(seconds >> SEC_HI_SHIFT))
    write_barrier()
    store32(clock, version + W1)


@op
def _request_clock_updates(vm: Word) -> None:
    """Ask every vCPU for a clock update and kick it: the part that grows with the vCPUs."""
    vcpu = load64(vm + VM_VCPUS)
    past = vcpu + load64(vm + VM_NR_VCPUS) * VCPU_BYTES
    while vcpu < past:
        fetch_or64(vcpu + VCPU_REQUESTS, REQUEST_CLOCK_UPDATE)
        fetch_add64(vcpu + VCPU_NR_KICKS, ONE)
        vcpu += VCPU_BYTES


@op
def init_content(vm: Word, cpu: Word) -> Word:
    """Write the wall clock into shared_info, refreshing until it may be used; 0 or -errno."""
    shinfo = vm + VM_SHINFO
    idx = srcu_read_lock(vm, cpu)
    rc = ZERO
    read_lock(shinfo)
    usable = check(vm, shinfo, PAGE)
    while not usable and rc == ZERO:
        read_unlock(shinfo)
        rc = refresh(vm, cpu, shinfo, PAGE)
        read_lock(shinfo)
        usable = check(vm, shinfo, PAGE)
    if rc == ZERO:
        _write_wall_clock(vm)
    read_unlock(shinfo)
    srcu_read_unlock(cpu, idx)
    if rc == ZERO:
        _request_clock_updates(vm)
    return rc


@op
def _activate_until_valid(vm: Word, cpu: Word, gpa: Word, uhva: Word) -> Word:
    """Activate, again if the mapping is gone before the content is written: until c01c55a34f28."""
    shinfo = vm + VM_SHINFO
    idx = srcu_read_lock(vm, cpu)
    usable = False
    rc = ZERO
    while rc == ZERO and not usable:
        rc = activate_to(vm, cpu, shinfo, gpa, uhva, PAGE)
        if rc == ZERO:
            read_lock(shinfo)
            usable = bool(load8(shinfo + GPC_VALID) != BYTE0)
            if usable:
                _write_wall_clock(vm)
            read_unlock(shinfo)
    srcu_read_unlock(cpu, idx)
    if rc == ZERO:
        _request_clock_updates(vm)
    return rc


@op
def _activate_then_init(vm: Word, cpu: Word, gpa: Word, uhva: Word) -> Word:
    """Activate once, then write the content, refreshing if need be: since c01c55a34f28."""
    idx = srcu_read_lock(vm, cpu)
    rc = activate_to(vm, cpu, vm + VM_SHINFO, gpa, uhva, PAGE)
    srcu_read_unlock(cpu, idx)
    return init_content(vm, cpu) if rc == ZERO else rc


@op
def activate_shinfo(vm: Word, cpu: Word, gpa: Word, uhva: Word) -> Word:
    """Activate by *gpa*, or by *uhva* if gpa is all-ones, under xen_lock; 0 or -errno.

    The page's content follows only when the address resolves. An HVA that is not page aligned or
    not of the VMM's half is -EINVAL and leaves the old activation in force; -ENOENT in a kernel
    without the attribute.
    """
    if not SHINFO_HVA and gpa == GPA_ERROR:
        return RC_ENOENT
    if is_refused(gpa, uhva, PAGE):
        return RC_EINVAL
    spin_lock(vm + VM_XEN_LOCK)
    if CONTENT_LOOP:
        rc = _activate_then_init(vm, cpu, gpa, uhva)
    else:
        rc = _activate_until_valid(vm, cpu, gpa, uhva)
    spin_unlock(vm + VM_XEN_LOCK)
    return rc


@op
def activate_vcpu_info(vm: Word, cpu: Word, vcpu_idx: Word, gpa: Word, uhva: Word) -> Word:
    """Activate a vCPU's vcpu_info likewise; a success asks that vCPU for a clock update."""
    if not VCPU_INFO_HVA and gpa == GPA_ERROR:
        return RC_ENOENT
    if vcpu_idx >= load64(vm + VM_NR_VCPUS) or is_refused(gpa, uhva, VCPU_INFO_BYTES):
        return RC_EINVAL
    vcpu = vcpu_at(vm, vcpu_idx)
    spin_lock(vm + VM_XEN_LOCK)
    idx = srcu_read_lock(vm, cpu)
    rc = activate_to(vm, cpu, vcpu + VCPU_VCPU_INFO, gpa, uhva, VCPU_INFO_BYTES)
    srcu_read_unlock(cpu, idx)
    if rc == ZERO:
        fetch_or64(vcpu + VCPU_REQUESTS, REQUEST_CLOCK_UPDATE)
    spin_unlock(vm + VM_XEN_LOCK)
    return rc


@op
def set_long_mode(vm: Word, cpu: Word, long_mode: Word) -> Word:
    """Switch the layouts and rewrite the wall clock at its new place; no event bit is moved.

    The kernel before the series leaves the clock where it was.
    """
    spin_lock(vm + VM_XEN_LOCK)
    store8(vm + VM_LONG_MODE, U8(long_mode != ZERO))
    rc = ZERO
    if CLOCK_ON_MODE and load8(vm + VM_SHINFO + GPC_ACTIVE) != BYTE0:
        rc = init_content(vm, cpu)
    spin_unlock(vm + VM_XEN_LOCK)
    return rc
