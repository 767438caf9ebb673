"""For each kernel of the event sources the calls that the peer must answer alike.

As in ``cases``: a function has the name of its kernel, yields one call's arguments at a time, and
what it brings about beforehand is undone afterwards.
"""

import ctypes
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from tests.peer.machine import Machine
from xenperf.abi.kvm import IRQ_ROUTING_ENTRY, PRIORITY_2LEVEL, XEN_VM_ATTR
from xenperf.abi.xen import COMPAT, LONG_MODE, SCHED_POLL_COMPAT, SCHED_POLL_LONG
from xenperf.model.kernels import sources
from xenperf.model.layout import VM

Words = tuple[int, ...]
GSI, PORT, OTHER_PORT, EVENTFD_PORT = 9, 66, 67, 70
NO_ROUTE, BAD_PORT, BAD_VCPU = 10, 11, 12
PAST, FUTURE = 5, 10**10

SOURCE_CALLS: Final[dict[str, Callable[[Machine], Iterator[Words]]]] = {}


def _kernel(calls: Callable[[Machine], Iterator[Words]]) -> Callable[[Machine], Iterator[Words]]:
    SOURCE_CALLS[calls.__name__] = calls
    return calls


def route(m: Machine, gsi: int, port: int, vcpu: int = 0, **other: int) -> int:
    """Return where the buffer has the entry of such a route."""
    fields = {"type": 5, "priority": PRIORITY_2LEVEL} | other
    return _record(m, IRQ_ROUTING_ENTRY, {"gsi": gsi, "port": port, "vcpu": vcpu} | fields)


def attr(m: Machine, port: int, to: int, vcpu: int = 0, **other: int) -> int:
    """Return where the buffer has the attribute that registers *port*."""
    fields = {"evtchn_type": 2, "deliver_priority": PRIORITY_2LEVEL} | other
    first = {"send_port": port, "deliver_port": to, "deliver_vcpu": vcpu}
    return _record(m, XEN_VM_ATTR, first | fields)


def _record(m: Machine, dtype: object, fields: dict[str, int]) -> int:
    record = np.zeros(1, dtype)  # type: ignore[call-overload]
    for name, value in fields.items():
        record[name] = value
    return m.put_words(record.view(np.uint8).tolist(), "u1")


def _routed(m: Machine) -> None:
    """Let some GSIs lead somewhere: to a port, past the limit, to no vCPU; queue work for all."""
    for gsi, port, vcpu in ((GSI, PORT, 1), (BAD_PORT, 5000, 0), (BAD_VCPU, PORT, 9)):
        sources.set_gsi_route(m.vm, route(m, gsi, port, vcpu))


def _vcpu(m: Machine, vcpu_idx: int = 0) -> int:
    return m.host.state.vcpu(vcpu_idx)


@_kernel
def set_gsi_route(m: Machine) -> Iterator[Words]:
    yield m.vm, route(m, GSI, PORT, 1)
    yield m.vm, route(m, 255, 5000, 9)
    yield m.vm, route(m, 256, PORT)
    yield m.vm, route(m, GSI, PORT, priority=0)
    yield m.vm, route(m, GSI, PORT, type=2)
    yield m.vm, route(m, GSI, 0, type=0, priority=0)


@_kernel
def set_irq_line(m: Machine) -> Iterator[Words]:
    for gsi in (GSI, NO_ROUTE, BAD_PORT, BAD_VCPU, 256):
        for level in (0, 1):
            _routed(m)
            yield m.vm, m.cpu, gsi, level


@_kernel
def signal_irqfd(m: Machine) -> Iterator[Words]:
    for gsi in (GSI, NO_ROUTE, BAD_PORT, BAD_VCPU):
        _routed(m)
        yield m.vm, m.cpu, gsi, 3


@_kernel
def run_irqfd_work(m: Machine) -> Iterator[Words]:
    _routed(m)
    for gsi in (GSI, NO_ROUTE):
        sources.signal_irqfd(m.vm, m.cpu, gsi, 1)
    yield m.vm, m.cpu


@_kernel
def set_evtchn_attr(m: Machine) -> Iterator[Words]:
    requests: list[tuple[int, int, dict[str, int]]] = [
        *((port, 15, {}) for port in (0, 5, PORT, 1024, 4096)),
        *((OTHER_PORT, 15, {"evtchn_type": kind}) for kind in (0, 1, 3, 4, 5)),
        *((PORT, 15, {"evtchn_flags": flags}) for flags in (1, 2, 3, 4, 5, 6, 8)),
        *((OTHER_PORT, 15, {"evtchn_flags": flags}) for flags in (1, 2)),
        (OTHER_PORT, OTHER_PORT, {"evtchn_type": 5}),
        (OTHER_PORT, 4096, {}),
        (OTHER_PORT, 15, {"deliver_priority": 0}),
        (OTHER_PORT, 0, {"deliver_fd": 3, "deliver_priority": 0}),
        (OTHER_PORT, 0, {"deliver_fd": 64}),
        (EVENTFD_PORT, 0, {"evtchn_flags": 2}),
        (PORT, 16, {"evtchn_flags": 2}),
        (PORT, 15, {"evtchn_flags": 2, "deliver_priority": 0}),
        (PORT, 15, {"evtchn_flags": 2, "evtchn_type": 5}),
    ]
    for port, to, other in requests:
        _registered(m)
        yield m.vm, attr(m, port, to, 1, **other)


def _registered(m: Machine) -> None:
    sources.set_evtchn_attr(m.vm, attr(m, PORT, 15, 0))
    sources.set_evtchn_attr(m.vm, attr(m, 68, 16, 9))
    sources.set_evtchn_attr(m.vm, attr(m, EVENTFD_PORT, 0, 0, deliver_fd=5))


@_kernel
def set_timer(m: Machine) -> Iterator[Words]:
    for expires in (0, PAST, FUTURE, 1 << 63):
        yield m.vm, m.cpu, _vcpu(m), PORT, PRIORITY_2LEVEL, expires
    yield m.vm, m.cpu, _vcpu(m, 1), 5000, PRIORITY_2LEVEL, PAST
    yield m.vm, m.cpu, _vcpu(m), PORT, 0, PAST
    yield m.vm, m.cpu, _vcpu(m), 0, 0, PAST


def _timers(m: Machine) -> None:
    """Arm both vCPUs' timers: the first has fired, perhaps in vain, the second is to come."""
    sources.set_timer(m.vm, m.cpu, _vcpu(m), PORT, PRIORITY_2LEVEL, PAST)
    sources.set_timer(m.vm, m.cpu, _vcpu(m, 1), OTHER_PORT, PRIORITY_2LEVEL, FUTURE)


@_kernel
def get_timer(m: Machine) -> Iterator[Words]:
    for vcpu_idx in (0, 1):
        _timers(m)
        yield m.vm, m.cpu, _vcpu(m, vcpu_idx)


@_kernel
def advance_time(m: Machine) -> Iterator[Words]:
    for ns in (0, FUTURE):
        _timers(m)
        _asleep(m)
        yield m.vm, m.cpu, ns


def poll(
    m: Machine, *ports: int, timeout: int = 0, nr: int | None = None, bad: bool = False
) -> int:
    """Return where the buffer has a poll of *ports*, in the layout of the mode."""
    dtype = SCHED_POLL_LONG if m.host.state.view("vm", VM)[0]["long_mode"] else SCHED_POLL_COMPAT
    first = m.put_words(list(ports), "<u4", 256) % (1 << 8 * dtype["ports"].itemsize)
    count = len(ports) if nr is None else nr
    fields = {"ports": 0 if bad else first, "nr_ports": count, "timeout": timeout}
    return _record(m, dtype, fields)


def _asleep(m: Machine) -> None:
    """Let vCPU 0 sleep in a poll, if its cache lets it."""
    args = poll(m, 200, 201, timeout=1000)
    sources.guest_hypercall(m.vm, m.cpu, _vcpu(m), 29, 3, args, 0)


@_kernel
def guest_hypercall(m: Machine) -> Iterator[Words]:
    for port in (PORT, 68, EVENTFD_PORT, OTHER_PORT, 5000):
        _registered(m)
        yield m.vm, m.cpu, _vcpu(m), 32, 4, m.put_words([port], "<u4"), 0
    polls = (
        {"ports": (5,)},
        {"ports": (200,)},
        {"ports": (200, 201, 5), "timeout": 1000},
        {"ports": ()},
        {"ports": (200, 5000)},
        {"ports": (1,), "nr": 129},
        {"ports": (1,), "bad": True},
    )
    for fields in polls:
        ports: tuple[int, ...] = fields.pop("ports")  # type: ignore[assignment]
        yield m.vm, m.cpu, _vcpu(m), 29, 3, poll(m, *ports, **fields), 0  # type: ignore[arg-type]
    for number, p0, p1 in ((32, 4, 0), (32, 5, 0), (29, 3, 0), (29, 0, 0), (29, 1, 0), (17, 0, 0)):
        yield m.vm, m.cpu, _vcpu(m), number, p0, p1, 0
    yield from _timer_calls(m)


def _timer_calls(m: Machine) -> Iterator[Words]:
    yield m.vm, m.cpu, _vcpu(m), 15, FUTURE, 0, 0  # no port yet: left to the VMM
    for expires in (0, PAST, FUTURE, 1 << 63, 1 << 51, (1 << 50) + 10**9):
        _timers(m)
        yield m.vm, m.cpu, _vcpu(m), 15, expires, 0, 0
    for command, vcpu_id, expires in ((8, 1, FUTURE), (8, 0, FUTURE), (9, 1, 0), (9, 0, 0)):
        _timers(m)
        words = m.put_words([expires], "<u8")
        yield m.vm, m.cpu, _vcpu(m, 1), 24, command, vcpu_id, words if expires else 0
    _timers(m)
    yield m.vm, m.cpu, _vcpu(m, 1), 24, 8, 1, 0
    _timers(m)
    yield m.vm, m.cpu, _vcpu(m, 1), 24, 7, 1, 0


def _mask_port_200(m: Machine) -> None:
    """Mask it in both layouts, in the page that the cache leads to, if any."""
    khva = m.khva_of(m.host.state.shinfo_gpc())
    for layout in (LONG_MODE, COMPAT) if khva else ():
        ctypes.memset(khva + layout.mask_offset + 200 // 8, 1, 1)


@_kernel
def wake_poller(m: Machine) -> Iterator[Words]:
    yield m.vm, m.cpu, _vcpu(m)
    for event in ("none", "send", "masked", "timeout"):
        _asleep(m)
        if event == "masked":
            _mask_port_200(m)
        if event == "timeout":
            sources.advance_time(m.vm, m.cpu, 1000)
        elif event != "none":
            _routed(m)
            sources.set_gsi_route(m.vm, route(m, GSI, 200, 0))
            sources.signal_irqfd(m.vm, m.cpu, GSI, 1)
        yield m.vm, m.cpu, _vcpu(m)
