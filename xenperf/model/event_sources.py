"""The event sources of a ``ModelHost``: requests of the VMM, calls of the guest, and time."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import IRQ_ROUTING_ENTRY, PRIORITY_2LEVEL, XEN_VM_ATTR, RouteType
from xenperf.abi.status import Status, outcome_of
from xenperf.abi.structs import record, size_of
from xenperf.abi.xen import (
    MAX_VCPUS,
    SCHED_POLL_COMPAT,
    SCHED_POLL_LONG,
    EvtchnOp,
    Hypercall,
    SchedOp,
    VcpuOp,
)
from xenperf.model.kernels import control, sources
from xenperf.model.layout import VCPU, VM
from xenperf.model.source_layout import NR_EVENTFDS, NR_GSIS
from xenperf.model.state import VmState
from xenperf.sources import PortRequest
from xenperf.units import Khva

_WORD: Final = 1 << 64
_POLL_WORDS: Final = SCHED_POLL_LONG.itemsize // 4


class ModelSources:
    """What raises events beside the send ioctl; outcomes are the kernel's, as everywhere."""

    state: VmState
    nr_vcpus: int

    def set_irq_route(
        self, gsi: int, port: int, vcpu_idx: int = 0, priority: int = PRIORITY_2LEVEL
    ) -> int:
        """Let *gsi* lead to *port*; what cannot be delivered there fails only then."""
        fields = {"gsi": gsi, "type": RouteType.XEN_EVTCHN, "port": port, "vcpu": vcpu_idx}
        entry = record(IRQ_ROUTING_ENTRY, **fields, priority=priority)
        return outcome_of(sources.set_gsi_route(self.state.vm, entry.ctypes.data))

    def irqfd_write(self, gsi: int) -> None:
        """Write 1 to the eventfd of *gsi*; work that needs to sleep waits for ``run_work``."""
        _check_range("gsi", gsi, NR_GSIS)
        sources.signal_irqfd(self.state.vm, self.state.cpu, gsi, 1)

    def run_work(self) -> int:
        """Let the queued work items run; how many there were."""
        return sources.run_irqfd_work(self.state.vm, self.state.cpu)

    def irq_line(self, gsi: int, level: int = 1) -> int:
        """Raise or lower *gsi*: 1 delivered, 0 merged, -1 for all the rest."""
        _check_range("gsi", gsi, NR_GSIS)
        return outcome_of(sources.set_irq_line(self.state.vm, self.state.cpu, gsi, level))

    def set_evtchn(self, request: PortRequest) -> int:
        """Register a port for the guest's own sends, change it, or forget one or all."""
        fields = {
            "send_port": request.port,
            "evtchn_type": request.type,
            "evtchn_flags": request.flags,
            "deliver_port": request.deliver_port,
            "deliver_vcpu": request.deliver_vcpu,
            "deliver_priority": request.priority,
        }
        if request.eventfd is not None:
            fields["deliver_fd"] = request.eventfd
        attr = record(XEN_VM_ATTR, **fields)
        return outcome_of(sources.set_evtchn_attr(self.state.vm, attr.ctypes.data))

    def read_eventfd(self, eventfd: int) -> int:
        """Return how often *eventfd* was signalled since the last read."""
        _check_range("eventfd", eventfd, NR_EVENTFDS)
        counters = self.state.view("eventfds", "<u8", NR_EVENTFDS)
        count = int(counters[eventfd])
        counters[eventfd] = 0
        return count

    def set_vcpu_id(self, vcpu_idx: int, vcpu_id: int) -> int:
        """Choose the number that the guest has for a vCPU: attribute VCPU_ID."""
        _check_range("vcpu", vcpu_idx, self.nr_vcpus)
        if not 0 <= vcpu_id < MAX_VCPUS:
            return Status.EINVAL
        self._vcpus()["vcpu_id"][vcpu_idx] = vcpu_id
        return Status.OK

    # Time.

    def now_ns(self) -> int:
        """Return the guest's clock."""
        return int(self.state.view("vm", VM)[0]["now_ns"])

    def advance_time(self, ns: int) -> int:
        """Move the guest's clock on; how many timers fired."""
        if ns < 0:
            raise ValueError(f"{ns} ns: time does not go back")
        return sources.advance_time(self.state.vm, self.state.cpu, ns)

    def set_timer(
        self, vcpu_idx: int, port: int, expires_ns: int, priority: int = PRIORITY_2LEVEL
    ) -> int:
        """Let a vCPU's timer raise *port* at *expires_ns*; 0 turns it off."""
        vm, cpu, vcpu = self._there(vcpu_idx)
        return outcome_of(sources.set_timer(vm, cpu, vcpu, port, priority, expires_ns))

    def get_timer(self, vcpu_idx: int) -> int:
        """Return when a vCPU's timer expires, 0 if it is off; an event left over is injected."""
        return sources.get_timer(*self._there(vcpu_idx))

    # The guest.

    def guest_send(self, vcpu_idx: int, port: int) -> int:
        """Let a vCPU enter the guest, and the guest send *port*: EVTCHNOP_send."""
        args = np.array([port], np.uint32)
        return self._call(vcpu_idx, Hypercall.EVENT_CHANNEL_OP, EvtchnOp.SEND, args.ctypes.data)

    def guest_set_timer(self, vcpu_idx: int, expires_ns: int) -> int:
        """Let the guest set its timer, or stop it with 0: set_timer_op."""
        return self._call(vcpu_idx, Hypercall.SET_TIMER_OP, expires_ns % _WORD)

    def guest_set_singleshot(self, vcpu_idx: int, expires_ns: int | None, vcpu_id: int = 0) -> int:
        """Let the guest set the singleshot timer of its vCPU *vcpu_id*, or stop it: vcpu_op."""
        if expires_ns is None:
            return self._call(vcpu_idx, Hypercall.VCPU_OP, VcpuOp.STOP_SINGLESHOT_TIMER, vcpu_id)
        args = np.array([expires_ns], np.uint64)
        command = VcpuOp.SET_SINGLESHOT_TIMER
        return self._call(vcpu_idx, Hypercall.VCPU_OP, command, vcpu_id, args.ctypes.data)

    def guest_poll(self, vcpu_idx: int, ports: list[int], timeout_ns: int = 0) -> int:
        """Let the guest sleep until one of *ports* is pending: SCHEDOP_poll, as its mode has it."""
        is_long = bool(self.state.view("vm", VM)[0]["long_mode"])
        dtype = SCHED_POLL_LONG if is_long else SCHED_POLL_COMPAT
        words = np.zeros(_POLL_WORDS + len(ports), np.uint32)  # the structure, then its ports
        words[_POLL_WORDS:] = ports
        pointer = words[_POLL_WORDS:].ctypes.data % (1 << 8 * size_of(dtype, "ports"))
        fields = {"ports": pointer, "nr_ports": len(ports), "timeout": timeout_ns}
        words[: dtype.itemsize // 4] = record(dtype, **fields).view(np.uint32)
        return self._call(vcpu_idx, Hypercall.SCHED_OP, SchedOp.POLL, words.ctypes.data)

    def poll_result(self, vcpu_idx: int) -> int:
        """Return 0 once a vCPU has woken from its poll; ``GuestCall.ASLEEP`` until then."""
        return sources.wake_poller(*self._there(vcpu_idx))

    def hypercall(self, vcpu_idx: int, number: int, *parameters: int) -> int:
        """Let the guest, which is running, make a hypercall; pointers are khvas."""
        words = (*parameters, 0, 0, 0)[:3]
        return outcome_of(sources.guest_hypercall(*self._there(vcpu_idx), number, *words))

    def _call(self, vcpu_idx: int, number: int, *parameters: int) -> int:
        """Enter the guest first: KVM_RUN, until the hypercall is done or left to the VMM."""
        vm, cpu, vcpu = self._there(vcpu_idx)
        if self._vcpus()["is_halted"][vcpu_idx]:
            raise ValueError(f"vcpu {vcpu_idx}: asleep in a poll; ask poll_result first")
        control.enter_guest(vm, cpu, vcpu)
        return self.hypercall(vcpu_idx, number, *parameters)

    def _vcpus(self) -> NDArray[Any]:
        return self.state.view("vcpus", VCPU, self.nr_vcpus)

    def _there(self, vcpu_idx: int) -> tuple[Khva, Khva, Khva]:
        _check_range("vcpu", vcpu_idx, self.nr_vcpus)
        return self.state.vm, self.state.cpu, self.state.vcpu(vcpu_idx)


def _check_range(name: str, number: int, count: int) -> None:
    if not 0 <= number < count:
        raise ValueError(f"{name} {number}: this VM has {count}")
