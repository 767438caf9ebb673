import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.steps import (
    covers_hva_once,
    hva_for_writing_once,
    lookup_once,
    mark_dirty_once,
    search_once,
    search_with_branches_once,
)
from tests.model.vm import ELSEWHERE, OTHER, OVERLAY_GFN, RAM_PAGES, WHOLE, Vm, drawn
from xenperf.abi.kvm import MemslotFlag
from xenperf.hypervisor import MemoryRegion
from xenperf.model.layout import MEMSLOT, MEMSLOTS
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa, gpa_to_gfn

NOWHERE = (1 << 64) - 1
HVA_ERROR = 1 << 63
GAPS_AND_SIZES = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=40)


def slot_array(gaps_and_sizes: list[tuple[int, int]]) -> np.ndarray:
    """Slots in order, each after a gap, and the zero record that ends every array."""
    records = np.zeros(len(gaps_and_sizes) + 1, MEMSLOT)
    gfn = 0
    for record, (gap, nr_pages) in zip(records, gaps_and_sizes, strict=False):
        record["base_gfn"], record["nr_pages"] = gfn + gap, nr_pages
        gfn += gap + nr_pages
    return records


def scan(records: np.ndarray, gfn: int) -> int:
    for index, record in enumerate(records):
        if record["base_gfn"] <= gfn < record["base_gfn"] + record["nr_pages"]:
            return index
    return NOWHERE


@drawn
@given(gaps_and_sizes=GAPS_AND_SIZES, data=st.data())
def test_both_searches_agree_with_a_scan(
    gaps_and_sizes: list[tuple[int, int]], data: st.DataObject
) -> None:
    records = slot_array(gaps_and_sizes)
    past = sum(gap + nr_pages for gap, nr_pages in gaps_and_sizes)
    for gfn in data.draw(st.lists(st.integers(0, past + 3) | st.just(NOWHERE), min_size=5)):
        wanted = scan(records, gfn)
        place = records.ctypes.data, len(gaps_and_sizes), gfn
        assert search_once(*place) == wanted
        assert search_with_branches_once(*place) == wanted


@pytest.mark.parametrize("nr_slots", [1, 2, 64, 512, 32764])
def test_both_searches_find_the_edges_of_every_slot(nr_slots: int) -> None:
    records = slot_array([(1, 2)] * nr_slots)
    for index in {0, 1, nr_slots // 2, nr_slots - 2, nr_slots - 1} & set(range(nr_slots)):
        base = int(records[index]["base_gfn"])
        for gfn, wanted in ((base - 1, NOWHERE), (base, index), (base + 1, index)):
            assert search_once(records.ctypes.data, nr_slots, gfn) == wanted
            assert search_with_branches_once(records.ctypes.data, nr_slots, gfn) == wanted
    assert search_once(records.ctypes.data, nr_slots, 3 * nr_slots) == NOWHERE


def lookup(vm: Vm, gfn: int) -> int | None:
    """The id of the slot found, or None."""
    slot = lookup_once(vm.host.state.vm, gfn)
    if not slot:
        return None
    return int(vm.host.state.arena.view(MEMSLOT, slot - vm.host.state.vm, 1)[0]["id"])


def last_used(vm: Vm) -> int:
    at = int(vm.host.state.view("vm", "<u8")[0]) - vm.host.state.vm
    return int(vm.host.state.arena.view(MEMSLOTS, at, 1)[0]["last_used"])


def test_a_lookup_remembers_the_slot_it_found_and_a_failed_one_does_not(vm: Vm) -> None:
    vm.request(*vm.break_apart())
    places = []
    for gfn in (0, OVERLAY_GFN, OVERLAY_GFN + 1, RAM_PAGES, OVERLAY_GFN + 2):
        lookup(vm, gfn)
        places.append(last_used(vm))
    assert places == [0, 1, 2, 2, 2]


def test_a_slot_used_last_that_is_gone_is_not_found(vm: Vm) -> None:
    far = MemoryRegion(9, gfn_to_gpa(Gfn(100)), PAGE_SIZE, vm.ram)
    vm.request(far)
    assert lookup(vm, 100) == 9
    vm.request(vm.without(9))
    assert lookup(vm, 100) is None
    assert lookup(vm, 0) == WHOLE


def test_no_slot_and_a_read_only_one_have_no_hva_for_writing(vm: Vm) -> None:
    read_only = MemoryRegion(9, Gpa(1 << 30), PAGE_SIZE, vm.ram, MemslotFlag.READONLY)
    vm.request(read_only)
    of = vm.host.state.vm
    assert hva_for_writing_once(of, 5) == vm.ram_page(5)
    assert hva_for_writing_once(of, RAM_PAGES) == HVA_ERROR
    assert hva_for_writing_once(of, 1 << 18) == HVA_ERROR
    assert lookup(vm, 1 << 18) == 9


def test_a_slot_that_is_going_is_found_but_has_no_hva(vm: Vm) -> None:
    """INVALID is a flag of the slot, not its absence."""
    record = vm.host.state.view("slots0", MEMSLOT, 1), vm.host.state.view("slots1", MEMSLOT, 1)
    for one in record:
        one["flags"] = 1 << 16
    assert lookup(vm, 3) == WHOLE
    assert hva_for_writing_once(vm.host.state.vm, 3) == HVA_ERROR


@pytest.mark.parametrize(
    ("first", "nr_pages", "covered"),
    [(-1, 1, False), (-1, 2, True), (0, 1, True), (31, 1, True), (32, 1, False), (-9, 99, True)],
)
def test_an_hva_range_is_covered_where_it_meets_a_slot(
    vm: Vm, first: int, nr_pages: int, covered: bool
) -> None:
    start = Hva(vm.ram + first * PAGE_SIZE)
    end = start + nr_pages * PAGE_SIZE
    assert covers_hva_once(vm.host.state.vm, start, end) == covered


def test_without_slots_nothing_is_found_or_covered(vm: Vm) -> None:
    vm.request(vm.without(WHOLE))
    assert lookup(vm, 0) is None
    assert lookup(vm, NOWHERE) is None
    assert covers_hva_once(vm.host.state.vm, vm.ram, vm.ram + PAGE_SIZE) == 0


def test_a_dirty_page_is_counted_from_its_slots_first_and_over_many_words(vm: Vm) -> None:
    pages = [0, 63, 64, 129]
    logged = MemoryRegion(OTHER, ELSEWHERE, 130 * PAGE_SIZE, vm.ram, MemslotFlag.LOG_DIRTY_PAGES)
    vm.request(logged)
    for page in pages:
        mark_dirty_once(vm.host.state.vm, OTHER + 1, gpa_to_gfn(ELSEWHERE) + page)
    assert vm.host.dirty_pages(OTHER) == pages
    mark_dirty_once(vm.host.state.vm, 0, gpa_to_gfn(ELSEWHERE) + 1)  # no memslot: nothing
    assert vm.host.dirty_pages(OTHER) == pages
