import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.invariants import assert_consistent, assert_slots_change_kept, snapshot
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, WHOLE, Vm, drawn
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation, Hypervisor, MemoryRegion, Operation, VmSize
from xenperf.model.host import ModelHost
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva

GPA, HVA = Activation.GPA, Activation.HVA
PORT = 66


def sends_along(vm: Vm, regions: list[MemoryRegion]) -> str:
    """One send after each request: o for accepted, F for -EFAULT."""
    told = ""
    for place, region in enumerate(regions):
        vm.request(region)
        outcome = vm.send(PORT + place)
        assert outcome in (0, Status.EFAULT)
        told += "F" if outcome else "o"
    return told


@pytest.mark.parametrize(
    ("order", "by_gpa"),
    [("as QEMU", "FFoooFFo"), ("overlay first", "Fooo" + "oFFo")],
)
def test_a_break_apart_and_rejoin_refuses_by_gpa_in_the_window_only(  # cases 41 to 43, 86, I16
    vm: Vm, activation: Activation, order: str, by_gpa: str
) -> None:
    vm.activate_both(activation)
    apart = vm.break_apart()
    if order == "overlay first":
        apart = [apart[0], apart[2], apart[1], apart[3]]
    told = sends_along(vm, [*apart, *vm.rejoin()])
    assert told == ("o" * 8 if activation is HVA else by_gpa)


def test_by_hva_a_break_apart_never_leaves_the_fast_path(vm: Vm) -> None:  # I16
    vm.activate_both(HVA)
    with vm.counting() as rise:
        sends_along(vm, [*vm.break_apart(), *vm.rejoin()])
    assert (rise["nr_slow_sends"], rise["nr_refreshes"]) == (0, 0)


def test_an_overlay_elsewhere_in_the_slot_refuses_just_as_long(vm: Vm) -> None:
    assert vm.activate_shinfo(GPA, Gfn(3)) == 0
    assert sends_along(vm, [*vm.break_apart(), *vm.rejoin()]) == "FoooFFFo"


def test_only_the_middle_slot_swapped_refuses_while_it_is_gone(vm: Vm) -> None:
    ram = vm.part(2, OVERLAY_GFN, 1, vm.ram_page(OVERLAY_GFN))
    vm.request(*vm.break_apart())
    vm.activate_both(GPA)
    assert sends_along(vm, [vm.without(2), ram, vm.without(2), vm.laid_over()]) == "FoFo"


def test_events_go_to_the_overlay_once_it_is_there(vm: Vm) -> None:  # case 43
    vm.activate_both(GPA)
    vm.request(*vm.break_apart())
    assert vm.send(PORT) == 0
    assert vm.pending(vm.overlay) == {PORT}
    assert vm.pending(vm.ram_page(OVERLAY_GFN)) == set()


def test_by_gpa_an_event_after_the_rejoin_lands_in_ram_and_by_hva_in_the_overlay(vm: Vm) -> None:
    """The hazard of the wrong page."""
    for activation, hit in ((GPA, vm.ram_page(OVERLAY_GFN)), (HVA, vm.overlay)):
        vm.request(*vm.break_apart())
        if activation is GPA:
            assert vm.activate_shinfo(GPA) == 0
        else:
            assert vm.host.activate_shinfo_hva(vm.overlay) == 0
        vm.request(*vm.rejoin())
        port = PORT if activation is GPA else PORT + 1
        assert vm.send(port) == 0
        assert vm.pending(hit) == {port}


def test_a_vcpu_info_gathers_in_the_window_and_merges_after_it(vm: Vm) -> None:
    vm.host.activate_shinfo_hva(vm.overlay)
    vm.activate_vcpu_info(GPA)
    vm.request(*vm.break_apart()[:2])
    assert vm.send(PORT, 130) == [0, 0]
    vm.request(*vm.break_apart()[2:])
    assert (vm.shadow(), vm.vcpu_info()) == (6, (0, 0))
    vm.host.enter_guest(0)
    assert (vm.shadow(), vm.vcpu_info()) == (0, (6, 1))


SLOTS_ONLY = ("apart", "join", "slots")
OPERATION_NAMES = (
    *SLOTS_ONLY,
    *("shinfo", "vcpu_info", "off", "replace", "unmap", "send", "enter", "mode", "mask"),
)
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "apart",
                "join",
                "slots",
                "shinfo",
                "vcpu_info",
                "off",
                "replace",
                "unmap",
                "send",
                "enter",
                "mode",
                "mask",
            ]
        ),
        st.integers(0, 63),
    ),
    max_size=30,
)


@drawn
@given(operations=OPERATIONS)
def test_whatever_happens_the_vm_stays_consistent(operations: list[tuple[str, int]]) -> None:
    vm = Vm(nr_vcpus=3)
    with vm.host:
        for operation, number in operations:
            before, seen = snapshot(vm.host), vm.pages()
            refused = do(vm, operation, number)
            assert_consistent(vm.host)
            if operation in SLOTS_ONLY:
                assert_slots_change_kept(before, vm.host)
            if refused or operation in SLOTS_ONLY:
                assert vm.pages() == seen  # I6
            if operation in ("send", "enter", "mode", "shinfo"):
                assert vm.still_pending(seen)  # I7


def do(vm: Vm, operation: str, number: int) -> bool:
    """Do it; tell whether it was a send that was refused."""
    host, vcpu_idx, activation = vm.host, number % 3, (GPA, HVA)[number % 2]
    page = vm.ram_page(OVERLAY_GFN if number % 4 < 2 else VCPU_INFO_GFN)
    if operation == "send":
        return vm.deliver(number * 17, vcpu_idx) in (Status.EFAULT, Status.EINVAL)
    if operation == "mask" and host.mm.pfn(page) is None:
        return False
    {
        "apart": lambda: host.set_memory_regions(vm.break_apart()[: 1 + number % 4]),
        "join": lambda: host.set_memory_regions(vm.rejoin()[: 1 + number % 4]),
        "slots": vm.change_slots_elsewhere,
        "shinfo": lambda: vm.activate_shinfo(activation),
        "vcpu_info": lambda: vm.activate_vcpu_info(activation, vcpu_idx),
        "off": lambda: (
            host.activate_shinfo_hva(Hva(0))
            if number % 2
            else host.activate_vcpu_info_hva(vcpu_idx, Hva(0))
        ),
        "replace": lambda: host.replace_pages(page),
        "unmap": lambda: host.unmap_pages(page),
        "mask": lambda: vm.set_mask(page, number),
        "mode": lambda: vm.set_long_mode(number % 2 == 0),
        "enter": lambda: host.enter_guest(vcpu_idx),
    }[operation]()
    return False


def test_the_model_offers_what_the_protocol_asks(vm: Vm) -> None:
    host: Hypervisor = vm.host
    assert (host.name, host.nr_vcpus, host.nr_slots) == ("model", 1, 64)
    assert all(hasattr(host, name) for name in dir(Hypervisor) if not name.startswith("_"))


@pytest.mark.parametrize("number", [-1, 1 << 64])
def test_a_number_that_is_no_word_is_the_callers_mistake(vm: Vm, number: int) -> None:
    calls = (
        lambda: vm.host.activate_shinfo_gfn(Gfn(number)),
        lambda: vm.host.activate_shinfo_hva(Hva(number)),
        lambda: vm.host.activate_vcpu_info_gpa(0, Gpa(number)),
        lambda: vm.host.activate_vcpu_info_hva(0, Hva(number)),
        lambda: vm.send(PORT, vcpu_idx=number),
        lambda: vm.host.set_memory_regions([MemoryRegion(WHOLE, Gpa(number), 0, Hva(0))]),
    )
    before = vm.state_bytes()
    for call in calls:
        with pytest.raises(ValueError, match=str(number)):
            call()
    assert vm.state_bytes() == before


@pytest.mark.parametrize("vcpu_idx", [-1, 1])
def test_a_vcpu_that_the_vm_has_not_is_the_callers_mistake(vm: Vm, vcpu_idx: int) -> None:
    for call in (
        lambda: vm.host.activate_vcpu_info_gpa(vcpu_idx, Gpa(0)),
        lambda: vm.host.activate_vcpu_info_hva(vcpu_idx, Hva(0)),
        lambda: vm.host.set_vcpu_upcall_vector(vcpu_idx, 0x30),
        lambda: vm.host.enter_guest(vcpu_idx),
    ):
        with pytest.raises(ValueError, match="this VM has 1"):
            call()


def test_upcall_vectors_are_none_or_from_0x10_on(vm: Vm) -> None:  # case 74
    for choose in (vm.host.set_upcall_vector, lambda v: vm.host.set_vcpu_upcall_vector(0, v)):
        assert [choose(v) for v in (0, 1, 0x0F, 0x10, 0xFF)] == [0, -22, -22, 0, 0]
        with pytest.raises(ValueError, match="not a byte"):
            choose(256)


@pytest.mark.parametrize(
    ("ports", "outcomes"),
    [
        (np.zeros(2, np.uint32), np.zeros(3, np.int64)),
        (np.zeros(2, np.uint64), np.zeros(2, np.int64)),
        (np.zeros(2, np.uint32), np.zeros(2, np.int32)),
        (np.zeros(4, np.uint32)[::2], np.zeros(2, np.int64)),
    ],
)
def test_arrays_of_another_shape_are_refused(
    vm: Vm, ports: np.ndarray, outcomes: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="ports"):
        vm.host.send(0, ports, outcomes)


def test_the_vmm_cannot_touch_what_is_not_its_own(vm: Vm) -> None:
    vm.host.unmap_pages(vm.spare)
    for call in (
        lambda: vm.host.read(vm.spare, 1),
        lambda: vm.host.write(Hva(16), b"x"),
        lambda: vm.host.replace_pages(Hva(vm.ram + 8)),
        lambda: vm.host.unmap_pages(vm.ram, 1000),
        lambda: vm.host.allocate_pages(1 << 20),
        lambda: vm.host.dirty_pages(WHOLE),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            call()


def test_a_page_change_that_finds_no_frame_runs_no_notifier() -> None:
    vm = Vm(nr_pages=64)
    with vm.host:
        before = vm.state_bytes()
        with pytest.raises(ValueError, match="left"):
            vm.host.replace_pages(vm.ram, 32)
        assert vm.state_bytes() == before


def test_counters_count_from_nothing() -> None:
    with ModelHost(VmSize(64, 1)) as host:
        assert set(host.counters().values()) == {0}


def test_closing_waits_for_views_and_may_be_tried_again() -> None:
    host = ModelHost(VmSize(64, 1))
    view = host.state.view("vm", "u1")
    with pytest.raises(BufferError):
        host.close()
    del view
    host.close()


def test_a_loop_wants_something_to_do(vm: Vm) -> None:
    with pytest.raises(ValueError, match="at least one"):
        vm.host.region_loop([])
    vm.request(vm.without(WHOLE))
    with pytest.raises(ValueError, match="no memslot"):
        vm.host.loop(Operation.LOOKUP, GPA)


def test_a_played_cycle_of_slots_that_log_keeps_its_bitmaps_in_bounds(vm: Vm) -> None:
    vm.request(vm.without(WHOLE))
    cycle = [vm.whole(1), vm.without(WHOLE)]
    assert vm.host.region_loop(cycle)(8) == 8
    vm.request(vm.whole(1))
    assert vm.activate_vcpu_info(GPA) == 0
    vm.host.enter_guest(0)
    assert VCPU_INFO_GFN in vm.dirty()
    assert vm.host.region_loop(vm.break_apart() + vm.rejoin(), PORT)(8) == 8
    assert vm.ram_page(1) - vm.ram == PAGE_SIZE
