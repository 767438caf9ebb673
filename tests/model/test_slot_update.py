import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.invariants import assert_consistent, assert_slots_change_kept, snapshot
from tests.model.steps import hva_for_writing_once
from tests.model.vm import OTHER, OVERLAY, RAM_PAGES, WHOLE, Vm, drawn
from tests.oracle.memslots import MemslotOracle
from xenperf.abi.kvm import MAX_PAGES_PER_SLOT, USER_SLOTS, MemslotFlag
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation, MemoryRegion, VmSize
from xenperf.model.host import ModelHost
from xenperf.model.layout import MEMSLOT, VM
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa

IN_PROGRESS = 1 << 63
PAGE_AT_1G = MemoryRegion(OTHER, Gpa(1 << 30), PAGE_SIZE, Hva(PAGE_SIZE))


@pytest.mark.parametrize(
    ("kind", "nr_swaps"), [("create", 1), ("flags", 1), ("delete", 2), ("move", 2), ("same", 0)]
)
def test_each_kind_of_update_makes_its_number_of_swaps(vm: Vm, kind: str, nr_swaps: int) -> None:
    update = {
        "create": PAGE_AT_1G,
        "flags": vm.whole(MemslotFlag.LOG_DIRTY_PAGES),
        "delete": vm.without(WHOLE),
        "move": replace(vm.whole(), gpa=Gpa(PAGE_SIZE)),
        "same": vm.whole(),
    }[kind]
    with vm.counting() as rise:
        vm.request(update)
    assert (rise["nr_swaps"], rise["generation"]) == (nr_swaps, 2 * nr_swaps)


def test_a_break_apart_takes_five_swaps_and_a_rejoin_seven(vm: Vm) -> None:
    with vm.counting() as apart:
        vm.request(*vm.break_apart())
    with vm.counting() as joined:
        vm.request(*vm.rejoin())
    assert (apart["generation"], joined["generation"]) == (10, 14)


def test_one_address_space_steps_the_generation_by_one(vm: Vm) -> None:
    """Without SMM, as for a VM with private memory."""
    vm.host.state.view("vm", "<u8", 2)[1] = 1
    with vm.counting() as rise:
        vm.request(vm.without(WHOLE), vm.whole())
    assert rise["generation"] == 3


REFUSED = {
    "delete what is absent": (MemoryRegion(9, Gpa(0), 0, Hva(0)), Status.EINVAL),
    "overlap": (MemoryRegion(9, Gpa(5 << 12), PAGE_SIZE, Hva(0)), Status.EEXIST),
    "overlap from below": (MemoryRegion(9, Gpa(31 << 12), 8192, Hva(0)), Status.EEXIST),
    "resize": (lambda vm: replace(vm.whole(), nr_bytes=PAGE_SIZE), Status.EINVAL),
    "other hva": (lambda vm: replace(vm.whole(), hva=vm.overlay), Status.EINVAL),
    "made read-only": (lambda vm: vm.whole(MemslotFlag.READONLY), Status.EINVAL),
    "unaligned gpa": (replace(PAGE_AT_1G, gpa=Gpa((1 << 30) + 1)), Status.EINVAL),
    "unaligned size": (replace(PAGE_AT_1G, nr_bytes=PAGE_SIZE + 1), Status.EINVAL),
    "unaligned hva": (replace(PAGE_AT_1G, hva=Hva(PAGE_SIZE + 8)), Status.EINVAL),
    "unknown flag": (replace(PAGE_AT_1G, flags=4), Status.EINVAL),
    "slot past the last": (replace(PAGE_AT_1G, slot=64), Status.EINVAL),
    "another address space": (replace(PAGE_AT_1G, slot=1 << 16), Status.EINVAL),
    "kernel half": (replace(PAGE_AT_1G, hva=Hva(1 << 63)), Status.EINVAL),
    "past the user half": (
        replace(PAGE_AT_1G, hva=Hva((1 << 47) - 2 * PAGE_SIZE), nr_bytes=2 * PAGE_SIZE),
        Status.EINVAL,
    ),
    "gpa wraps": (replace(PAGE_AT_1G, gpa=Gpa(-PAGE_SIZE % 2**64), nr_bytes=8192), Status.EINVAL),
    "too large": (replace(PAGE_AT_1G, nr_bytes=(MAX_PAGES_PER_SLOT + 1) << 12), Status.EINVAL),
    "move onto another": (lambda vm: replace(vm.whole(), gpa=PAGE_AT_1G.gpa), Status.EEXIST),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_update_changes_no_byte_of_the_state(vm: Vm, name: str) -> None:
    region, errno = REFUSED[name]
    if name == "move onto another":
        vm.request(PAGE_AT_1G)
    before = vm.state_bytes()
    assert vm.host.set_memory_regions([region(vm) if callable(region) else region]) == [errno]
    assert vm.state_bytes() == before


@pytest.mark.parametrize("flags", [0, MemslotFlag.LOG_DIRTY_PAGES, MemslotFlag.READONLY])
def test_impossible_numbers_are_refused_whatever_the_flags(vm: Vm, flags: int) -> None:
    for region in (
        replace(PAGE_AT_1G, slot=99, flags=flags),
        replace(PAGE_AT_1G, nr_bytes=1 << 63, flags=flags),
    ):
        assert vm.host.set_memory_regions([region]) == [Status.EINVAL]


def test_a_move_half_onto_the_slot_below_overlaps_it(vm: Vm) -> None:
    above = vm.part(OTHER, RAM_PAGES + 2, 4, vm.ram)
    vm.request(above)
    onto = replace(above, gpa=gfn_to_gpa(Gfn(RAM_PAGES - 1)))
    beside = replace(above, gpa=gfn_to_gpa(Gfn(RAM_PAGES)))
    assert vm.host.set_memory_regions([onto, beside]) == [Status.EEXIST, 0]


def test_a_slot_that_begins_in_a_gap_and_reaches_into_the_next_overlaps_it(vm: Vm) -> None:
    vm.request(vm.part(OTHER, RAM_PAGES + 2, 4, vm.ram))
    into, before = (vm.part(9, RAM_PAGES, nr_pages, vm.ram) for nr_pages in (3, 2))
    assert vm.host.set_memory_regions([into, before]) == [Status.EEXIST, 0]


def test_a_change_of_flags_is_there_afterwards_and_stays(vm: Vm) -> None:
    for flags in (MemslotFlag.LOG_DIRTY_PAGES, 0):
        vm.request(vm.whole(flags))
        assert int(vm.host.observed.memslot(WHOLE)["flags"]) == flags
        vm.change_slots_elsewhere()  # the other set is in use now
        assert int(vm.host.observed.memslot(WHOLE)["flags"]) == flags


def test_a_moved_slot_takes_the_new_flags_along(vm: Vm) -> None:
    vm.request(replace(vm.whole(MemslotFlag.LOG_DIRTY_PAGES), gpa=Gpa(1 << 20)))
    record = vm.host.observed.memslot(WHOLE)
    assert record is not None
    assert (record["base_gfn"], record["flags"]) == (1 << 8, MemslotFlag.LOG_DIRTY_PAGES)
    assert hva_for_writing_once(vm.host.state.vm, 0) >> 63
    assert hva_for_writing_once(vm.host.state.vm, (1 << 8) + 3) == vm.ram_page(3)


def test_slots_may_share_an_hva(vm: Vm) -> None:
    vm.request(MemoryRegion(OVERLAY, Gpa(1 << 30), RAM_PAGES * PAGE_SIZE, vm.ram))
    for gfn in (3, (1 << 18) + 3):
        assert hva_for_writing_once(vm.host.state.vm, gfn) == vm.ram_page(3)


@pytest.mark.parametrize("nr_slots", [1, 2, 64, 512])
def test_slots_come_and_go_in_any_order(nr_slots: int) -> None:
    with ModelHost(VmSize(64, nr_slots)) as host:
        order = [slot * 7919 % nr_slots for slot in range(nr_slots)]
        assert sorted(order) == list(range(nr_slots))
        pages = [MemoryRegion(n, gfn_to_gpa(Gfn(2 * n)), PAGE_SIZE, Hva(n << 12)) for n in order]
        assert host.set_memory_regions(pages) == [0] * nr_slots
        assert_consistent(host)
        for slot in range(nr_slots):
            assert hva_for_writing_once(host.state.vm, 2 * slot) == slot << 12
            assert hva_for_writing_once(host.state.vm, 2 * slot + 1) >> 63
        gone = [replace(page, nr_bytes=0) for page in reversed(pages)]
        assert host.set_memory_regions(gone[: nr_slots // 2]) == [0] * (nr_slots // 2)
        assert_consistent(host)
        left = {page.slot for page in pages[: nr_slots - nr_slots // 2]}
        assert {int(number) for number in host.observed.memslots()["id"]} == left


def test_all_of_kvms_slots_can_be_there_at_once() -> None:
    """The last ones in the middle, so that their insertion moves half of the others."""
    nr_slots = USER_SLOTS
    with ModelHost(VmSize(64, nr_slots)) as host:
        # filled in from behind the model's back: one by one takes the interpreter minutes
        for idx in (0, 1):
            fill_set(host, idx, nr_slots - 2)
        for number in (nr_slots - 2, nr_slots - 1):
            hole = gfn_to_gpa(Gfn(nr_slots // 2 * 2 + 1 + 2 * (number - nr_slots + 2)))
            page = MemoryRegion(number, hole, PAGE_SIZE, Hva(1 << 40))
            assert host.set_memory_regions([page]) == [0]
        assert_consistent(host)
        assert len(host.observed.memslots()) == nr_slots
        assert host.set_memory_regions([replace(page, slot=nr_slots)]) == [Status.EINVAL]


def fill_set(host: ModelHost, idx: int, nr_slots: int) -> None:
    records = host.state.view(f"slots{idx}", MEMSLOT, nr_slots)
    records["id"] = range(nr_slots)
    records["base_gfn"] = records["id"] * 2
    records["nr_pages"] = 1
    records["uhva"] = records["id"] * PAGE_SIZE
    gfn_by_id = host.state.view(f"gfn_by_id{idx}", "<u8", nr_slots)
    gfn_by_id[:] = records["base_gfn"] + 1
    host.state.view("vm", VM)[0][f"set{idx}"]["nr_slots"] = nr_slots


def test_an_update_waits_while_a_notifier_range_is_open(vm: Vm) -> None:
    """Nothing is published meanwhile, and the new set already says that it is in progress."""
    with vm.open_range(vm.ram):
        worker = threading.Thread(target=vm.request, args=[PAGE_AT_1G], daemon=True)
        generation = vm.host.observed.generation
        worker.start()
        time.sleep(0.05)
        assert worker.is_alive()
        assert vm.host.observed.generation == generation
        assert len(vm.host.observed.memslots()) == 1
    worker.join(20)
    assert not worker.is_alive()
    assert len(vm.host.observed.memslots()) == 2


REGIONS = st.builds(
    MemoryRegion,
    slot=st.integers(0, 7),
    gpa=st.integers(0, 24).map(lambda gfn: Gpa(gfn * PAGE_SIZE)),
    nr_bytes=st.sampled_from([0, 1, 1, 2, 3, 9]).map(lambda pages: pages * PAGE_SIZE),
    hva=st.sampled_from([Hva(PAGE_SIZE), Hva(PAGE_SIZE), Hva(1 << 20), Hva(17)]),
    flags=st.sampled_from([0, 0, 0, 1, 2, 3, 4]),
)


@drawn
@given(regions=st.lists(REGIONS, max_size=40))
def test_any_sequence_of_updates_agrees_with_the_oracle(regions: list[MemoryRegion]) -> None:
    oracle = MemslotOracle(6)
    with ModelHost(VmSize(64, 6)) as host:
        spare = host.allocate_pages(1)
        assert host.activate_vcpu_info_hva(0, spare) == 0
        for region in regions:
            before = snapshot(host)
            assert host.set_memory_regions([region]) == [oracle.request(region)]
            assert_slots_change_kept(before, host)
        assert host.counters()["nr_swaps"] == oracle.nr_swaps
        assert host.observed.generation == 2 * oracle.nr_swaps
        assert_consistent(host)
        for gfn in range(36):
            wanted = oracle.hva_for_writing(gfn)
            assert hva_for_writing_once(host.state.vm, gfn) == (
                1 << 63 if wanted is None else wanted
            )


@drawn
@given(regions=st.lists(REGIONS, min_size=1, max_size=20))
def test_a_batch_is_its_requests_one_after_another(regions: list[MemoryRegion]) -> None:
    oracle = MemslotOracle(6)
    with ModelHost(VmSize(64, 6)) as host:
        outcomes = host.set_memory_regions(regions)
        assert outcomes == [oracle.request(region) for region in regions]


def test_a_change_leaves_a_cache_by_gpa_alone_too_but_for_the_generation(vm: Vm) -> None:
    """Updates do not visit caches: the generation is the only link."""
    vm.activate_both(Activation.GPA)
    before = vm.shinfo()
    vm.request(*vm.break_apart())
    assert vm.shinfo() == before
