"""Raising one event through each source, as whoever owns the source does it."""

from collections.abc import Callable
from typing import Final

import numpy as np

from xenperf.abi.kvm import EvtchnFlag
from xenperf.abi.xen import EvtchnStat
from xenperf.hypervisor import Hypervisor
from xenperf.sources import EventSource, PortRequest
from xenperf.vmm.events import send_ports

GSI: Final = 24  # the first past the I/O APIC's pins
DUE_NS: Final = 1000

Raise = Callable[[Hypervisor, int], bool]
"""Raises a port of vCPU 0; tells whether the one who asked for it learnt that it failed."""


def prepare_source(host: Hypervisor, source: EventSource, port: int) -> int:
    """Tell KVM, beforehand, where events of *source* for *port* go; 0 or a negative errno."""
    if source in (EventSource.IRQFD, EventSource.IRQ_LINE):
        return host.set_irq_route(GSI, port)
    if source is EventSource.GUEST_SEND:
        return host.set_evtchn(PortRequest(port, port))
    if source is EventSource.IPI:
        return host.set_evtchn(PortRequest(port, port, type=EvtchnStat.IPI))
    return 0


def forget_source(host: Hypervisor, port: int) -> None:
    """Take back the guest's *port*, if it was assigned, and the timer."""
    host.set_evtchn(PortRequest(port, flags=EvtchnFlag.DEASSIGN))
    host.set_timer(0, 0, 0)


def _send(host: Hypervisor, port: int) -> bool:
    return bool(send_ports(host, np.array([port], np.uint32))[0])


def _irqfd(host: Hypervisor, port: int) -> bool:
    host.irqfd_write(GSI)
    return False


def _irq_line(host: Hypervisor, port: int) -> bool:
    return host.irq_line(GSI) < 0


def _timer(host: Hypervisor, port: int) -> bool:
    host.set_timer(0, port, host.now_ns() + DUE_NS)
    host.advance_time(DUE_NS)
    return False


def _guest(host: Hypervisor, port: int) -> bool:
    return host.guest_send(0, port) != 0


RAISE: Final[dict[EventSource, Raise]] = {
    EventSource.SEND: _send,
    EventSource.IRQFD: _irqfd,
    EventSource.IRQ_LINE: _irq_line,
    EventSource.TIMER: _timer,
    EventSource.GUEST_SEND: _guest,
    EventSource.IPI: _guest,
}
