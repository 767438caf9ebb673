"""The timer VIRQ of a vCPU (arch/x86/kvm/xen.c, v6.9: with the fast path of 77c9b9dea4fb, v6.7).

Time is a word that the host moves on. An hrtimer is the time it fires at; cancelling one never has
to wait for its callback.
"""

from typing import Final

from xenperf.jit import op
from xenperf.model.constants import (
    ONE,
    PRIORITY,
    RC_EINVAL,
    RC_EWOULDBLOCK,
    SIGN_SHIFT,
    W0,
    W1,
    ZERO,
)
from xenperf.model.evtchn import kick, set_evtchn, set_evtchn_fast, vcpu_at
from xenperf.model.layout import (
    U32,
    U64,
    VCPU_POLL_DEADLINE,
    VCPU_TIMER_DEADLINE,
    VCPU_TIMER_EXPIRES,
    VCPU_TIMER_PENDING,
    VCPU_TIMER_VIRQ,
    VM_NOW_NS,
    VM_NR_VCPUS,
    VM_XEN_LOCK,
)
from xenperf.model.locks import spin_lock, spin_unlock
from xenperf.model.patches import NO_XEN_LOCK
from xenperf.words import Flag, Word, fetch_or32, load32, load64, store32, store64

FAR_SHIFT: Final = U64(50)
NOT_TOO_SOON_NS: Final = U64(100_000_000)


@op
def fire(vm: Word, cpu: Word, vcpu: Word) -> None:
    """Do what the hrtimer's callback does: ``xen_timer_callback()``.

    It is an interrupt, so it tries the fast path; only -EWOULDBLOCK leaves the event to the vCPU,
    and any other failure drops it.
    """
    store64(vcpu + VCPU_TIMER_DEADLINE, ZERO)
    if load32(vcpu + VCPU_TIMER_PENDING) != W0:
        return
    port = U64(load32(vcpu + VCPU_TIMER_VIRQ))
    if set_evtchn_fast(vm, cpu, vcpu, port) != RC_EWOULDBLOCK:
        store64(vcpu + VCPU_TIMER_EXPIRES, ZERO)
        return
    fetch_or32(vcpu + VCPU_TIMER_PENDING, W1)
    kick(vcpu)


@op
def inject_timer(vm: Word, cpu: Word, vcpu: Word) -> None:
    """Deliver what the callback left to the vCPU: ``kvm_xen_inject_timer_irqs()``; may sleep.

    Whether that succeeds is not looked at: the timer is off afterwards in any case.
    """
    if load32(vcpu + VCPU_TIMER_PENDING) != W0:
        set_evtchn(vm, cpu, vcpu, U64(load32(vcpu + VCPU_TIMER_VIRQ)))
        store64(vcpu + VCPU_TIMER_EXPIRES, ZERO)
        store32(vcpu + VCPU_TIMER_PENDING, W0)


@op
def stop_timer(vcpu: Word) -> None:
    """Forget the timer, and what it left to the vCPU: ``kvm_xen_stop_timer()``."""
    store64(vcpu + VCPU_TIMER_DEADLINE, ZERO)
    store64(vcpu + VCPU_TIMER_EXPIRES, ZERO)
    store32(vcpu + VCPU_TIMER_PENDING, W0)


@op
def start_timer(vm: Word, cpu: Word, vcpu: Word, expires: Word, forgiving: Flag) -> None:
    """Let the timer expire at *expires*, at once if that is not in the future.

    *forgiving* is set_timer_op's way: a time that overflowed, or one over 13 days ahead, becomes
    100 ms from now: ``kvm_xen_start_timer()``.
    """
    now = load64(vm + VM_NOW_NS)
    ahead = expires - now
    is_future = ahead != ZERO and ahead >> SIGN_SHIFT == ZERO
    if forgiving and (expires >> SIGN_SHIFT != ZERO or (is_future and ahead >> FAR_SHIFT != ZERO)):
        expires = now + NOT_TOO_SOON_NS
        is_future = True
    stop_timer(vcpu)
    store64(vcpu + VCPU_TIMER_EXPIRES, expires)
    if is_future:
        store64(vcpu + VCPU_TIMER_DEADLINE, expires)
    else:
        fire(vm, cpu, vcpu)


@op
def set_timer(vm: Word, cpu: Word, vcpu: Word, port: Word, priority: Word, expires: Word) -> Word:
    """Set attribute TIMER: the port to raise, and when; 0 for either turns it off. 0 or -EINVAL."""
    if port != ZERO and U32(priority) != PRIORITY:
        return RC_EINVAL
    spin_lock(vm + VM_XEN_LOCK)
    stop_timer(vcpu)
    store32(vcpu + VCPU_TIMER_VIRQ, U32(port))
    if port != ZERO and expires != ZERO:
        start_timer(vm, cpu, vcpu, expires, False)
    spin_unlock(vm + VM_XEN_LOCK)
    return ZERO


@op
def get_timer(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Read attribute TIMER: when it expires, 0 if it is off.

    What the callback left to the vCPU is injected first, so a read may lose an event. A timer that
    has not fired is stopped meanwhile and starts again as it was. Before 7a36d680658b KVM may
    deadlock here, as the injection takes xen_lock again; the model lets it go first.
    """
    spin_lock(vm + VM_XEN_LOCK)
    if load64(vcpu + VCPU_TIMER_EXPIRES) != ZERO:
        if not NO_XEN_LOCK:
            spin_unlock(vm + VM_XEN_LOCK)
        inject_timer(vm, cpu, vcpu)
        if not NO_XEN_LOCK:
            spin_lock(vm + VM_XEN_LOCK)
    expires = load64(vcpu + VCPU_TIMER_EXPIRES)
    spin_unlock(vm + VM_XEN_LOCK)
    return expires


@op
def _is_due(deadline: Word, now: Word) -> bool:
    return bool(deadline != ZERO and deadline <= now)


@op
def advance_time(vm: Word, cpu: Word, ns: Word) -> Word:
    """Move the clock on by *ns* and let every timer fire that is due; return how many did.

    vCPU by vCPU: an event is the same in whatever order they fire. A poll's timer kicks its vCPU
    (``cancel_evtchn_poll()``).
    """
    now = load64(vm + VM_NOW_NS) + ns
    store64(vm + VM_NOW_NS, now)
    fired = ZERO
    vcpu_idx = ZERO
    while vcpu_idx < load64(vm + VM_NR_VCPUS):
        vcpu = vcpu_at(vm, vcpu_idx)
        if _is_due(load64(vcpu + VCPU_POLL_DEADLINE), now):
            store64(vcpu + VCPU_POLL_DEADLINE, ZERO)
            kick(vcpu)
            fired += ONE
        if _is_due(load64(vcpu + VCPU_TIMER_DEADLINE), now):
            fire(vm, cpu, vcpu)
            fired += ONE
        vcpu_idx += ONE
    return fired
