"""Compiled loops over ioctls: what they count, what they clear, what they leave behind."""

import ctypes
import os
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xenperf.abi.kvm import XEN_EVTCHN_SEND, XEN_VM_ATTR, Ioctl, VmAttr
from xenperf.abi.status import Delivery, Status
from xenperf.abi.structs import record
from xenperf.hypervisor import Activation, Feature, MemoryRegion, Operation
from xenperf.live import loops
from xenperf.live.host import LiveHost
from xenperf.live.kernels import (
    loop_live_notify,
    loop_live_regions,
    loop_live_requests,
    loop_live_sends,
)
from xenperf.live.loops import LoopMaker
from xenperf.scenarios.kinds import Setting, ready
from xenperf.units import PAGE_SIZE, Gpa
from xenperf.vmm.events import pending_ports, send_ports, set_bitmaps
from xenperf.vmm.machine import Shape, assemble, play, without
from xenperf.vmm.overlay import break_apart, regions, rejoin

ENOTTY = (1 << 64) - 25
EBADF = (1 << 64) - 9
WORD = 1 << 64


@pytest.fixture
def null() -> Iterator[int]:
    """Return a file that answers every ioctl with ENOTTY."""
    with open(os.devnull, "rb") as opened:
        yield opened.fileno()


def test_a_refusal_reaches_a_compiled_loop_as_an_errno(null: int) -> None:
    number = int(Ioctl.GET_API_VERSION)
    for fd, expected, hits in ((null, ENOTTY, 5), (null, 0, 0), ((1 << 31) - 1, EBADF, 5)):
        plan = loops._plan(number, 0, 0, 2, expected)
        assert loop_live_requests(fd, 5, plan.ctypes.data, 0) == hits


def test_a_pass_over_the_ports_clears_what_it_was_told_to_and_no_more(null: int) -> None:
    events, memory = np.zeros(3, XEN_EVTCHN_SEND), np.full(64, 0xFF, np.uint8)
    at = memory.ctypes.data
    places = (at + 8, at + 24, at + 32, at + 48)
    plan = loops._plan(events.ctypes.data, 3, ENOTTY, *places)
    assert loop_live_sends(null, 7, plan.ctypes.data, 0) == 7
    cleared = [idx for idx, byte in enumerate(memory.tolist()) if byte == 0]
    assert cleared == [*range(8, 24), *range(32, 40), 48]


def test_nothing_known_is_nothing_cleared(null: int) -> None:
    events = np.zeros(1, XEN_EVTCHN_SEND)
    plan = loops._plan(events.ctypes.data, 1, ENOTTY, 0, 0, 0, 0)
    assert loop_live_sends(null, 3, plan.ctypes.data, 0) == 3


def test_each_operation_lies_between_two_stamps_of_the_clock(null: int) -> None:
    plan = loops._plan(int(Ioctl.GET_API_VERSION), 0, 0, 2, ENOTTY)
    loop = loops._bound(loop_live_requests, null, plan, plan)
    hits, ticks = loop.each(5)
    assert (hits, ticks.shape) == (5, (5,))
    assert (ticks > 0).all()
    assert loop(5) == 5
    hits, none = loops._bound(loop_live_requests, null, plan, plan).each(0)
    assert (hits, none.size) == (0, 0)


def test_what_is_cleared_between_two_passes_is_in_no_count(null: int) -> None:
    events, stamps = np.zeros(2, XEN_EVTCHN_SEND), np.zeros(2 * 5 + 1, np.uint64)
    plan = loops._plan(events.ctypes.data, 2, ENOTTY, 0, 0, 0, 0)
    assert loop_live_sends(null, 5, plan.ctypes.data, stamps.ctypes.data) == 5
    assert (np.diff(stamps[:-1].astype(np.int64)) > 0).all()  # in the order they were taken
    assert stamps[-1] == 0


def test_a_loop_of_slots_counts_those_that_were_taken(null: int) -> None:
    plan = loops._plan(0, 1, 0)
    assert loop_live_regions(null, 4, plan.ctypes.data, 0) == 0


def test_a_page_that_is_not_there_cannot_be_dropped() -> None:
    assert loop_live_notify(1, 3, 0) == 0  # not page aligned


@pytest.mark.live
def test_slots_are_changed_in_a_cycle_by_the_running_kernel(slots_host: LiveHost) -> None:
    hva = slots_host.allocate_pages(4)
    region = MemoryRegion(0, Gpa(0), 4 * PAGE_SIZE, hva)
    cycle = [region, without(region), without(region)]
    assert slots_host.region_loop(cycle)(9) == 6
    assert slots_host.region_loop([region])(3) == 3  # the same again is fine
    overlapping = replace(region, slot=1)
    assert slots_host.region_loop([overlapping])(3) == 0
    with pytest.raises(ValueError, match="give at least one"):
        slots_host.region_loop([])


@pytest.mark.live
def test_the_whole_break_apart_runs_compiled_and_leaves_ram_whole(slots_host: LiveHost) -> None:
    machine = assemble(slots_host, Shape())
    cycle = [*regions(break_apart(machine)), *regions(rejoin(machine))]
    assert slots_host.region_loop(cycle)(80) == 80
    play(slots_host, regions(break_apart(machine)))


@pytest.mark.live
def test_a_page_of_ones_own_can_be_dropped(slots_host: LiveHost) -> None:
    assert slots_host.loop(Operation.NOTIFY, Activation.GPA)(10) == 10


@pytest.mark.live
def test_what_no_ioctl_does_alone_has_no_loop(slots_host: LiveHost) -> None:
    with pytest.raises(ValueError, match="check: a real kernel has no request that does this"):
        slots_host.loop(Operation.CHECK, Activation.GPA)


@pytest.fixture(params=list(Activation))
def setting(xen_host: LiveHost, request: pytest.FixtureRequest) -> Setting:
    """Return a machine with everything active, one way or the other."""
    if request.param is Activation.HVA and Feature.SHINFO_HVA not in xen_host.features:
        pytest.skip("this kernel has no activation by HVA")
    return ready(xen_host, Shape(), request.param)


def _overlay_ports(setting: Setting) -> list[int]:
    machine = setting.machine
    return pending_ports(setting.host, machine.overlay_hva, machine.shape.layout).tolist()


@pytest.mark.live
def test_every_send_of_a_loop_is_delivered_and_cleared_away(setting: Setting) -> None:
    loop = setting.loop(Operation.SEND, Delivery.DELIVERED)
    assert loop(5000) == 5000
    assert _overlay_ports(setting) == []
    assert setting.host.read(setting.machine.vcpu_info_hva(0), 16) == bytes(16)


@pytest.mark.live
def test_sends_without_clearing_stay_pending(setting: Setting) -> None:
    assert setting.loop(Operation.SEND_AGAIN, Delivery.MERGED)(5000) == 5000
    assert _overlay_ports(setting) == list(range(1, 4096))


@pytest.mark.live
def test_masked_and_refused_sends_are_counted_as_what_the_caller_is_told(setting: Setting) -> None:
    layout = setting.machine.shape.layout
    set_bitmaps(setting.host, setting.machine.overlay_hva, layout, masked=True)
    assert setting.loop(Operation.SEND, Delivery.MASKED)(10) == 10
    assert setting.loop(Operation.SEND_BAD_PORT)(10) == 10
    assert setting.loop(Operation.SEND, Status.EFAULT)(10) == 0


@pytest.mark.live
def test_activation_again_leaves_shared_info_where_it_was(setting: Setting) -> None:
    for operation in (Operation.ACTIVATE, Operation.DEACTIVATE_AND_ACTIVATE):
        assert setting.loop(operation)(20) == 20
    assert send_ports(setting.host, np.array([5], np.uint32)).tolist() == [0]
    assert _overlay_ports(setting) == [5]


@pytest.mark.live
def test_sends_along_a_break_apart_go_on_whatever_they_are_told(setting: Setting) -> None:
    machine = setting.machine
    cycle = [*regions(rejoin(machine)), *regions(break_apart(machine))]
    assert setting.host.region_loop(cycle, 66)(16) == 16
    assert 66 in _overlay_ports(setting)


@pytest.mark.parametrize(
    ("activation", "kind", "field", "off"),
    [
        (Activation.GPA, VmAttr.SHARED_INFO, "gfn", WORD - 1),
        (Activation.HVA, VmAttr.SHARED_INFO_HVA, "hva", 0),
    ],
)
def test_activation_hands_over_the_attribute_as_kvm_reads_it(
    activation: Activation, kind: VmAttr, field: str, off: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, bytes]] = []

    def kernel(fd: int, n: int, plan: int, stamps: int) -> int:
        assert stamps == 0
        words = (ctypes.c_uint64 * 5).from_address(plan)
        number, first, nr_bytes, count, expected = words
        assert (fd, n, number, expected) == (7, 5, Ioctl.XEN_HVM_SET_ATTR, 0)
        seen.append((count, ctypes.string_at(first, nr_bytes * count)))
        return 5

    monkeypatch.setattr(loops, "loop_live_requests", kernel)
    told = {(kind, field): 0x1234}
    vm: Any = SimpleNamespace(fd=7, get_attr=lambda asked, name: told[asked, name])
    maker = LoopMaker(vm, None, None)  # type: ignore[arg-type]
    place, away = (record(XEN_VM_ATTR, type=kind, **{field: n}).tobytes() for n in (0x1234, off))
    assert maker.make(Operation.ACTIVATE, activation, 0)(5) == 5
    assert maker.make(Operation.DEACTIVATE_AND_ACTIVATE, activation, 0)(5) == 5
    assert seen == [(1, place), (2, away + place)]
