"""Sending an event: the fast path, the slow path and the ioctl (arch/x86/kvm/xen.c, v6.9).

A *vcpu* is the khva of its block. Outcomes are words: 1 delivered, 0 merged into one that was
pending already, or a negative errno (-ENOTCONN: set but masked).
"""

from xenperf.jit import op
from xenperf.model.bits import test_and_set_bit, test_and_set_bit32, test_bit
from xenperf.model.constants import (
    BIT_MASK64,
    BYTE0,
    BYTE1,
    FIVE,
    MASK32,
    MASK64,
    NR_PORTS32,
    NR_PORTS64,
    ONE,
    PAGE,
    PENDING,
    POLL_MANY,
    RC_EINVAL,
    RC_ENOTCONN,
    RC_EWOULDBLOCK,
    REQUEST_UNBLOCK,
    SEL32,
    SEL64,
    SIX,
    THREE,
    VCPU_INFO_BYTES,
    ZERO,
)
from xenperf.model.layout import (
    CPU_NR_SLOW_SENDS,
    GPC_ACTIVE,
    GPC_KHVA,
    U32,
    U64,
    VCPU_BYTES,
    VCPU_NR_INJECTED,
    VCPU_NR_KICKS,
    VCPU_POLL_EVTCHN,
    VCPU_REQUESTS,
    VCPU_UPCALL_VECTOR,
    VCPU_VCPU_IDX,
    VCPU_VCPU_INFO,
    VM_LONG_MODE,
    VM_NR_VCPUS,
    VM_POLL_MASK,
    VM_SHINFO,
    VM_VCPUS,
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
from xenperf.model.patches import NO_XEN_LOCK, VCPU_INFO_COPIED
from xenperf.model.pfncache import check, refresh
from xenperf.model.statistics import count_one
from xenperf.words import (
    Word,
    fetch_add64,
    fetch_and64,
    fetch_or64,
    likely,
    load8,
    load32,
    load64,
    store8,
    unlikely,
)


@op
def is_long_mode(vm: Word) -> bool:
    """Tell whether the guest uses the 64-bit layouts; read without a lock, as senders do."""
    return bool(load8(vm + VM_LONG_MODE) != BYTE0)


@op
def nr_ports(vm: Word) -> Word:
    """Return the first port that is too large: ``max_evtchn_port()``."""
    return NR_PORTS64 if is_long_mode(vm) else NR_PORTS32


@op
def kick(vcpu: Word) -> None:
    """Make *vcpu* look: request first, then the interrupt (``kvm_vcpu_kick()``)."""
    fetch_or64(vcpu + VCPU_REQUESTS, REQUEST_UNBLOCK)
    fetch_add64(vcpu + VCPU_NR_KICKS, ONE)


@op
def _check_poller(vm: Word, vcpu: Word, port: Word) -> None:
    """Wake *vcpu* if it polls *port*, or many ports: ``kvm_xen_check_poller()``.

    Only masked events need it; any other tells the vCPU in the usual way.
    """
    polled = load32(vcpu + VCPU_POLL_EVTCHN)
    if unlikely(polled == POLL_MANY or polled == U32(port)):
        vcpu_idx = U64(load32(vcpu + VCPU_VCPU_IDX))
        bit = ONE << (vcpu_idx & BIT_MASK64)
        word = vm + VM_POLL_MASK + ((vcpu_idx >> SIX) << THREE)
        if fetch_and64(word, ~bit) & bit != ZERO:
            kick(vcpu)


@op
def _select_word(vm: Word, vcpu: Word, word: Word) -> bool:
    """Set the selector bit for pending word *word*, or the shadow's; tell whether to kick.

    The upcall flag is stored after the selector bit. Where the cache of vcpu_info may not be used
    now, the bit gathers in the shadow and the vCPU merges it.
    """
    gpc = vcpu + VCPU_VCPU_INFO
    read_lock(gpc)
    told = False
    if unlikely(not check(vm, gpc, VCPU_INFO_BYTES)):
        told = not test_and_set_bit(vcpu, word)
    else:
        vcpu_info = load64(gpc + GPC_KHVA)
        if is_long_mode(vm):
            was_set = test_and_set_bit(vcpu_info + SEL64, word)
        else:
            was_set = test_and_set_bit32(vcpu_info + SEL32, word)
        if not was_set:
            store8(vcpu_info, BYTE1)
            told = True
            if load8(vcpu + VCPU_UPCALL_VECTOR) != BYTE0:
                fetch_add64(vcpu + VCPU_NR_INJECTED, ONE)
                told = False
    read_unlock(gpc)
    return told


@op
def set_evtchn_fast(vm: Word, cpu: Word, vcpu: Word, port: Word) -> Word:
    """Deliver without sleeping: ``kvm_xen_set_evtchn_fast()``.

    -EWOULDBLOCK when the cache of shared_info needs a refresh, and nothing is written. Neither page
    is marked dirty, and the guest's upcall mask is not looked at. Before 003d914220c9 an inactive
    vcpu_info is -EINVAL.
    """
    if not VCPU_INFO_COPIED and unlikely(load8(vcpu + VCPU_VCPU_INFO + GPC_ACTIVE) == BYTE0):
        return RC_EINVAL
    if unlikely(port >= nr_ports(vm)):
        return RC_EINVAL
    idx = srcu_read_lock(vm, cpu)
    shinfo = vm + VM_SHINFO
    told = False
    read_lock(shinfo)
    if unlikely(not check(vm, shinfo, PAGE)):
        rc = RC_EWOULDBLOCK
        read_unlock(shinfo)
    else:
        page = load64(shinfo + GPC_KHVA)
        long_mode = is_long_mode(vm)
        if test_and_set_bit(page + PENDING, port):
            rc = ZERO
            read_unlock(shinfo)
        elif test_bit(page + (MASK64 if long_mode else MASK32), port) != ZERO:
            rc = RC_ENOTCONN
            _check_poller(vm, vcpu, port)
            read_unlock(shinfo)
        else:
            rc = ONE
            read_unlock(shinfo)
            told = _select_word(vm, vcpu, port >> (SIX if long_mode else FIVE))
    srcu_read_unlock(cpu, idx)
    if told:
        kick(vcpu)
    return rc


@op
def set_evtchn(vm: Word, cpu: Word, vcpu: Word, port: Word) -> Word:
    """Deliver, refreshing the cache of shared_info if need be: ``kvm_xen_set_evtchn()``.

    Returns what the fast path does, or why the refresh failed: -EFAULT (not resolvable now) or
    -EINVAL (inactive). May sleep; loops as long as refreshes succeed and do not last. vcpu_info is
    never refreshed here. Before 7a36d680658b the slow path holds xen_lock.
    """
    is_slow = False
    while True:
        rc = set_evtchn_fast(vm, cpu, vcpu, port)
        if likely(rc != RC_EWOULDBLOCK):
            if not NO_XEN_LOCK and is_slow:
                spin_unlock(vm + VM_XEN_LOCK)
            return rc
        if not is_slow:  # the slow path begins with a second try of the fast one
            is_slow = True
            count_one(cpu + CPU_NR_SLOW_SENDS)
            if not NO_XEN_LOCK:
                spin_lock(vm + VM_XEN_LOCK)
            continue
        idx = srcu_read_lock(vm, cpu)
        refusal = refresh(vm, cpu, vm + VM_SHINFO, PAGE)
        srcu_read_unlock(cpu, idx)
        if refusal != ZERO:
            if not NO_XEN_LOCK:
                spin_unlock(vm + VM_XEN_LOCK)
            return refusal


@op
def vcpu_at(vm: Word, vcpu_idx: Word) -> Word:
    """Return the khva of vCPU *vcpu_idx*, which exists."""
    return load64(vm + VM_VCPUS) + vcpu_idx * VCPU_BYTES


@op
def hvm_evtchn_send(vm: Word, cpu: Word, vcpu_idx: Word, port: Word) -> Word:
    """Do what the send ioctl does, and return what the model knows of it: finer than the ioctl.

    Port 0, a port past the limit and an unknown vCPU are -EINVAL. The ioctl reports 1, 0 and
    -ENOTCONN all as 0: ``kvm_xen_hvm_evtchn_send()``.
    """
    if port == ZERO or port >= nr_ports(vm) or vcpu_idx >= load64(vm + VM_NR_VCPUS):
        return RC_EINVAL
    return set_evtchn(vm, cpu, vcpu_at(vm, vcpu_idx), port)
