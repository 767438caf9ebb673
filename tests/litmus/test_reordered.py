"""Orders that x86 keeps by itself, so that real threads cannot show a missing fence.

Threads are the model's own accesses, recorded, and run in every order that their fences leave open
(``reordered``). What KVM changes under a lock that the other side does not take counts as plain
stores here. Taking the fences of one side away must show what the test is about.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.litmus.recorder import Event, Recorder
from tests.litmus.reordered import FENCE, Access, Loaded, Thread, outcomes, without_fences
from xenperf.abi.xen import LONG_MODE
from xenperf.explore.machine import OTHER, SHINFO_GFN, Machine
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation
from xenperf.units import PAGE_SIZE

Named = dict[int, tuple[str, int]]
"""By khva: what a word is called, and the value that counts as 0."""


@pytest.fixture(scope="module")
def tap() -> Tap:
    return Tap()


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def machine(recorder: Recorder) -> Iterator[Machine]:
    with Machine(recorder, Activation.GPA) as made:  # type: ignore[arg-type]
        yield made


def stores_of(events: list[Event], named: Named) -> Thread:
    """Return what was stored to the words that are *named*, with the fences between."""
    thread: Thread = []
    for event in events:
        if event.name.endswith("barrier"):
            thread.append(FENCE)
        elif event.khva in named and not event.name.startswith("load"):
            name, zero = named[event.khva]
            added = event.answer if event.name.startswith("fetch_add") else 0
            thread += [FENCE] if "release" in event.name else []
            thread.append(Access(name, event.operands[1] + added - zero))
    return thread


def loads_of(events: list[Event], named: Named) -> Thread:
    """Return the loads of the words that are *named*, with the fences between."""
    wanted = [event for event in events if event.khva in named or event.name.endswith("barrier")]
    return [Access(named[event.khva][0]) if event.khva else FENCE for event in wanted]


def assert_only_fences_prevent(
    tap: Tap, writer: Thread, reader: Thread, is_forbidden: Callable[[Loaded], bool], **start: int
) -> set[Loaded]:
    """Check both sides' fences: with them never, without either at some point. Return what is."""
    seen = set(outcomes(tap, writer, reader, **start))
    assert not any(map(is_forbidden, seen))
    for weaker in ((without_fences(writer), reader), (writer, without_fences(reader))):
        assert any(map(is_forbidden, outcomes(tap, *weaker, **start)))
    return seen


# (a) The slot set is filled, then published by a release; a reader gets at its words by the
# pointer only, which is a dependency.


def test_a_whoever_finds_the_new_slot_set_finds_it_filled(
    tap: Tap, recorder: Recorder, machine: Machine
) -> None:
    vm, layout = machine.vm, recorder.model("layout")
    with recorder.recording() as events:
        assert machine.host.set_memory_regions([machine.page_elsewhere()]) == [0]
    published = next(e for e in events if e.name == "store_release64" and e.khva == vm)
    slot = machine.host.state.khva("slots0") + layout.MEMSLOT.itemsize  # behind RAM's
    record = machine.host.observed.memslot(OTHER)
    named = {
        slot: ("gfn", int(record["base_gfn"]) - 1),
        int(vm + layout.VM_SET0 + layout.SET_NR_SLOTS): ("nr_slots", 1),
        vm: ("pointer", published.operands[1] - 1),
    }
    writer = stores_of(events[: events.index(published) + 1], named)
    assert writer[-2:] == [FENCE, Access("pointer", 1)]
    assert without_fences(writer[:-1]) == [Access("gfn", 1), Access("nr_slots", 1)]
    reader = [Access("pointer"), FENCE, Access("nr_slots"), Access("gfn")]
    seen = assert_only_fences_prevent(
        tap, writer, reader, lambda found: found[0] == 1 and found != (1, 1, 1)
    )
    assert {(0, 0, 0), (1, 1, 1)} <= seen


# (b) The end of a notifier's range: the sequence moves, then the range counts as closed. A refresh
# reads in the other order, so it sees one or the other and walks again.


def test_b_a_refresh_sees_the_open_range_or_the_new_sequence(
    tap: Tap, recorder: Recorder, machine: Machine
) -> None:
    layout, notifier = recorder.model("layout"), recorder.model("notifier")
    vm, cpu, hva = np.uint64(machine.vm), machine.cpu(0), machine.ram_page(SHINFO_GFN)
    place: tuple[Any, ...] = (vm, cpu, np.uint64(hva), np.uint64(hva + PAGE_SIZE))
    notifier.invalidate_range_start(*place)
    with recorder.recording() as ending:
        notifier.invalidate_range_end(*place)
    with recorder.recording() as asking:
        assert notifier.must_retry(vm, np.uint64(0))
    named = {
        int(vm + layout.VM_MMU_SEQ): ("sequence", 0),
        int(vm + layout.VM_MN_ACTIVE): ("open", 0),
    }
    writer, reader = stores_of(ending, named), loads_of(asking, named)
    assert without_fences(writer) == [Access("sequence", 1), Access("open", 0)]
    assert reader == [Access("open"), FENCE, Access("sequence")]
    seen = assert_only_fences_prevent(
        tap, writer, reader, lambda found: found == (0, 0), open=1, sequence=0
    )
    assert seen == {(1, 0), (1, 1), (0, 1)}


def test_b_the_sequence_moves_before_the_range_is_closed_for_guest_faults(
    tap: Tap, recorder: Recorder, machine: Machine
) -> None:
    """The same with the count that a page fault looks at: the pair around the write barrier."""
    layout, notifier = recorder.model("layout"), recorder.model("notifier")
    vm, cpu, hva = np.uint64(machine.vm), machine.cpu(0), machine.ram_page(SHINFO_GFN)
    place: tuple[Any, ...] = (vm, cpu, np.uint64(hva), np.uint64(hva + PAGE_SIZE))
    notifier.invalidate_range_start(*place)
    with recorder.recording() as ending:
        notifier.invalidate_range_end(*place)
    named = {
        int(vm + layout.VM_MMU_SEQ): ("sequence", 0),
        int(vm + layout.VM_MMU_IN_PROGRESS): ("in_progress", 1 << 64),
    }
    writer = stores_of(ending, named)
    reader = [Access("in_progress"), FENCE, Access("sequence")]
    assert_only_fences_prevent(tap, writer, reader, lambda found: found == (0, 0), in_progress=1)


# (f) The wall clock: an odd version, the data, an even version, with write barriers between.


def test_f_a_guest_that_finds_one_even_version_has_whole_data(
    tap: Tap, recorder: Recorder, machine: Machine
) -> None:
    vm = np.uint64(machine.vm)
    clock = machine.khva(machine.frame(machine.ram_page(SHINFO_GFN)) or 0) + LONG_MODE.wc_offset
    with recorder.recording() as events:
        recorder.model("shinfo")._write_wall_clock(vm)
    before = next(event.answer for event in events if event.khva == clock)
    seconds = next(event.operands[1] for event in events if event.khva == clock + 4)
    named = {
        clock: ("version", before),
        clock + 4: ("seconds", seconds - 1),
        clock + 8: ("nanoseconds", -1),
    }
    writer = stores_of(events, named)
    assert writer[0] == Access("version", 1)
    assert writer[-1] == Access("version", 2)
    assert len(without_fences(writer)) == 4
    version = Access("version")
    reader = [version, FENCE, Access("seconds"), Access("nanoseconds"), FENCE, version]

    def is_torn(found: Loaded) -> bool:
        first, sec, ns, second = found
        return first == second and first % 2 == 0 and sec != ns

    seen = assert_only_fences_prevent(tap, writer, reader, is_torn)
    assert {(0, 0, 0, 0), (2, 1, 1, 2)} <= seen
