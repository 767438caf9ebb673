import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.invariants import assert_consistent
from tests.model.steps import check_once, hva_for_writing_once, refresh_once
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, WHOLE, Vm, drawn
from xenperf.abi.kvm import INVALID_GPA, MemslotFlag
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.model.layout import VM
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa

GPA, HVA = Activation.GPA, Activation.HVA
HVA_ERROR = 1 << 63
PFN_ERROR = 0x7FF << 52
COUNTED = ("nr_refreshes", "nr_lookups", "nr_gups")


def refresh(vm: Vm) -> int:
    state = vm.host.state
    return refresh_once(state.vm, state.cpu, state.shinfo_gpc(), PAGE_SIZE) - 0


def signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def check(vm: Vm, nr_bytes: int = PAGE_SIZE) -> bool:
    return bool(check_once(vm.host.state.vm, vm.host.state.shinfo_gpc(), nr_bytes))


def refresh_and_count(vm: Vm) -> tuple[int, tuple[int, ...]]:
    """The outcome, and how many refreshes, lookups and walks it took."""
    with vm.counting() as rise:
        rc = signed(refresh(vm))
    return rc, tuple(rise[name] for name in COUNTED)


def test_a_fresh_cache_has_neither_address(vm: Vm) -> None:
    gpc = vm.shinfo()
    assert (gpc["gpa"], gpc["uhva"], gpc["pfn"]) == (INVALID_GPA, HVA_ERROR, PFN_ERROR)
    assert (gpc["active"], gpc["valid"], gpc["khva"], gpc["memslot"]) == (0, 0, 0, 0)
    assert not check(vm)


def test_refreshing_what_was_never_activated_is_einval_and_a_warning(vm: Vm) -> None:
    with vm.counting() as rise:
        assert signed(refresh(vm)) == Status.EINVAL
    assert rise["nr_warnings"] == 1


def test_r0_nothing_stale_keeps_all_and_asks_nobody(active_vm: Vm) -> None:
    before = active_vm.shinfo()
    assert refresh_and_count(active_vm) == (0, (1, 0, 0))
    assert active_vm.shinfo() == before


def test_r1_after_a_slot_change_looks_up_and_keeps_the_mapping(vm: Vm) -> None:
    vm.activate_both(GPA)
    before = vm.shinfo()
    vm.change_slots_elsewhere()
    assert not check(vm)
    assert refresh_and_count(vm) == (0, (1, 1, 0))
    assert vm.shinfo() == before | {"generation": vm.host.observed.generation}
    assert check(vm)


def test_by_hva_a_slot_change_makes_nothing_stale(vm: Vm) -> None:
    vm.activate_both(HVA)
    before = vm.shinfo()
    vm.request(*vm.break_apart(), *vm.rejoin())
    assert check(vm)
    assert refresh_and_count(vm) == (0, (1, 0, 0))
    assert vm.shinfo() == before


def test_r2_another_hva_page_is_looked_up_and_walked(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.request(*vm.break_apart())
    assert refresh_and_count(vm) == (0, (1, 1, 1))
    assert vm.shinfo()["uhva"] == vm.overlay
    assert check(vm)


def test_r2_after_a_notifier_walks_but_looks_nothing_up(active_vm: Vm) -> None:
    old_pfn = active_vm.shinfo()["pfn"]
    active_vm.host.replace_pages(active_vm.ram_page(OVERLAY_GFN))
    assert not check(active_vm)
    assert refresh_and_count(active_vm) == (0, (1, 0, 1))
    assert active_vm.shinfo()["pfn"] != old_pfn
    assert check(active_vm)


def test_r2_after_a_notifier_and_a_slot_change_does_both(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.host.replace_pages(vm.ram_page(OVERLAY_GFN))
    vm.change_slots_elsewhere()
    assert refresh_and_count(vm) == (0, (1, 1, 1))


def purge(vm: Vm, how: str) -> None:
    """Make the frame of shared_info unusable by the memslots."""
    if how == "read-only slot":
        vm.request(*vm.break_apart()[:2])
        vm.request(MemoryRegion(2, gfn_to_gpa(OVERLAY_GFN), PAGE_SIZE, vm.overlay, 2))
    else:
        vm.request(vm.without(WHOLE))


@pytest.mark.parametrize("how", ["no slot", "read-only slot"])
def test_r3_without_a_usable_slot_the_mapping_is_purged_and_nothing_walked(
    vm: Vm, how: str
) -> None:
    vm.activate_both(GPA)
    gpa = vm.shinfo()["gpa"]
    purge(vm, how)
    assert refresh_and_count(vm) == (Status.EFAULT, (1, 1, 0))
    gpc = vm.shinfo()
    assert (gpc["gpa"], gpc["generation"]) == (gpa, vm.host.observed.generation)
    assert (gpc["uhva"], gpc["pfn"], gpc["khva"], gpc["valid"]) == (HVA_ERROR, PFN_ERROR, 0, 0)
    assert gpc["active"]


def test_r3_again_looks_up_again_though_the_generation_is_the_same(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.request(vm.without(WHOLE))
    assert refresh_and_count(vm) == refresh_and_count(vm) == (Status.EFAULT, (1, 1, 0))


def test_r4_a_failed_walk_purges_the_mapping_but_keeps_the_address(active_vm: Vm) -> None:
    vm = active_vm
    before = vm.shinfo()
    vm.host.unmap_pages(vm.ram_page(OVERLAY_GFN))
    assert refresh_and_count(vm) == (Status.EFAULT, (1, 0, 1))
    assert vm.shinfo() == before | {"valid": 0, "pfn": PFN_ERROR, "khva": 0}
    vm.host.replace_pages(vm.ram_page(OVERLAY_GFN))
    assert refresh_and_count(vm) == (0, (1, 0, 1))


def test_a_page_mapped_read_only_cannot_be_walked_for_writing(active_vm: Vm) -> None:
    active_vm.protect(active_vm.ram_page(OVERLAY_GFN), writable=False)
    assert refresh_and_count(active_vm) == (Status.EFAULT, (1, 0, 1))
    active_vm.protect(active_vm.ram_page(OVERLAY_GFN), writable=True)
    assert refresh_and_count(active_vm) == (0, (1, 0, 1))


def test_a_lookup_that_failed_in_the_window_costs_a_walk_afterwards(vm: Vm) -> None:
    """Had nobody refreshed in the window, the same page would have been kept."""
    vm.activate_both(GPA)
    vm.request(vm.without(WHOLE), vm.whole())
    assert refresh_and_count(vm) == (0, (1, 1, 0))
    vm.request(vm.without(WHOLE))
    assert signed(refresh(vm)) == Status.EFAULT
    vm.request(vm.whole())
    assert refresh_and_count(vm) == (0, (1, 1, 1))


def test_an_inactive_cache_is_refused_and_stays_as_it_is(active_vm: Vm) -> None:
    active_vm.host.activate_shinfo_hva(Hva(0))
    before = active_vm.shinfo()
    with active_vm.counting() as rise:
        assert signed(refresh(active_vm)) == Status.EINVAL
    assert active_vm.shinfo() == before
    assert (rise["nr_warnings"], rise["nr_gups"]) == (0, 0)


def test_check_refuses_what_is_off_though_its_mapping_is_still_there(active_vm: Vm) -> None:
    """As between the two steps of switching off before 6addfcf27139."""
    state, record = active_vm.host.state, active_vm.host.state.view("vm", VM)["shinfo"]
    assert check_once(state.vm, state.shinfo_gpc(), PAGE_SIZE) == 1
    record["active"] = 0
    assert check_once(state.vm, state.shinfo_gpc(), PAGE_SIZE) == 0
    record["active"] = 1


@pytest.mark.parametrize(("nr_bytes", "fits"), [(64, True), (65, False)])
def test_check_and_refresh_want_the_length_within_the_page(
    vm: Vm, activation: Activation, nr_bytes: int, fits: bool
) -> None:
    assert vm.activate_vcpu_info(activation, offset=PAGE_SIZE - 64) == 0
    state, gpc = vm.host.state, vm.host.state.vcpu_info_gpc(0)
    assert check_once(state.vm, gpc, nr_bytes) == fits
    rc = refresh_once(state.vm, state.cpu, gpc, nr_bytes)
    assert signed(rc) == (0 if fits else Status.EINVAL)


def test_check_stores_nothing(active_vm: Vm) -> None:
    before = active_vm.state_bytes()
    check(active_vm)
    active_vm.change_slots_elsewhere()
    stale = active_vm.state_bytes()
    check(active_vm)
    assert before != stale == active_vm.state_bytes()


def test_the_offset_moves_within_a_kept_mapping(vm: Vm, activation: Activation) -> None:
    for offset in (0, 2, 640):
        with vm.counting() as rise:
            assert vm.activate_vcpu_info(activation, offset=offset) == 0
        gpc = vm.vcpu_info_gpc()
        assert gpc["uhva"] == vm.ram_page(VCPU_INFO_GFN) + offset
        assert gpc["khva"] == vm.host.memory.khva(gpc["pfn"]) + offset
        assert rise["nr_gups"] == (offset == 0)


OPERATIONS = st.lists(
    st.sampled_from(
        ["slots", "away", "back", "overlay", "replace", "unmap", "refresh", "gpa", "hva", "off"]
    ),
    max_size=25,
)


@drawn
@given(operations=OPERATIONS)
def test_after_any_history_a_refresh_ends_valid_or_purged(operations: list[str]) -> None:
    """0 means usable now, anything else means not (I5); and what is good agrees with the slots."""
    vm = Vm()
    with vm.host:
        for operation in operations:
            do(vm, operation)
            assert_consistent(vm.host)
            gpc = vm.shinfo()
            if check(vm) and gpc["gpa"] != INVALID_GPA:  # I3
                assert gpc["generation"] == vm.host.observed.generation
                wanted = hva_for_writing_once(vm.host.state.vm, gpc["gpa"] >> 12)
                assert gpc["uhva"] == wanted


def do(vm: Vm, operation: str) -> None:
    page = vm.ram_page(OVERLAY_GFN)
    is_whole = vm.host.observed.memslot(WHOLE) is not None
    if operation == "slots":
        vm.change_slots_elsewhere()
    elif operation in ("away", "back", "overlay"):
        vm.host.set_memory_regions(
            {
                "away": [vm.without(WHOLE), *vm.rejoin()[:3]],
                "back": [*vm.rejoin()],
                "overlay": vm.break_apart() if is_whole else [vm.laid_over()],
            }[operation]
        )
    elif operation == "replace":
        vm.host.replace_pages(page)
    elif operation == "unmap":
        vm.host.unmap_pages(page)
    elif operation == "refresh":
        assert (refresh(vm) == 0) == check(vm)
    elif operation == "off":
        vm.host.activate_shinfo_hva(Hva(0))
    else:
        activation = GPA if operation == "gpa" else HVA
        assert (vm.activate_shinfo(activation, OVERLAY_GFN) == 0) == check(vm)


@pytest.mark.parametrize("flags", [0, MemslotFlag.LOG_DIRTY_PAGES])
def test_the_memslot_is_remembered_by_gpa_and_null_by_hva(vm: Vm, flags: int) -> None:
    vm.request(MemoryRegion(5, Gpa(1 << 30), PAGE_SIZE, vm.overlay, flags))
    assert vm.host.activate_shinfo_gfn(Gfn(1 << 18)) == 0
    assert vm.shinfo()["memslot"] == 5 + 1
    assert vm.host.activate_shinfo_hva(vm.overlay) == 0
    assert (vm.shinfo()["memslot"], vm.shinfo()["gpa"]) == (0, INVALID_GPA)
