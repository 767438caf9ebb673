"""Hypercalls of the guest that KVM handles itself: ``kvm_xen_hypercall()``, v6.9.

The answer is 0, a negative errno, RC_EXIT_XEN (left to the VMM) or RC_ASLEEP (in a poll). Arguments
in guest memory are given by their khva; 0 stands for a pointer that does not resolve. Left out:
xen_version, and callers outside ring 0.
"""

from typing import Final

from xenperf.abi.xen import EvtchnOp, Hypercall, SchedOp, VcpuOp
from xenperf.jit import op
from xenperf.model.constants import (
    RC_ASLEEP,
    RC_EFAULT,
    RC_EINVAL,
    RC_EXIT_XEN,
    W0,
    ZERO,
)
from xenperf.model.layout import U64, VCPU_TIMER_VIRQ, VCPU_VCPU_ID
from xenperf.model.poll import poll_result, schedop_poll
from xenperf.model.ports import evtchn_send
from xenperf.model.timer import start_timer, stop_timer
from xenperf.model.vcpu import go_round
from xenperf.words import Word, load32, load64

SET_TIMER_OP, VCPU_OP, SCHED_OP, EVENT_CHANNEL_OP = (
    U64(number)
    for number in (
        Hypercall.SET_TIMER_OP,
        Hypercall.VCPU_OP,
        Hypercall.SCHED_OP,
        Hypercall.EVENT_CHANNEL_OP,
    )
)
SEND: Final = U64(EvtchnOp.SEND)
POLL, YIELD = U64(SchedOp.POLL), U64(SchedOp.YIELD)
SET_SINGLESHOT, STOP_SINGLESHOT = (
    U64(VcpuOp.SET_SINGLESHOT_TIMER),
    U64(VcpuOp.STOP_SINGLESHOT_TIMER),
)


@op
def _vcpu_op_refusal(vcpu: Word, command: Word, vcpu_id: Word, args: Word) -> Word:
    """Return why a singleshot timer is not set or stopped: another's vCPU, or bad *args*."""
    if command != SET_SINGLESHOT and command != STOP_SINGLESHOT:
        return RC_EXIT_XEN
    if vcpu_id != U64(load32(vcpu + VCPU_VCPU_ID)):
        return RC_EINVAL
    return RC_EFAULT if command == SET_SINGLESHOT and args == ZERO else ZERO


@op
def _timer_call(
    vm: Word, cpu: Word, vcpu: Word, number: Word, p0: Word, p1: Word, p2: Word
) -> Word:
    """Set or stop the timer, if the VMM gave it a port: set_timer_op and the singleshot timer."""
    if load32(vcpu + VCPU_TIMER_VIRQ) == W0:
        return RC_EXIT_XEN
    forgiving = number == SET_TIMER_OP
    rc = ZERO if forgiving else _vcpu_op_refusal(vcpu, p0, p1, p2)
    if rc != ZERO:
        return rc
    stops = p0 == ZERO if forgiving else p0 == STOP_SINGLESHOT
    if stops:
        stop_timer(vcpu)
    else:
        start_timer(vm, cpu, vcpu, p0 if forgiving else load64(p2), forgiving)
    return ZERO


@op
def hypercall(vm: Word, cpu: Word, vcpu: Word, number: Word, p0: Word, p1: Word, p2: Word) -> Word:
    """Handle hypercall *number* with its parameters, then let the vCPU go round once more.

    A call that is left to the VMM ends KVM_RUN, so nothing is merged after it.
    """
    rc = RC_EXIT_XEN
    if number == EVENT_CHANNEL_OP:
        if p0 == SEND:
            rc = evtchn_send(vm, cpu, p1)
    elif number == SCHED_OP:
        if p0 == POLL:
            rc = schedop_poll(vm, cpu, vcpu, p1)
        elif p0 == YIELD:
            rc = ZERO
    elif number == SET_TIMER_OP or number == VCPU_OP:  # noqa: SIM109 - a tuple allocates
        rc = _timer_call(vm, cpu, vcpu, number, p0, p1, p2)
    if rc != RC_EXIT_XEN and rc != RC_ASLEEP:
        go_round(vm, cpu, vcpu)
    return rc


@op
def wake(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Ask whether a poll is over; if so, 0, and the vCPU goes round as after any hypercall."""
    rc = poll_result(vm, vcpu)
    if rc == ZERO:
        go_round(vm, cpu, vcpu)
    return rc
