"""The other sources of events as operations: irqfd, timer, the guest's own sends, and its polls."""

from typing import Final

import numpy as np

from xenperf.abi.kvm import PRIORITY_2LEVEL, XEN_VM_ATTR, EvtchnFlag
from xenperf.abi.status import Status, outcome_of
from xenperf.abi.xen import LONG_MODE, SCHED_POLL_LONG, EvtchnOp, EvtchnStat, Hypercall, SchedOp
from xenperf.explore.accesses import poke
from xenperf.explore.machine import FIRST_PORT, Act, Machine
from xenperf.explore.operation import Operation, delivery, errno, interrupt, nothing, words
from xenperf.sources import GuestCall

IRQ_PORT, TIMER_PORT, GUEST_PORT = 70, 71, 72
"""In the pending word of the ports that the send ioctl sends here."""

POLLED_PORTS: Final = (FIRST_PORT, FIRST_PORT + 1, IRQ_PORT, TIMER_PORT)
GSI: Final = 1
DUE_NS: Final = 1000
_ALL: Final = (1 << 64) - 1


def _told_by_wakeup(word: int) -> str:
    return "queued" if outcome_of(word) == Status.EWOULDBLOCK else delivery(word)


def _told_to_guest(word: int) -> str:
    return "sent" if outcome_of(word) == GuestCall.OK else "returned"


def _slept(word: int) -> str:
    if outcome_of(word) == GuestCall.ASLEEP:
        return "asleep"
    return errno(word) if outcome_of(word) else "awake"


def _resend(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), 0, FIRST_PORT + 1 - actor)
    return lambda: machine.tap.model("evtchn").hvm_evtchn_send(*args)


def _route(machine: Machine) -> None:
    machine.host.state.view("vm", machine.tap.model("layout").VM)[0]["nr_gsis"] = GSI + 1
    assert machine.host.set_irq_route(GSI, IRQ_PORT) == 0


def _irqfd(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), GSI, 1)

    def act() -> int:
        irqfd = machine.tap.model("irqfd")
        told = int(irqfd.signal(*args))
        irqfd.run_work(*args[:2])
        return told

    return act


def _arm(machine: Machine) -> None:
    assert machine.host.set_timer(0, TIMER_PORT, machine.host.now_ns() + DUE_NS) == 0


def _expire(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), DUE_NS)
    return lambda: machine.tap.model("timer").advance_time(*args)


def _fired(word: int) -> str:
    return "fired" if word else "idle"


def _leave_to_vcpu(machine: Machine) -> None:
    """Leave what a callback leaves that found shared_info stale."""
    vcpu = machine.vcpu_record()
    vcpu["timer_virq"] = TIMER_PORT
    vcpu["timer_expires"] = machine.host.now_ns()
    vcpu["timer_pending"] = 1
    vcpu["requests"] |= 1


def _enter(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), machine.vcpu)
    return lambda: machine.tap.model("vcpu").enter_guest(*args)


def _mask(machine: Machine) -> None:
    """Mask every port here, so that a poller hears of them by ``kvm_xen_check_poller()`` alone."""
    poke(machine.shinfo_page() + LONG_MODE.mask_offset + FIRST_PORT // 64 * 8, _ALL)


def _call(machine: Machine, actor: int, number: int, command: int, args: int) -> Act:
    vcpu = (machine.vm, machine.cpu(actor), machine.vcpu)
    parameters = words(*vcpu, number, command, args, 0)
    return lambda: machine.tap.model("hypercall").hypercall(*parameters)


def _poll(machine: Machine, actor: int) -> Act:
    args = np.zeros(1, SCHED_POLL_LONG)
    args["ports"] = machine.keep(np.array(POLLED_PORTS, np.uint32))
    args["nr_ports"] = len(POLLED_PORTS)
    return _call(machine, actor, Hypercall.SCHED_OP, SchedOp.POLL, machine.keep(args))


def _assign(machine: Machine) -> None:
    attr = machine.keep(_attr(0))
    func = machine.tap.copy.module("xenperf.jit").registry["set_evtchn_attr"].func
    assert outcome_of(int(func(*words(machine.vm, attr)))) in (0, Status.EEXIST)


def _attr(flags: int) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
    attr = np.zeros(1, XEN_VM_ATTR)
    attr["send_port"] = attr["deliver_port"] = GUEST_PORT
    attr["evtchn_type"] = EvtchnStat.IPI
    attr["evtchn_flags"] = flags
    attr["deliver_priority"] = PRIORITY_2LEVEL
    return attr


def _guest_send(machine: Machine, actor: int) -> Act:
    args = machine.keep(np.array([GUEST_PORT, 0], np.uint32))
    return _call(machine, actor, Hypercall.EVENT_CHANNEL_OP, EvtchnOp.SEND, args)


def _forget(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.keep(_attr(EvtchnFlag.DEASSIGN)))
    return lambda: machine.tap.model("ports").set_evtchn_attr(*args)


_VCPU: Final = frozenset({"vcpu"})

SOURCES: Final = {
    "resend": Operation(
        *("Send the event that the other one sends too.", _resend, nothing, delivery),
        effects=frozenset({"sends"}),
        port=lambda actor: FIRST_PORT + 1 - actor,
        meets=frozenset({"send"}),
    ),
    "irqfd": Operation(
        "Write to an eventfd that is bound to a GSI; its work item follows.",
        *(_irqfd, _route, _told_by_wakeup),
        effects=frozenset({"untold"}),
        port=lambda actor: IRQ_PORT,
    ),
    "timer": Operation(
        "Let a vCPU's timer fire; what it leaves to the vCPU stays there.",
        *(_expire, _arm, _fired),
        effects=frozenset({"untold"}),
        port=lambda actor: TIMER_PORT,
        holds=frozenset({"timer"}),
    ),
    "inject": Operation(
        "Enter the guest with an event that its timer left to the vCPU.",
        *(_enter, _leave_to_vcpu, interrupt),
        effects=frozenset({"untold", "enters"}),
        port=lambda actor: TIMER_PORT,
        holds=_VCPU | {"timer"},
    ),
    "guest_send": Operation(
        "Let the guest send to a port of its own.",
        *(_guest_send, _assign, _told_to_guest),
        effects=frozenset({"sends", "enters"}),
        port=lambda actor: GUEST_PORT,
        holds=_VCPU,
    ),
    "forget": Operation(
        "Take that port back from the guest.",
        *(_forget, _assign, errno),
        effects=frozenset({"forgets"}),
    ),
    "poll": Operation(
        "Let the guest poll ports that are masked.",
        *(_poll, _mask, _slept),
        effects=frozenset({"polls", "enters"}),
        holds=_VCPU,
    ),
}
