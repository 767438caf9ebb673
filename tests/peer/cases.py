"""For each kernel of the model the calls that the peer must answer alike, in any state.

A function here has the name of its kernel. It yields one call's arguments at a time, and what it
brings about beforehand is undone afterwards.
"""

from collections.abc import Callable, Iterator
from typing import Final

from tests.peer.machine import SHINFO_GFN, VCPU_INFO_GFN, VCPU_INFO_OFFSET, Machine
from tests.peer.requests import memslot_requests
from tests.peer.source_cases import SOURCE_CALLS
from xenperf.abi.status import Status
from xenperf.model.kernels import control
from xenperf.model.loops import pack_regions
from xenperf.units import PAGE_SIZE, Gfn

Words = tuple[int, ...]
Calls = Callable[[Machine], Iterator[Words]]
NO_GPA, NO_HVA = 2**64 - 1, 1 << 63
OUTCOMES = (0, 1, *(status % 2**64 for status in Status if status < 0))
PORTS = (1, 5, 5, 6, 63, 64, 1000, 1023, 1024, 4095, 4096, 70_000, 0, 2, 36)
NR_STEPS = 5

CALLS: Final[dict[str, Calls]] = dict(SOURCE_CALLS)
NEED_KHVA: Final[set[str]] = set()
"""Kernels that take the khva of a page beforehand: they run only where there is one."""


def _kernel(calls: Calls) -> Calls:
    CALLS[calls.__name__] = calls
    return calls


def _needs_khva(calls: Calls) -> Calls:
    NEED_KHVA.add(calls.__name__)
    return _kernel(calls)


def addresses(m: Machine, gfn: Gfn, offset: int = 0) -> list[tuple[int, int]]:
    """Return pairs of gpa and uhva: another page, another offset, errors of each kind."""
    gpa, hva = gfn * PAGE_SIZE + offset, m.hva(gfn) + offset
    by_gpa = (gpa, gpa + PAGE_SIZE, gpa + 8, 1 << 40)
    by_hva = (hva, hva + PAGE_SIZE, hva | PAGE_SIZE - 8, hva | 1 << 63, 1 << 20)
    user_end = (1 << 47) - PAGE_SIZE
    return [
        *((gpa, NO_HVA) for gpa in by_gpa),
        *((NO_GPA, hva) for hva in (*by_hva, user_end, user_end - PAGE_SIZE, user_end - 8)),
        (NO_GPA, NO_HVA),
        (gpa, hva),
    ]


def ranges(m: Machine) -> list[tuple[int, int]]:
    """Return ranges of the VMM's addresses that hit one cache, both, none, all, or nothing."""
    page, vcpu_info = m.hva(SHINFO_GFN), m.hva(VCPU_INFO_GFN) + VCPU_INFO_OFFSET
    return [
        (page, page + PAGE_SIZE),
        (page, page + 8 * PAGE_SIZE),
        (vcpu_info, vcpu_info + 1),
        (page - PAGE_SIZE, page),
        (1 << 20, 1 << 21),
        (0, 1 << 63),
    ]


def _caches(m: Machine) -> tuple[int, int]:
    return m.host.state.shinfo_gpc(), m.host.state.vcpu_info_gpc(0)


@_kernel
def set_memory_regions(m: Machine) -> Iterator[Words]:
    for regions in memslot_requests(m):
        first = m.put_words(pack_regions(regions).view("<u8").tolist(), "<u8")
        outcomes = m.put_words([7] * len(regions), "<u8", 2048)
        yield m.vm, m.cpu, first, outcomes, len(regions)


@_kernel
def set_memory_regions_at_once(m: Machine) -> Iterator[Words]:
    for regions in memslot_requests(m):
        first = m.put_words(pack_regions(regions).view("<u8").tolist(), "<u8")
        for n in (0, 1, len(regions)):
            yield m.vm, m.cpu, first, n


@_kernel
def send_ports(m: Machine) -> Iterator[Words]:
    for vcpu_idx in (0, 1, 2, 2**64 - 1):
        ports = m.put_words(list(PORTS), "<u4")
        yield m.vm, m.cpu, vcpu_idx, ports, m.put_words([7], "<u8", 2048), len(PORTS)


@_kernel
def init_cache(m: Machine) -> Iterator[Words]:
    for gpc in _caches(m):
        yield (gpc,)


@_kernel
def activate_shinfo(m: Machine) -> Iterator[Words]:
    for gpa, uhva in addresses(m, SHINFO_GFN):
        yield m.vm, m.cpu, gpa, uhva


@_kernel
def activate_vcpu_info(m: Machine) -> Iterator[Words]:
    for gpa, uhva in addresses(m, VCPU_INFO_GFN, VCPU_INFO_OFFSET):
        for vcpu_idx in (0, 1):
            yield m.vm, m.cpu, vcpu_idx, gpa, uhva
    yield m.vm, m.cpu, 2, 0, NO_HVA


@_kernel
def deactivate_cache(m: Machine) -> Iterator[Words]:
    for gpc in _caches(m):
        yield m.vm, gpc


@_kernel
def invalidate_start(m: Machine) -> Iterator[Words]:
    for start, end in ranges(m):
        yield m.vm, m.cpu, start, end


@_kernel
def invalidate_end(m: Machine) -> Iterator[Words]:
    for start, end in ranges(m):
        control.invalidate_start(m.vm, m.cpu, start, end)
        yield m.vm, m.cpu, start, end


@_kernel
def set_long_mode(m: Machine) -> Iterator[Words]:
    for long_mode in (0, 1, 1 << 40):
        yield m.vm, m.cpu, long_mode


@_kernel
def enter_guest(m: Machine) -> Iterator[Words]:
    for vcpu_idx in (0, 1):
        yield m.vm, m.cpu, m.host.state.vcpu(vcpu_idx)


@_needs_khva
def handle_events(m: Machine) -> Iterator[Words]:
    pages = [m.khva_of(gpc) for gpc in _caches(m)]
    for long_mode in (0, 1):
        yield (*pages, long_mode)


def _sends(m: Machine) -> Iterator[Words]:
    for outcome in OUTCOMES:
        ports = m.put_words(list(PORTS), "<u4")
        yield m.vm, m.cpu, len(PORTS) + 3, ports, len(PORTS), outcome


@_kernel
def loop_send(m: Machine) -> Iterator[Words]:
    yield from _sends(m)


@_kernel
def loop_send_again(m: Machine) -> Iterator[Words]:
    yield from _sends(m)


@_kernel
def loop_send_after_slot_change(m: Machine) -> Iterator[Words]:
    yield from _sends(m)


@_needs_khva
def loop_send_and_handle(m: Machine) -> Iterator[Words]:
    for nr_events in (1, 4, 1000):
        ports = m.put_words(list(PORTS), "<u4")
        yield m.vm, m.cpu, len(PORTS) + 3, ports, len(PORTS), nr_events


@_kernel
def loop_check(m: Machine) -> Iterator[Words]:
    for nr_vcpus_less_one in (0, 1):
        yield m.vm, m.cpu, NR_STEPS, nr_vcpus_less_one, 0, 0


@_kernel
def loop_lock_and_check(m: Machine) -> Iterator[Words]:
    yield from loop_check(m)


@_kernel
def loop_refresh(m: Machine) -> Iterator[Words]:
    for spoil in range(4):
        for outcome in OUTCOMES:
            yield m.vm, m.cpu, NR_STEPS, spoil, 0, outcome


@_kernel
def loop_activate(m: Machine) -> Iterator[Words]:
    for gpa, uhva in addresses(m, SHINFO_GFN):
        for before in (0, 1, 4, 5):
            yield m.vm, m.cpu, 2, gpa, uhva, before


@_kernel
def loop_notify(m: Machine) -> Iterator[Words]:
    for start, end in ranges(m):
        yield m.vm, m.cpu, NR_STEPS, start, end, 0


@_kernel
def loop_invalidate(m: Machine) -> Iterator[Words]:
    for start, end in ranges(m):
        for read_first in (0, 1):
            yield m.vm, m.cpu, NR_STEPS, start, end, read_first


def _gfns(m: Machine) -> Iterator[Words]:
    gfns = [0, 3, 15, 16, 255, 256, 257, 258, 5, 4, 1 << 40, 2**64 - 1, 256, 0, 7, 8]
    yield m.vm, m.cpu, 20, m.put_words(gfns, "<u8"), 15, 0


for _name in ("loop_lookup", "loop_search", "loop_search_with_branches"):
    CALLS[_name] = _gfns


def _played_requests(m: Machine) -> Iterator[Words]:
    for regions in memslot_requests(m):
        first = m.put_words(pack_regions(regions).view("<u8").tolist(), "<u8")
        yield m.vm, m.cpu, 2 * len(regions) + 1, first, len(regions), 77


for _name in ("loop_update_slots", "loop_update_slots_and_send"):
    CALLS[_name] = _played_requests


def _bare(m: Machine) -> Iterator[Words]:
    for expected in (0, 1):
        yield m.vm, m.cpu, NR_STEPS, 0, 0, expected


for _name in ("loop_read_lock", "loop_write_lock", "loop_srcu", "loop_has_interrupt"):
    CALLS[_name] = _bare


@_needs_khva
def loop_set_pending(m: Machine) -> Iterator[Words]:
    ports = [port for port in PORTS if port < 4096]
    yield m.vm, m.cpu, 20, m.put_words(ports, "<u4"), len(ports), 0


@_needs_khva
def loop_scan_pending(m: Machine) -> Iterator[Words]:
    for ports in (0, 1 ^ 5 ^ 127 ^ 4095, 5 ^ 1000):
        yield m.vm, m.cpu, 2, 0, 0, ports


@_kernel
def loop_walk(m: Machine) -> Iterator[Words]:
    for hva in (m.ram, m.hva(SHINFO_GFN), 1 << 20, (1 << 48) - PAGE_SIZE):
        yield m.vm, m.cpu, 8, hva, 7, 0


@_needs_khva
def loop_merge(m: Machine) -> Iterator[Words]:
    yield m.vm, m.cpu, 40, 0, 0, 0
