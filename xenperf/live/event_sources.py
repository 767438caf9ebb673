"""The event sources of a ``LiveHost``: routes and eventfds, timers, and calls of the guest."""

import os
import struct
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from xenperf.abi.kvm import (
    IRQ_LEVEL,
    IRQ_ROUTING,
    IRQ_ROUTING_ENTRY,
    IRQFD,
    PRIORITY_2LEVEL,
    Ioctl,
    IrqfdFlag,
    RouteType,
    VcpuAttr,
    VmAttr,
)
from xenperf.abi.structs import record
from xenperf.abi.xen import SCHED_POLL_COMPAT, EvtchnOp, Hypercall, SchedOp
from xenperf.errors import MeasurementError
from xenperf.live.descriptors import Descriptor, new_eventfd
from xenperf.live.vcpu import Vcpu
from xenperf.live.vm import Vm
from xenperf.memory import close_all
from xenperf.sources import PortRequest

SLACK_NS: Final = 1_000_000
"""How much longer than asked time is let pass: an hrtimer may be late by so much."""

_MASK32: Final = 0xFFFF_FFFF


class LiveSources:
    """What raises events beside the send ioctl; outcomes are the kernel's, as everywhere."""

    vm: Vm

    def __init__(self) -> None:
        """Start with no route, no eventfd."""
        self._routes: dict[int, dict[str, int]] = {}
        self._irqfds: dict[int, Descriptor] = {}
        self._eventfds: dict[int, Descriptor] = {}

    def set_irq_route(
        self, gsi: int, port: int, vcpu_idx: int = 0, priority: int = PRIORITY_2LEVEL
    ) -> int:
        """Let *gsi* lead to *port*, and bind an eventfd to it if it has none yet."""
        route = {"gsi": gsi, "type": RouteType.XEN_EVTCHN, "port": port, "vcpu": vcpu_idx}
        wanted = self._routes | {gsi: route | {"priority": priority}}
        entries = [record(IRQ_ROUTING_ENTRY, **each) for each in wanted.values()]
        table = np.concatenate(
            [each.view(np.uint8) for each in (record(IRQ_ROUTING, nr=len(entries)), *entries)]
        )
        rc = self.vm.request(Ioctl.SET_GSI_ROUTING, table)
        if rc == 0:
            self._routes = wanted
            rc = self._bind(gsi)
        return rc

    def irqfd_write(self, gsi: int) -> None:
        """Write 1 to the eventfd of *gsi*; what cannot be done at once a kernel worker does."""
        os.eventfd_write(_found(self._irqfds, "gsi", gsi).fd, 1)

    def irqfd_of(self, port: int) -> tuple[int, int]:
        """Return the GSI that leads to *port* and its eventfd's descriptor."""
        for gsi, route in self._routes.items():
            if route["port"] == port:
                return gsi, self._irqfds[gsi].fd
        raise ValueError(f"port {port}: no gsi leads to it; set a route first")

    def run_work(self) -> int:
        """Wait until no irqfd has work left: KVM sees to that when one is taken away.

        So each is taken away and bound again. How much work there was is not known: 0.
        """
        for gsi, irqfd in self._irqfds.items():
            for flags in (IrqfdFlag.DEASSIGN, IrqfdFlag(0)):
                rc = self.vm.request(Ioctl.IRQFD, record(IRQFD, fd=irqfd.fd, gsi=gsi, flags=flags))
                if rc != 0:
                    raise MeasurementError(f"irqfd of gsi {gsi}", f"cannot be rebound: {rc}")
        return 0

    def irq_line(self, gsi: int, level: int = 1) -> int:
        """Raise or lower *gsi*: 1 delivered, 0 merged, -1 for all the rest."""
        line = record(IRQ_LEVEL, gsi=gsi, level=level)
        rc = self.vm.request(Ioctl.IRQ_LINE_STATUS, line)
        return int(line["status"][0]) if rc == 0 else rc

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
            if request.eventfd not in self._eventfds:
                self._eventfds[request.eventfd] = new_eventfd()
            fields["deliver_fd"] = self._eventfds[request.eventfd].fd
        return self.vm.set_attr(VmAttr.EVTCHN, **fields)

    def read_eventfd(self, eventfd: int) -> int:
        """Return how often *eventfd* was signalled since the last read."""
        try:
            return os.eventfd_read(_found(self._eventfds, "eventfd", eventfd).fd)
        except BlockingIOError:
            return 0

    # Time.

    def now_ns(self) -> int:
        """Return the guest's clock."""
        return self.vm.clock_ns()

    def advance_time(self, ns: int) -> int:
        """Let *ns* pass, and a little more; how many timers fired is not known: 0."""
        if ns < 0:
            raise ValueError(f"{ns} ns: time does not go back")
        until = self.now_ns() + ns + SLACK_NS
        while (left := until - self.now_ns()) > 0:
            time.sleep(left / 1e9)
        return 0

    def set_timer(
        self, vcpu_idx: int, port: int, expires_ns: int, priority: int = PRIORITY_2LEVEL
    ) -> int:
        """Let a vCPU's timer raise *port* at *expires_ns*; 0 turns it off."""
        return self._vcpu(vcpu_idx).set_attr(
            VcpuAttr.TIMER,
            timer_port=port,
            timer_priority=priority,
            timer_expires_ns=expires_ns,
        )

    def get_timer(self, vcpu_idx: int) -> int:
        """Return when a vCPU's timer expires, 0 if it is off; an event left over is injected."""
        return self._vcpu(vcpu_idx).get_attr(VcpuAttr.TIMER, "timer_expires_ns")

    # The guest.

    def guest_send(self, vcpu_idx: int, port: int) -> int:
        """Let a vCPU enter the guest, and the guest send *port*: EVTCHNOP_send."""
        vcpu = self._vcpu(vcpu_idx)
        arguments = self.vm.guest.put_arguments(vcpu_idx, struct.pack("<I", port))
        return vcpu.call(Hypercall.EVENT_CHANNEL_OP, EvtchnOp.SEND, arguments)

    def guest_set_timer(self, vcpu_idx: int, expires_ns: int) -> int:
        """Let the guest set its timer, or stop it with 0: set_timer_op, in two halves."""
        low, high = expires_ns & _MASK32, expires_ns >> 32 & _MASK32
        return self._vcpu(vcpu_idx).call(Hypercall.SET_TIMER_OP, low, high)

    def guest_poll(self, vcpu_idx: int, ports: Sequence[int], timeout_ns: int = 0) -> int:
        """Let the guest sleep until one of *ports* is pending: SCHEDOP_poll."""
        vcpu = self._vcpu(vcpu_idx)
        head = SCHED_POLL_COMPAT.itemsize
        where = self.vm.guest.put_arguments(
            vcpu_idx, bytes(head) + np.array(ports, np.uint32).tobytes()
        )
        poll = record(
            SCHED_POLL_COMPAT, ports=where + head, nr_ports=len(ports), timeout=timeout_ns
        )
        self.vm.guest.put_arguments(vcpu_idx, poll.tobytes())
        is_timed = timeout_ns > 0
        return vcpu.call_and_sleep(Hypercall.SCHED_OP, SchedOp.POLL, where, is_timed=is_timed)

    def poll_result(self, vcpu_idx: int) -> int:
        """Return 0 once a vCPU has woken from its poll; ``GuestCall.ASLEEP`` until then."""
        return self._vcpu(vcpu_idx).result()

    def close_sources(self) -> None:
        """Close every eventfd; the VM still has those that are bound to it until it ends."""
        close_all([*self._irqfds.values(), *self._eventfds.values()])

    def _bind(self, gsi: int) -> int:
        if gsi in self._irqfds:
            return 0
        eventfd = new_eventfd()
        rc = self.vm.request(Ioctl.IRQFD, record(IRQFD, fd=eventfd.fd, gsi=gsi))
        if rc == 0:
            self._irqfds[gsi] = eventfd
        else:
            eventfd.close()
        return rc

    def _vcpu(self, vcpu_idx: int) -> Vcpu:
        if not 0 <= vcpu_idx < len(self.vm.vcpus):
            raise ValueError(f"vcpu {vcpu_idx}: this VM has {len(self.vm.vcpus)}")
        return self.vm.vcpus[vcpu_idx]


def _found(owned: dict[int, Descriptor], name: str, number: int) -> Descriptor:
    if number not in owned:
        raise ValueError(f"{name} {number}: this VM has {sorted(owned) or 'none'}")
    return owned[number]
