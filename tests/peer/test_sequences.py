"""Drawn sequences of what the VMM, its mm, the guest and a vCPU do, answered in three ways."""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.peer.cases import NO_GPA, NO_HVA, addresses, ranges
from tests.peer.machine import (
    RAM_PAGES,
    SHINFO_GFN,
    VCPU_INFO_GFN,
    VCPU_INFO_OFFSET,
    Machine,
)
from tests.peer.requests import memslot_requests
from tests.peer.three_ways import Call, Kernels, assert_all_alike
from xenperf.abi.kvm import PRIORITY_2LEVEL
from xenperf.hypervisor import Activation
from xenperf.model.loops import pack_regions
from xenperf.sources import PortRequest
from xenperf.units import PAGE_SIZE, Gfn

NR_CALLS = 90
NR_ROUTES = 3
Draw = Callable[[Machine, random.Random], list[Call]]


def _memslots(m: Machine, drawn: random.Random) -> list[Call]:
    """Make one request of any sequence; the sequences get mixed up."""
    flat = [region for regions in memslot_requests(m) for region in regions]
    idx = drawn.randrange(len(flat))
    packed = pack_regions(flat).view("<u8").tolist()
    first = m.put_words(packed, "<u8")  # the same for every call of a sequence
    outcomes = m.put_words([0], "<u8", 3072)
    return [("set_memory_regions", (m.vm, m.cpu, first + 32 * idx, outcomes, 1))]


def _activation(m: Machine, drawn: random.Random) -> list[Call]:
    gpa, uhva = drawn.choice(addresses(m, SHINFO_GFN))
    return [("activate_shinfo", (m.vm, m.cpu, gpa, uhva))]


def _vcpu_info_activation(m: Machine, drawn: random.Random) -> list[Call]:
    gpa, uhva = drawn.choice(addresses(m, VCPU_INFO_GFN, VCPU_INFO_OFFSET))
    return [("activate_vcpu_info", (m.vm, m.cpu, drawn.randrange(2), gpa, uhva))]


def _good_activation(m: Machine, drawn: random.Random) -> list[Call]:
    if drawn.random() < 0.5:
        gpa = SHINFO_GFN * PAGE_SIZE
        return [("activate_shinfo", (m.vm, m.cpu, gpa, NO_HVA))]
    return [("activate_shinfo", (m.vm, m.cpu, NO_GPA, m.hva(SHINFO_GFN)))]


def _deactivation(m: Machine, drawn: random.Random) -> list[Call]:
    return [("deactivate_cache", (m.vm, drawn.choice(m.host.state.gpcs())))]


def _send(m: Machine, drawn: random.Random) -> list[Call]:
    ports = m.put_words(list(range(0, 4100, 41)), "<u4", 2048)
    first = ports + 4 * drawn.randrange(90)
    outcomes = m.put_words([0], "<u8", 3072)
    return [("send_ports", (m.vm, m.cpu, drawn.randrange(2), first, outcomes, 10))]


def _entry(m: Machine, drawn: random.Random) -> list[Call]:
    return [("enter_guest", (m.vm, m.cpu, m.host.state.vcpu(drawn.randrange(2))))]


def _mode(m: Machine, drawn: random.Random) -> list[Call]:
    return [("set_long_mode", (m.vm, m.cpu, drawn.randrange(2)))]


def _remap(m: Machine, drawn: random.Random) -> list[Call]:
    """Let a page of RAM show another frame, or be read-only, or vanish."""
    gfn = Gfn(drawn.choice((SHINFO_GFN, VCPU_INFO_GFN, drawn.randrange(RAM_PAGES))))
    start, end = m.hva(gfn), m.hva(Gfn(gfn + 1))
    pfn = drawn.choice((0, *(m.first_pfn + page for page in range(RAM_PAGES))))
    return [
        ("invalidate_start", (m.vm, m.cpu, start, end)),
        ("show", (start, pfn, drawn.randrange(4))),
        ("invalidate_end", (m.vm, m.cpu, start, end)),
    ]


def _notifier(m: Machine, drawn: random.Random) -> list[Call]:
    start, end = drawn.choice(ranges(m))
    words = (m.vm, m.cpu, start, end)
    return [("invalidate_start", words), ("invalidate_end", words)]


def _irqfd(m: Machine, drawn: random.Random) -> list[Call]:
    name = drawn.choice(("signal_irqfd", "set_irq_line"))
    return [(name, (m.vm, m.cpu, drawn.randrange(NR_ROUTES + 1), 1))]


def _work(m: Machine, drawn: random.Random) -> list[Call]:
    return [("run_irqfd_work", (m.vm, m.cpu))]


def _timer(m: Machine, drawn: random.Random) -> list[Call]:
    vcpu = m.host.state.vcpu(drawn.randrange(2))
    expires = drawn.choice((0, 5, 10**9 + drawn.randrange(5000)))
    port = drawn.choice((0, 66, 67, 2000))
    return drawn.choice(
        (
            [("set_timer", (m.vm, m.cpu, vcpu, port, PRIORITY_2LEVEL, expires))],
            [("guest_hypercall", (m.vm, m.cpu, vcpu, 15, expires, 0, 0))],
            [("get_timer", (m.vm, m.cpu, vcpu))],
            [("advance_time", (m.vm, m.cpu, drawn.randrange(3000)))],
        )
    )


def _guest(m: Machine, drawn: random.Random) -> list[Call]:
    """Send a port, registered or not, or poll; who sleeps is asked later, or never."""
    vcpu = m.host.state.vcpu(drawn.randrange(2))
    ports = m.put_words([66, 200, 67, 5], "<u4", 3200)
    args = m.put_words([ports, 2, 500], "<u8", 3264)  # read in the other mode, each asks too much
    args32 = m.put_words([ports % (1 << 32), 2, 500, 0], "<u4", 3296)
    return drawn.choice(
        (
            [("guest_hypercall", (m.vm, m.cpu, vcpu, 32, 4, ports + 4 * drawn.randrange(4), 0))],
            [("guest_hypercall", (m.vm, m.cpu, vcpu, 29, 3, args, 0))],
            [("guest_hypercall", (m.vm, m.cpu, vcpu, 29, 3, args32, 0))],
            [("wake_poller", (m.vm, m.cpu, vcpu))],
        )
    )


DRAWS: tuple[Draw, ...] = (
    *(_memslots, _memslots, _activation, _good_activation, _vcpu_info_activation),
    *(_deactivation, _send, _send, _send, _entry, _mode, _remap, _notifier),
    *(_irqfd, _irqfd, _work, _timer, _timer, _guest, _guest),
)


def _give_sources_ports(m: Machine) -> None:
    for gsi in range(NR_ROUTES):
        assert m.host.set_irq_route(gsi, (66, 1500, 200)[gsi], gsi % 2) == 0
    for port in (66, 200):
        assert m.host.set_evtchn(PortRequest(port, port + 1, port % 2)) == 0
    assert m.host.set_evtchn(PortRequest(67, eventfd=5)) == 0


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(24))
def test_a_drawn_sequence_ends_alike(machine: Machine, ways: dict[str, Kernels], seed: int) -> None:
    drawn = random.Random(seed)
    machine.activate(drawn.choice(list(Activation)))
    _give_sources_ports(machine)
    calls: list[Call] = []
    while len(calls) < NR_CALLS:
        calls += drawn.choice(DRAWS)(machine, drawn)
    shown = {way: {**kernels, "show": machine.show} for way, kernels in ways.items()}
    assert_all_alike(machine, shown, calls)
