"""The compiled sides of a race: what they write down, when they end, what they leave behind."""

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from xenperf.abi.kvm import Ioctl
from xenperf.hypervisor import Feature, MemoryRegion
from xenperf.jit import INTERPRETED
from xenperf.live import races
from xenperf.live.descriptors import new_eventfd
from xenperf.live.host import LiveHost
from xenperf.racing import Race, Racing, Sender, Shared, Target
from xenperf.scenarios import load
from xenperf.sources import EventSource
from xenperf.units import PAGE_SIZE, Gpa, Hva
from xenperf.vmm.machine import Shape, assemble, without

FOREVER = 1 << 62
ENOTTY = -25
EBADF = -9


@pytest.fixture
def null() -> Iterator[int]:
    """Return a file that answers every ioctl with ENOTTY."""
    with open(os.devnull, "rb") as opened:
        yield opened.fileno()


@pytest.fixture
def bitmaps() -> Any:
    """Return two pages' worth of words, one bitmap in each."""
    return np.zeros((2, 64), np.uint64)


def _target(bitmaps: Any, port: int = 66) -> Target:
    first, second = (Hva(page.ctypes.data) for page in bitmaps)
    return Target(EventSource.SEND, port, (first, second))


def test_a_cycle_of_rests_is_written_down_step_by_step(null: int) -> None:
    race = Race.with_room_for(3, 0, rest_us=2000)
    begun = time.monotonic_ns()
    assert races.player(null, [None, None, None], race)(FOREVER) == 3
    lengths = race.steps["ended_ns"] - race.steps["begun_ns"]
    assert (lengths >= 2_000_000).all()
    assert (race.steps["begun_ns"][1:] >= race.steps["ended_ns"][:-1]).all()
    assert begun <= race.steps["begun_ns"][0]
    assert race.steps["ended_ns"][-1] <= time.monotonic_ns()
    assert race.get(Shared.PHASE) == 3


def test_a_player_ends_in_time_for_want_of_room_or_when_the_sender_has_none(null: int) -> None:
    race = Race.with_room_for(7, 0, rest_us=0)
    play = races.player(null, [None, None], race)
    assert play(0) == 0
    assert play(FOREVER) == 6  # whole cycles only
    race.set(Shared.FULL, 1)
    assert play(FOREVER) == 0
    assert race.get(Shared.PHASE) == 6


def test_a_request_that_is_refused_is_the_last(null: int) -> None:
    race = Race.with_room_for(10, 0, rest_us=0)
    region = MemoryRegion(0, Gpa(0), PAGE_SIZE, Hva(PAGE_SIZE))
    assert races.player(null, [None, region, None], race)(FOREVER) == 2
    assert race.steps["answer"][:2].tolist() == [0, ENOTTY]


def test_a_refused_event_is_written_down_with_its_answer(null: int, bitmaps: Any) -> None:
    race = Race.with_room_for(0, 4, 0)
    race.set(Shared.PHASE, 17)
    assert races.sender(races.send_calls(null, 66), _target(bitmaps), race)() == 4
    assert race.events["answer"].tolist() == [ENOTTY] * 4
    assert race.events["places"].tolist() == [0] * 4
    assert race.events["phase_before"].tolist() == race.events["phase_after"].tolist() == [17] * 4
    assert (race.events["ended_ns"] > race.events["begun_ns"]).all()
    assert (race.get(Shared.FULL), race.get(Shared.TROUBLE)) == (1, 0)


@pytest.mark.parametrize("port", [1, 63, 64, 66, 4095])
def test_an_events_own_bit_is_found_and_cleared_and_no_other(
    null: int, bitmaps: Any, port: int
) -> None:
    race = Race.with_room_for(0, 2, 0)
    bitmaps[:] = np.uint64((1 << 64) - 1)
    before = bitmaps.copy()
    assert races.sender(races.send_calls(null, port), _target(bitmaps, port), race)() == 2
    assert race.events["places"].tolist() == [3, 0]
    before[:, port // 64] ^= np.uint64(1 << port % 64)
    assert (bitmaps == before).all()


def test_a_sender_ends_when_it_is_told_to_and_sees_the_phases(null: int, bitmaps: Any) -> None:
    race = Race.with_room_for(0, 1 << 16, 0)
    raised: list[int] = []
    sender = races.sender(races.send_calls(null, 66), _target(bitmaps), race)
    race.set(Shared.STOP, 1)
    assert sender() == 0
    race.set(Shared.STOP, 0)
    thread = threading.Thread(target=lambda: raised.append(sender()))
    thread.start()
    while race.events["ended_ns"][0] == 0:
        time.sleep(0.001)
    race.set(Shared.PHASE, 5)
    time.sleep(0.005)
    race.set(Shared.STOP, 1)
    thread.join()
    phases = race.events["phase_after"][: raised[0]]
    assert phases[0] == 0
    assert (np.diff(phases.astype(np.int64)) >= 0).all()
    assert len(phases) == len(race.events) or phases[-1] == 5


def test_an_eventfd_is_written_to_and_what_cannot_be_settled_is_told(
    null: int, bitmaps: Any
) -> None:
    race = Race.with_room_for(0, 3, 0)
    with new_eventfd() as eventfd:
        calls = races.irqfd_calls(null, 24, eventfd.fd)
        assert races.sender(calls, _target(bitmaps), race)() == 3
        assert os.eventfd_read(eventfd.fd) == 3
    assert race.events["answer"].tolist() == [8] * 3
    assert race.get(Shared.TROUBLE) == (1 << 64) + ENOTTY
    gone = races.irqfd_calls((1 << 31) - 1, 24, (1 << 31) - 1)
    assert races.sender(gone, _target(bitmaps), race)() == 3
    assert race.events["answer"].tolist() == [EBADF] * 3


def test_calls_are_what_kvm_takes() -> None:
    ((fd, number, event),) = races.send_calls(7, 66)
    assert (fd, number, event["port"][0], event["vcpu"][0]) == (7, Ioctl.XEN_HVM_EVTCHN_SEND, 66, 0)
    write, *changes = races.irqfd_calls(7, 24, 9)
    assert (write[0], write[1], write[2].tolist()) == (9, races.WRITE, [1])
    assert [(fd, number, int(each["flags"][0])) for fd, number, each in changes] == [
        (7, Ioctl.IRQFD, 1),
        (7, Ioctl.IRQFD, 0),
    ]
    assert {(int(each["gsi"][0]), int(each["fd"][0])) for _, _, each in changes} == {(24, 9)}


@pytest.mark.live
def test_the_running_kernel_plays_cycles_that_are_all_taken(slots_host: LiveHost) -> None:
    assert isinstance(slots_host, Racing)
    assert ("memslots" in slots_host.compiled) != INTERPRETED
    machine = assemble(slots_host, Shape())
    slots_host.set_memory_regions([without(machine.whole)])
    slots_host.set_memory_regions([machine.low(), machine.overlay(), machine.high()])
    race = Race.with_room_for(200, 0, 0)
    nr_steps = slots_host.race_player(load._cycle(machine), race)(FOREVER)
    assert nr_steps == 200
    assert not race.steps["answer"].any()
    requests = race.steps.reshape(-1, 10)[:, :4]
    assert (requests["ended_ns"] > requests["begun_ns"]).all()


@pytest.mark.live
def test_no_window_waits_for_an_interpreter(slots_host: LiveHost) -> None:
    """Keep the interpreter's lock for as long as the player runs: it must not notice."""
    if INTERPRETED:
        pytest.skip("the loops are interpreted themselves")
    region = MemoryRegion(0, Gpa(0), PAGE_SIZE, slots_host.allocate_pages(1))
    race = Race.with_room_for(2000, 0, 0)
    play = slots_host.race_player([region, without(region)], race)
    busy = threading.Event()

    def spin() -> None:
        while not busy.is_set():
            sum(range(1000))

    thread = threading.Thread(target=spin)
    thread.start()
    nr_steps = play(FOREVER)
    busy.set()
    thread.join()
    assert nr_steps == 2000
    between = race.steps["begun_ns"][1:] - race.steps["ended_ns"][:-1]
    assert np.median(between) < 100_000  # taking turns at the lock would cost 5 ms each


@pytest.mark.live
def test_only_what_needs_no_guest_is_raised_by_a_compiled_loop(xen_host: LiveHost) -> None:
    race = Race.with_room_for(1, 1, 0)
    here = (Hva(0x1000), Hva(0x1000))
    for source in (EventSource.TIMER, EventSource.GUEST_SEND):
        assert xen_host.race_sender(Target(source, 66, here), race) is None
    with pytest.raises(ValueError, match="port 66: no gsi leads to it"):
        xen_host.race_sender(Target(EventSource.IRQFD, 66, here), race)
    assert xen_host.set_irq_route(24, 66) == 0
    sender: Sender | None = xen_host.race_sender(Target(EventSource.IRQFD, 66, here), race)
    assert sender is not None
    assert Feature.PARALLEL in xen_host.features
