import pytest

from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, WHOLE, Vm
from xenperf.abi.kvm import HVA_OFF, INVALID_GPA, MemslotFlag
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.model.layout import VCPU
from xenperf.units import PAGE_SIZE, Gpa, Hva

GPA, HVA = Activation.GPA, Activation.HVA
PORT = 66
VECTOR = 0x30


def requests(vm: Vm) -> int:
    return int(vm.host.state.view("vcpus", VCPU, 1)[0]["requests"])


def nr_injected(vm: Vm) -> int:
    return int(vm.host.state.view("vcpus", VCPU, 1)[0]["nr_injected"])


def time_version(vm: Vm) -> int:
    return vm.host.read(Hva(vm.ram_page(VCPU_INFO_GFN) + 0x20), 1)[0]


@pytest.fixture
def shinfo_vm(vm: Vm, activation: Activation) -> Vm:
    """Only shared_info is active."""
    assert vm.activate_shinfo(activation) == 0
    return vm


def test_without_vcpu_info_the_event_gathers_in_the_shadow(shinfo_vm: Vm) -> None:  # case 29
    assert shinfo_vm.send(PORT) == 0
    assert shinfo_vm.pending(shinfo_vm.ram_page(OVERLAY_GFN)) == {PORT}
    assert (shinfo_vm.shadow(), shinfo_vm.vcpu_info()) == (2, (0, 0))


def test_activating_vcpu_info_does_not_merge_but_the_next_entry_does(  # cases 30 and 31
    shinfo_vm: Vm,
) -> None:
    shinfo_vm.send(PORT)
    assert shinfo_vm.activate_vcpu_info(HVA) == 0
    assert (shinfo_vm.shadow(), shinfo_vm.vcpu_info()) == (2, (0, 0))
    shinfo_vm.host.enter_guest(0)
    assert (shinfo_vm.shadow(), shinfo_vm.vcpu_info()) == (0, (2, 1))


def test_compat_merges_into_32_selector_bits(shinfo_vm: Vm) -> None:  # case 32
    shinfo_vm.set_long_mode(False)
    assert shinfo_vm.send(1000, 66) == [0, 0]
    assert shinfo_vm.activate_vcpu_info(GPA) == 0
    shinfo_vm.host.enter_guest(0)
    assert shinfo_vm.vcpu_info() == (1 << 31 | 1 << 2, 1)
    assert shinfo_vm.host.read(Hva(shinfo_vm.ram_page(VCPU_INFO_GFN) + 8), 8) == bytes(8)


@pytest.mark.parametrize(("long_mode", "shadow"), [(True, 0x8007), (False, 0x80000015)])
def test_ports_gather_word_by_word(shinfo_vm: Vm, long_mode: bool, shadow: int) -> None:
    shinfo_vm.set_long_mode(long_mode)
    shinfo_vm.send(1, 66, 130, 1000)
    assert shinfo_vm.shadow() == shadow


def test_the_shadow_outlives_a_mode_switch_unchanged(shinfo_vm: Vm) -> None:
    """High bits stay where compat has no place for them, and raise an upcall for nothing."""
    shinfo_vm.send(66, 4095)
    assert shinfo_vm.shadow() == 1 << 63 | 2
    shinfo_vm.set_long_mode(False)
    shinfo_vm.activate_vcpu_info(HVA)
    shinfo_vm.host.enter_guest(0)
    assert (shinfo_vm.shadow(), shinfo_vm.vcpu_info()) == (1 << 63, (2, 1))
    shinfo_vm.host.write(shinfo_vm.ram_page(VCPU_INFO_GFN), bytes(8))
    shinfo_vm.host.activate_vcpu_info_hva(0, HVA_OFF)
    shinfo_vm.send(32 * 4)
    shinfo_vm.activate_vcpu_info(HVA)
    shinfo_vm.host.enter_guest(0)
    assert (shinfo_vm.shadow(), shinfo_vm.vcpu_info()) == (1 << 63, (16, 1))


@pytest.mark.parametrize("by", list(Activation))
def test_a_slot_change_sends_the_selector_to_the_shadow_by_gpa_only(  # cases 75 and 88
    shinfo_vm: Vm, by: Activation
) -> None:
    assert shinfo_vm.activate_vcpu_info(by) == 0
    shinfo_vm.change_slots_elsewhere()
    assert shinfo_vm.send(PORT) == 0
    direct = by is HVA
    assert shinfo_vm.shadow() == (0 if direct else 2)
    assert shinfo_vm.vcpu_info() == ((2, 1) if direct else (0, 0))
    shinfo_vm.host.enter_guest(0)
    assert (shinfo_vm.shadow(), shinfo_vm.vcpu_info()) == (0, (2, 1))


def test_a_page_replaced_under_vcpu_info_is_merged_into_the_new_page(active_vm: Vm) -> None:
    active_vm.host.replace_pages(active_vm.ram_page(VCPU_INFO_GFN))
    assert active_vm.send(PORT) == 0
    assert (active_vm.shadow(), active_vm.vcpu_info()) == (2, (0, 0))
    active_vm.host.enter_guest(0)
    assert (active_vm.shadow(), active_vm.vcpu_info()) == (0, (2, 1))


def test_a_kick_leaves_a_request_until_the_entry(active_vm: Vm) -> None:
    active_vm.host.enter_guest(0)
    assert requests(active_vm) == 0
    active_vm.send(PORT)
    assert requests(active_vm) == 1
    active_vm.host.enter_guest(0)
    assert requests(active_vm) == 0


def test_a_merge_that_fails_keeps_the_bits_and_uses_the_kick_up(vm: Vm) -> None:
    """Entered once while vcpu_info is unresolvable, the vCPU waits for another selector word."""
    assert vm.activate_shinfo(HVA) == vm.activate_vcpu_info(GPA) == 0
    vm.request(vm.without(WHOLE))
    assert vm.send(PORT) == 0
    vm.host.enter_guest(0)
    assert (vm.shadow(), vm.vcpu_info()) == (2, (0, 0))
    vm.request(vm.whole())
    vm.host.enter_guest(0)
    assert vm.send(PORT + 1) == 0  # of the same word: its shadow bit is set already
    vm.host.enter_guest(0)
    assert (vm.shadow(), vm.vcpu_info()) == (2, (0, 0))
    assert vm.send(130) == 0
    vm.host.enter_guest(0)
    assert (vm.shadow(), vm.vcpu_info()) == (0, (6, 1))


def test_an_entry_with_nothing_to_merge_leaves_a_stale_cache_alone(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.host.enter_guest(0)
    vm.change_slots_elsewhere()
    with vm.counting() as rise:
        vm.host.enter_guest(0)
    assert rise["nr_refreshes"] == 0


def test_a_clock_update_repairs_vcpu_info_and_rewrites_its_time(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.change_slots_elsewhere()
    with vm.counting() as rise:
        vm.host.enter_guest(0)
    assert (rise["nr_refreshes"], rise["nr_lookups"], rise["nr_gups"]) == (1, 1, 0)
    assert time_version(vm) == 2
    assert vm.send(PORT) == 0
    assert vm.vcpu_info() == (2, 1)
    assert vm.activate_vcpu_info(GPA) == 0
    vm.host.enter_guest(0)
    assert time_version(vm) == 4


def test_a_clock_update_without_vcpu_info_writes_nothing(vm: Vm) -> None:
    assert vm.activate_shinfo(GPA) == 0
    with vm.counting() as rise:
        vm.host.enter_guest(0)
    assert rise["nr_refreshes"] == 0
    assert time_version(vm) == 0


@pytest.mark.parametrize("by", list(Activation))
def test_only_merge_and_time_mark_a_page_dirty_and_only_by_gpa(vm: Vm, by: Activation) -> None:
    """Neither page is marked by a delivery (case 68); by HVA there is no memslot to mark."""
    vm.request(vm.whole(MemslotFlag.LOG_DIRTY_PAGES))
    vm.activate_both(by)
    assert vm.send(PORT) == 0
    assert vm.dirty() == []
    vm.host.enter_guest(0)
    marked = [VCPU_INFO_GFN] if by is GPA else []
    assert vm.dirty() == marked
    vm.request(vm.whole(), vm.whole(MemslotFlag.LOG_DIRTY_PAGES))
    assert vm.dirty() == []
    vm.host.replace_pages(vm.ram_page(VCPU_INFO_GFN))
    assert vm.send(130) == 0
    assert vm.dirty() == []
    vm.host.enter_guest(0)
    assert vm.dirty() == marked


def test_no_dirty_page_is_marked_once_logging_is_off(vm: Vm) -> None:
    vm.request(vm.whole(MemslotFlag.LOG_DIRTY_PAGES), vm.whole())
    assert not vm.host.state.view("dirty_bitmaps", "<u8", 64).any()
    vm.activate_both(GPA)
    vm.host.enter_guest(0)
    vm.request(vm.whole(MemslotFlag.LOG_DIRTY_PAGES))
    assert vm.dirty() == []


def test_a_dirty_bitmap_is_as_large_as_the_slot_that_logs(vm: Vm) -> None:
    """The slot of the same number may have been small before."""
    small = MemoryRegion(9, Gpa(1 << 40), PAGE_SIZE, vm.overlay, MemslotFlag.LOG_DIRTY_PAGES)
    vm.request(small, vm.without(9))
    nr_pages = 1 << 22
    hva = Hva(vm.overlay - (nr_pages - 1) * PAGE_SIZE)
    large = MemoryRegion(9, Gpa(1 << 40), nr_pages * PAGE_SIZE, hva, MemslotFlag.LOG_DIRTY_PAGES)
    vm.request(large)
    last = Gpa((1 << 40) + (nr_pages - 1) * PAGE_SIZE)
    assert vm.host.activate_vcpu_info_gpa(0, last) == 0
    vm.host.enter_guest(0)
    assert vm.host.dirty_pages(9) == [nr_pages - 1]


def test_has_interrupt_asks_only_with_a_global_vector_and_an_active_vcpu_info(
    active_vm: Vm,
) -> None:
    active_vm.send(PORT)
    assert not active_vm.host.enter_guest(0)
    assert active_vm.host.set_upcall_vector(VECTOR) == 0
    assert active_vm.host.enter_guest(0)
    active_vm.handle(active_vm.ram_page(OVERLAY_GFN), active_vm.ram_page(VCPU_INFO_GFN))
    assert not active_vm.host.enter_guest(0)
    active_vm.send(PORT)
    active_vm.host.activate_vcpu_info_gpa(0, INVALID_GPA)
    assert not active_vm.host.enter_guest(0)


def test_with_a_global_vector_each_entry_repairs_a_stale_vcpu_info(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.host.set_upcall_vector(VECTOR)
    vm.send(PORT)
    vm.host.enter_guest(0)
    vm.change_slots_elsewhere()
    with vm.counting() as rise:
        assert vm.host.enter_guest(0)
    assert (rise["nr_lookups"], rise["nr_gups"]) == (1, 0)
    vm.request(vm.without(WHOLE))
    assert not vm.host.enter_guest(0)  # it does not resolve: no interrupt


def test_a_vcpus_own_vector_is_injected_instead_of_a_kick(active_vm: Vm) -> None:
    assert active_vm.host.set_vcpu_upcall_vector(0, VECTOR) == 0
    with active_vm.counting() as rise:
        assert active_vm.send(PORT, PORT + 1) == [0, 0]
    assert (rise["nr_kicks"], nr_injected(active_vm)) == (0, 1)


def test_with_its_own_vector_a_shadow_bit_still_kicks_and_the_merge_injects(vm: Vm) -> None:
    assert vm.activate_shinfo(HVA) == 0
    assert vm.host.set_vcpu_upcall_vector(0, VECTOR) == 0
    with vm.counting() as rise:
        assert vm.send(PORT) == 0
    assert (rise["nr_kicks"], nr_injected(vm)) == (1, 0)
    assert vm.activate_vcpu_info(GPA) == 0
    vm.host.enter_guest(0)
    assert nr_injected(vm) == 1


def test_vcpu_info_moves_and_later_events_go_to_the_new_place(active_vm: Vm) -> None:
    """Off, copied, on again: what arrives in between gathers in the shadow and is not lost."""
    vm, host = active_vm, active_vm.host
    old, new = vm.ram_page(VCPU_INFO_GFN), Hva(vm.ram_page(20) + 128)
    assert vm.send(PORT) == 0
    assert host.activate_vcpu_info_hva(0, HVA_OFF) == 0
    host.write(new, host.read(old, 64))
    assert vm.send(130) == 0
    assert vm.vcpu_info_at(old) == vm.vcpu_info_at(new) == (2, 1)
    assert host.activate_vcpu_info_gpa(0, Gpa(20 * PAGE_SIZE + 128)) == 0
    host.enter_guest(0)
    assert vm.send(200) == 0
    assert vm.vcpu_info_at(old) == (2, 1)
    assert vm.vcpu_info_at(new) == (2 | 4 | 8, 1)
