"""SCHEDOP_poll: a vCPU sleeps until one of its ports is pending (arch/x86/kvm/xen.c, v6.9).

A sleeping vCPU is a state: the call returns RC_ASLEEP, and ``poll_result`` asks again. Its guest
takes interrupts, so a vector raised through the local APIC wakes it too. A guest with 32-bit
layouts makes 32-bit calls, where KVM asks the vCPU's own mode. Left out: jiffies, and SRCU,
which a sleeper holds; what follows from that, ``memslot_requests`` sees to.
"""

from typing import Final

from xenperf.abi.structs import offset_of
from xenperf.abi.xen import MAX_POLLED_PORTS, SCHED_POLL_COMPAT, SCHED_POLL_LONG
from xenperf.jit import op
from xenperf.model.bits import clear_bit, test_and_set_bit, test_bit
from xenperf.model.constants import (
    LOW32,
    ONE,
    PAGE,
    PENDING,
    POLL_MANY,
    RC_ASLEEP,
    RC_EFAULT,
    RC_EINVAL,
    REQUEST_UNBLOCK,
    TWO,
    W0,
    W1,
    ZERO,
)
from xenperf.model.evtchn import is_long_mode, nr_ports
from xenperf.model.layout import (
    GPC_KHVA,
    U64,
    VCPU_IS_HALTED,
    VCPU_NR_INJECTED,
    VCPU_POLL_DEADLINE,
    VCPU_POLL_EVTCHN,
    VCPU_POLL_INJECTED,
    VCPU_REQUESTS,
    VCPU_TIMER_PENDING,
    VCPU_VCPU_IDX,
    VM_NOW_NS,
    VM_POLL_MASK,
    VM_SHINFO,
)
from xenperf.model.locks import read_lock, read_unlock, srcu_read_lock, srcu_read_unlock
from xenperf.model.pfncache import check
from xenperf.words import Flag, Word, fetch_and64, load32, load64, store32, store64

NR_POLLED_MAX: Final = U64(MAX_POLLED_PORTS)
POLL_NR_PORTS: Final = U64(offset_of(SCHED_POLL_LONG, "nr_ports"))
POLL_TIMEOUT: Final = U64(offset_of(SCHED_POLL_LONG, "timeout"))
POLL_NR_PORTS32: Final = U64(offset_of(SCHED_POLL_COMPAT, "nr_ports"))
POLL_TIMEOUT32: Final = U64(offset_of(SCHED_POLL_COMPAT, "timeout"))
SIGN_SHIFT32: Final = U64(31)


@op
def _ports_at(args: Word, is_long: Flag) -> Word:
    """Return the khva of the ports of a poll; 0 for a pointer that does not resolve.

    A 32-bit pointer has the low half of a khva: of all those, the nearest to *args* is meant.
    """
    if is_long:
        return load64(args)
    pointer = U64(load32(args))
    if pointer == ZERO:
        return ZERO
    ahead = (pointer - args) & LOW32
    if ahead >> SIGN_SHIFT32 != ZERO:
        ahead |= ~LOW32
    return args + ahead


@op
def _are_in_range(vm: Word, ports: Word, nr: Word) -> bool:
    i = ZERO
    while i < nr:
        if U64(load32(ports + (i << TWO))) >= nr_ports(vm):
            return False
        i += ONE
    return True


@op
def _has_pending_port(vm: Word, cpu: Word, ports: Word, nr: Word) -> bool:
    """Tell whether one of *ports* is pending, masked or not: ``wait_pending_event()``.

    Also where that cannot be seen: a cache that fails its check is not refreshed here.
    """
    shinfo = vm + VM_SHINFO
    idx = srcu_read_lock(vm, cpu)
    read_lock(shinfo)
    found = True
    if check(vm, shinfo, PAGE):
        found = False
        pending = load64(shinfo + GPC_KHVA) + PENDING
        i = ZERO
        while i < nr and not found:
            found = bool(test_bit(pending, U64(load32(ports + (i << TWO)))) != ZERO)
            i += ONE
    read_unlock(shinfo)
    srcu_read_unlock(cpu, idx)
    return found


@op
def _has_reason_to_run(vcpu: Word) -> bool:
    """Tell whether a halted vCPU goes on: ``kvm_vcpu_check_block()``; uses a request up."""
    if load64(vcpu) != ZERO or load32(vcpu + VCPU_TIMER_PENDING) != W0:
        return True
    if load64(vcpu + VCPU_NR_INJECTED) != load64(vcpu + VCPU_POLL_INJECTED):
        return True
    return bool(fetch_and64(vcpu + VCPU_REQUESTS, ~REQUEST_UNBLOCK) & REQUEST_UNBLOCK != ZERO)


@op
def poll_result(vm: Word, vcpu: Word) -> Word:
    """Return 0 if the vCPU woke from its poll, which then ends; RC_ASLEEP if it did not."""
    if load32(vcpu + VCPU_IS_HALTED) != W0 and not _has_reason_to_run(vcpu):
        return RC_ASLEEP
    store32(vcpu + VCPU_IS_HALTED, W0)
    store64(vcpu + VCPU_POLL_DEADLINE, ZERO)
    store32(vcpu + VCPU_POLL_EVTCHN, W0)
    clear_bit(vm + VM_POLL_MASK, U64(load32(vcpu + VCPU_VCPU_IDX)))
    return ZERO


@op
def schedop_poll(vm: Word, cpu: Word, vcpu: Word, args: Word) -> Word:
    """Begin a poll: 0 at once, RC_ASLEEP, or -errno: ``kvm_xen_schedop_poll()``.

    *args* is the structure of the guest's mode.

    The timeout, in ns from now, begins only where the vCPU sleeps; 0 is none.
    """
    if args == ZERO:
        return RC_EFAULT
    is_long = is_long_mode(vm)
    ports = _ports_at(args, is_long)
    nr = U64(load32(args + (POLL_NR_PORTS if is_long else POLL_NR_PORTS32)))
    timeout = load64(args + (POLL_TIMEOUT if is_long else POLL_TIMEOUT32))
    if nr > NR_POLLED_MAX:
        return RC_EINVAL
    if nr != ZERO and ports == ZERO:
        return RC_EFAULT
    if not _are_in_range(vm, ports, nr):
        return RC_EINVAL
    store32(vcpu + VCPU_POLL_EVTCHN, load32(ports) if nr == ONE else POLL_MANY)
    test_and_set_bit(vm + VM_POLL_MASK, U64(load32(vcpu + VCPU_VCPU_IDX)))
    if not _has_pending_port(vm, cpu, ports, nr):
        store32(vcpu + VCPU_IS_HALTED, W1)
        store64(vcpu + VCPU_POLL_INJECTED, load64(vcpu + VCPU_NR_INJECTED))
        if timeout != ZERO:
            store64(vcpu + VCPU_POLL_DEADLINE, load64(vm + VM_NOW_NS) + timeout)
    return poll_result(vm, vcpu)
