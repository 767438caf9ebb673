"""The wished update of several memslots in one publish: what it guarantees (A1 to A8)."""

import functools
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.model.intruder import Steps
from tests.model.vm import HIGH, LOW, OVERLAY, OVERLAY_GFN, RAM_PAGES, VCPU_INFO_GFN, WHOLE, Vm
from xenperf.abi.kvm import MemslotFlag
from xenperf.abi.status import Status
from xenperf.copies import ModelCopy, load_copy
from xenperf.hypervisor import Activation, Feature, MemoryRegion
from xenperf.model.layout import VM
from xenperf.model.patches import ATOMIC, GPA_HVA, KERNELS
from xenperf.units import PAGE_SIZE

GPA, HVA = Activation.GPA, Activation.HVA
LOGS = MemslotFlag.LOG_DIRTY_PAGES
BEFORE, AFTER = "before", "after"


@functools.cache
def copy_of(kernel: str) -> ModelCopy:
    """Return a copy of the model: interpreted, so that it can be stopped at every step."""
    return load_copy(switches=KERNELS[kernel], interpreted=True, shares_types=True)


@pytest.fixture
def vm() -> Iterator[Vm]:
    made = Vm(host=copy_of(ATOMIC).module("xenperf.model.host").ModelHost)
    with made.host:
        yield made


def at_once(vm: Vm, regions: list[MemoryRegion]) -> int:
    return vm.host.set_memory_regions_at_once(regions)


def logged(region: MemoryRegion) -> MemoryRegion:
    return MemoryRegion(region.slot, region.gpa, region.nr_bytes, region.hva, LOGS)


def seen_map(vm: Vm) -> dict[int, int]:
    """Where a reader finds each frame of RAM for writing; a frame that is absent is missing."""
    return {
        int(record["base_gfn"]) + page: int(record["uhva"]) + page * PAGE_SIZE
        for record in vm.host.observed.memslots()
        if not int(record["flags"]) & 1 << 16
        for page in range(int(record["nr_pages"]))
    }


def stepped(vm: Vm, regions: list[MemoryRegion], look: Callable[[Steps], None]) -> int:
    """Make the update and call *look* before each of its shared accesses; return how many."""
    steps = Steps(lambda found, _, __: look(found))
    with copy_of(ATOMIC).module("xenperf.words").traced_by(steps):
        assert at_once(vm, regions) == 0
    return steps.nr_steps


@pytest.mark.parametrize("is_split", [True, False])
def test_a_reader_meets_the_whole_old_map_or_the_whole_new_one(vm: Vm, is_split: bool) -> None:
    """A1 and A2: no frame is ever absent, and all but the overlay's keep their HVA."""
    if not is_split:
        assert at_once(vm, vm.break_apart()) == 0
    old, maps = seen_map(vm), []

    def look(_: Steps) -> None:
        found = seen_map(vm)
        if not maps or maps[-1] != found:
            maps.append(found)

    stepped(vm, vm.break_apart() if is_split else vm.rejoin(), look)
    assert maps == [old, seen_map(vm)]
    assert all(set(one) == set(range(RAM_PAGES)) for one in maps)
    assert {gfn for gfn in old if maps[0][gfn] != maps[1][gfn]} == {OVERLAY_GFN}


def test_it_takes_one_swap_and_one_step_of_the_generation(vm: Vm) -> None:  # A3
    for regions in (vm.break_apart(), vm.rejoin()):
        generation = vm.host.observed.generation
        with vm.counting() as rise:
            assert at_once(vm, regions) == 0
        assert rise["nr_swaps"] == 1
        assert vm.host.observed.generation == generation + 2


def test_both_sets_are_alike_afterwards_and_further_requests_work(vm: Vm) -> None:  # I14
    assert at_once(vm, vm.break_apart()) == 0
    first = [record.tobytes() for record in vm.host.observed.memslots()]
    vm.change_slots_elsewhere()  # the other set is in use now
    second = [record.tobytes() for record in vm.host.observed.memslots()]
    assert second[:-1] == first
    vm.request(*vm.rejoin())


def test_dirty_pages_stay_marked_whatever_slot_shows_them(vm: Vm) -> None:  # A5
    vm.request(vm.without(WHOLE), vm.whole(LOGS))
    vm.activate_both(GPA)
    assert vm.host.enter_guest(0) is False  # the clock update marks vcpu_info's page
    assert vm.dirty() == [VCPU_INFO_GFN]
    assert at_once(vm, [vm.without(WHOLE), *map(logged, vm.break_apart()[1:])]) == 0
    marks = {slot: vm.host.dirty_pages(slot) for slot in (LOW, OVERLAY, HIGH)}
    assert marks == {LOW: [], OVERLAY: [], HIGH: [VCPU_INFO_GFN - OVERLAY_GFN - 1]}
    with pytest.raises(ValueError, match="logs no dirty pages"):
        vm.dirty()
    assert at_once(vm, [*vm.rejoin()[:3], vm.whole(LOGS)]) == 0
    assert vm.dirty() == [VCPU_INFO_GFN]


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("flags", [0, LOGS])
def test_a_refusal_leaves_everything_as_it_was(vm: Vm, place: int, flags: int) -> None:  # A6
    vm.request(vm.without(WHOLE), vm.whole(LOGS))
    vm.activate_both(GPA)
    vm.host.enter_guest(0)
    refused = MemoryRegion(OVERLAY, vm.whole().gpa, 1, vm.overlay)  # one byte: -EINVAL
    regions = vm.break_apart()
    if flags:
        regions[1:] = map(logged, regions[1:])
    before = vm.state_bytes(), vm.dirty()
    assert at_once(vm, [*regions[:place], refused, *regions[place:]]) == Status.EINVAL
    assert (vm.state_bytes(), vm.dirty()) == before
    assert at_once(vm, [vm.laid_over()]) == Status.EEXIST
    assert (vm.state_bytes(), vm.dirty()) == before


def waits_for(vm: Vm, leave: Callable[[], object]) -> bool:
    """Tell whether a break-apart in another thread waits until *leave*, and then goes on."""
    told: list[int] = []
    actor = threading.Thread(target=lambda: told.append(at_once(vm, vm.break_apart())))
    actor.start()
    actor.join(0.3)
    waited = actor.is_alive() and seen_map(vm)[OVERLAY_GFN] == vm.ram_page(OVERLAY_GFN)
    leave()
    actor.join(30)
    return waited and not actor.is_alive() and told == [0]


def test_the_publish_waits_for_an_open_notifier_range(vm: Vm) -> None:  # A7
    control = copy_of(ATOMIC).module("xenperf.model.kernels.control")
    words = vm.host.state.vm, vm.host.state.cpu, vm.spare, vm.spare + PAGE_SIZE
    control.invalidate_start(*words)
    assert waits_for(vm, lambda: control.invalidate_end(*words))


@pytest.mark.parametrize("lock", ["slots_lock", "slots_arch_lock"])
def test_it_waits_for_a_request_under_way(vm: Vm, lock: str) -> None:
    record = vm.host.state.view("vm", VM)
    record[lock] = 1
    assert waits_for(vm, lambda: record.__setitem__(lock, 0))


def test_the_publish_waits_for_a_sender_between_its_check_and_its_write(vm: Vm) -> None:  # A8
    vm.activate_both(GPA)
    gpc = vm.host.state.view("vm", VM)["shinfo"]

    def leave() -> None:
        gpc["lock"] -= 1 << 9

    gpc["lock"] += 1 << 9  # one reader
    assert waits_for(vm, leave)


def test_no_event_is_written_to_the_old_page_after_the_publish(vm: Vm) -> None:  # A8
    """A send before every step: what is accepted lies in the page that the map shows then."""
    vm.activate_both(GPA)
    ram, state = vm.ram_page(OVERLAY_GFN), vm.host.state
    sent: dict[int, str] = {}

    def look(steps: Steps) -> None:
        if any(vm.host.observed.gpc(gpc)["lock"] for gpc in state.gpcs()):
            return  # the publish holds senders off: this one would wait
        port = 1 + steps.nr_steps % 4095
        with vm.on_cpu(1):
            when = BEFORE if seen_map(vm)[OVERLAY_GFN] == ram else AFTER
            if vm.send(port) == 0:
                sent[port] = when

    stepped(vm, vm.break_apart(), look)
    assert {port for port in sent if sent[port] == BEFORE} == vm.pending(ram)
    assert {port for port in sent if sent[port] == AFTER} == vm.pending(vm.overlay)
    assert min(len(vm.pending(ram)), len(vm.pending(vm.overlay))) > 10
    assert vm.send(4095) == 0
    assert 4095 in vm.pending(vm.overlay)


def test_the_caches_are_stale_and_keep_no_old_mapping(vm: Vm) -> None:
    """What it does not solve: one slow send by GPA, none by HVA."""
    for activation, nr_slow in ((GPA, 1), (HVA, 0)):
        vm.activate_both(activation)
        with vm.counting() as rise:
            assert at_once(vm, vm.break_apart()) == 0
            assert vm.send(70) == 0
        assert rise["nr_slow_sends"] == nr_slow
        assert at_once(vm, vm.rejoin()) == 0


def test_a_kernel_without_the_patch_has_no_such_request() -> None:
    vm = Vm(host=copy_of(GPA_HVA).module("xenperf.model.host").ModelHost)
    with vm.host:
        before = vm.state_bytes()
        assert at_once(vm, vm.break_apart()) == Status.ENOSYS
        assert vm.state_bytes() == before
        assert Feature.ATOMIC_SLOTS not in vm.host.features
