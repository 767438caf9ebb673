import itertools
import threading

import pytest

from tests.model.vm import OVERLAY_GFN, RAM_PAGES, VCPU_INFO_GFN, WHOLE, Vm
from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA, MemslotFlag
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.model.layout import VM
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa

GPA, HVA = Activation.GPA, Activation.HVA
ELSEWHERE = Gfn(1 << 18)


def test_a_fresh_vm_has_no_activation(vm: Vm) -> None:  # case 1
    for gpc in (vm.shinfo(), vm.vcpu_info_gpc()):
        assert (gpc["active"], gpc["gpa"], gpc["uhva"] >> 63) == (0, INVALID_GPA, 1)


def test_activation_maps_the_page_by_either_address(vm: Vm, activation: Activation) -> None:
    vm.activate_both(activation)
    gpc = vm.shinfo()
    by_gpa = activation is GPA
    assert gpc["gpa"] == (gfn_to_gpa(OVERLAY_GFN) if by_gpa else INVALID_GPA)  # case 11
    assert gpc["uhva"] == vm.ram_page(OVERLAY_GFN)
    assert gpc["pfn"] == vm.host.mm.pfn(vm.ram_page(OVERLAY_GFN))
    assert (gpc["memslot"], gpc["active"], gpc["valid"]) == (WHOLE + 1 if by_gpa else 0, 1, 1)


def test_a_gfn_without_a_slot_fails_but_stays_active_there(vm: Vm) -> None:  # cases 3 and 4
    assert vm.host.activate_shinfo_gfn(ELSEWHERE) == Status.EFAULT
    gpc = vm.shinfo()
    assert (gpc["active"], gpc["valid"], gpc["gpa"]) == (1, 0, gfn_to_gpa(ELSEWHERE))
    assert vm.send(66) == Status.EFAULT


def test_a_failed_activation_works_by_itself_once_the_slot_is_there(vm: Vm) -> None:
    assert vm.host.activate_shinfo_gfn(ELSEWHERE) == Status.EFAULT
    vm.request(MemoryRegion(9, gfn_to_gpa(ELSEWHERE), PAGE_SIZE, vm.overlay))
    assert vm.send(66) == 0
    assert vm.pending(vm.overlay) == {66}


def test_an_hva_where_nothing_is_mapped_fails_but_works_later(vm: Vm) -> None:
    vm.host.unmap_pages(vm.spare)
    assert vm.host.activate_shinfo_hva(vm.spare) == Status.EFAULT
    assert (vm.shinfo()["active"], vm.shinfo()["uhva"]) == (1, vm.spare)
    assert vm.send(66) == Status.EFAULT
    vm.host.replace_pages(vm.spare)
    assert vm.send(66) == 0


def test_a_read_only_slot_fails_to_activate_and_to_send(vm: Vm) -> None:  # case 15
    read_only = MemoryRegion(9, gfn_to_gpa(ELSEWHERE), PAGE_SIZE, vm.overlay, MemslotFlag.READONLY)
    vm.request(read_only)
    assert vm.host.activate_shinfo_gfn(ELSEWHERE) == Status.EFAULT
    assert vm.send(66) == Status.EFAULT
    gpa = Gpa(gfn_to_gpa(ELSEWHERE))
    assert vm.host.activate_vcpu_info_gpa(0, gpa) == Status.EFAULT


def test_a_host_page_mapped_read_only_fails(vm: Vm, activation: Activation) -> None:  # case 14
    vm.protect(vm.ram_page(OVERLAY_GFN), writable=False)
    assert vm.activate_shinfo(activation) == Status.EFAULT
    vm.protect(vm.ram_page(VCPU_INFO_GFN), writable=False)
    assert vm.activate_vcpu_info(activation) == Status.EFAULT


@pytest.mark.parametrize(
    "hva", [1, 8, PAGE_SIZE + 1, 1 << 63, 2**64 - 1, 2**64 - PAGE_SIZE, (1 << 47) + PAGE_SIZE]
)
def test_an_impossible_hva_is_refused_and_the_old_activation_stays(
    active_vm: Vm, hva: int
) -> None:  # case 8
    before = active_vm.state_bytes()
    assert active_vm.host.activate_shinfo_hva(Hva(hva)) == Status.EINVAL
    assert active_vm.state_bytes() == before
    assert active_vm.send(66) == 0


@pytest.mark.parametrize("hva", [1 << 63, 2**64 - 1, (1 << 47) - 63, (1 << 47) + 64])
def test_a_vcpu_info_hva_of_the_kernels_half_is_refused(active_vm: Vm, hva: int) -> None:  # 18
    before = active_vm.state_bytes()
    assert active_vm.host.activate_vcpu_info_hva(0, Hva(hva)) == Status.EINVAL
    assert active_vm.state_bytes() == before


def test_vcpu_info_takes_any_alignment_within_a_page(vm: Vm, activation: Activation) -> None:
    """An alignment of 4 is asked for only by later kernels (case 17)."""
    assert vm.activate_vcpu_info(activation, offset=2) == 0
    assert vm.activate_vcpu_info(activation, offset=1) == 0
    assert vm.activate_vcpu_info(activation, offset=PAGE_SIZE - 64) == 0
    before = vm.state_bytes()
    assert vm.activate_vcpu_info(activation, offset=PAGE_SIZE - 63) == Status.EINVAL
    assert vm.vcpu_info_gpc()["uhva"] == vm.ram_page(VCPU_INFO_GFN) + PAGE_SIZE - 64
    assert len(before) == len(vm.state_bytes())


def test_what_is_above_bit_51_of_a_gfn_drops_out(vm: Vm) -> None:
    assert vm.host.activate_shinfo_gfn(Gfn(OVERLAY_GFN | 1 << 52)) == 0
    assert vm.shinfo()["gpa"] == gfn_to_gpa(OVERLAY_GFN)


def test_gfn_0_is_a_frame_and_not_off(vm: Vm) -> None:  # case 13
    assert vm.host.activate_shinfo_gfn(Gfn(0)) == 0
    assert (vm.shinfo()["active"], vm.shinfo()["gpa"]) == (1, 0)
    assert vm.send(66) == 0
    assert vm.pending(vm.ram) == {66}


@pytest.mark.parametrize("by", list(Activation))
def test_either_off_value_deactivates_either_activation(  # cases 7 and 10
    active_vm: Vm, by: Activation
) -> None:
    host, was = active_vm.host, active_vm.shinfo()
    if by is GPA:
        assert host.activate_shinfo_gfn(INVALID_GFN) == 0
        assert host.activate_vcpu_info_gpa(0, INVALID_GPA) == 0
    else:
        assert host.activate_shinfo_hva(HVA_OFF) == 0
        assert host.activate_vcpu_info_hva(0, HVA_OFF) == 0
    assert active_vm.send(66) == Status.EINVAL
    gpc = active_vm.shinfo()
    assert (gpc["active"], gpc["valid"], gpc["khva"]) == (0, 0, 0)
    kept = ("gpa", "uhva", "generation", "memslot")
    assert [gpc[name] for name in kept] == [was[name] for name in kept]


def test_a_second_deactivation_changes_nothing(active_vm: Vm) -> None:
    active_vm.host.activate_shinfo_gfn(INVALID_GFN)
    before = active_vm.state_bytes()
    assert active_vm.host.activate_shinfo_gfn(INVALID_GFN) == 0
    assert active_vm.host.activate_shinfo_hva(HVA_OFF) == 0
    assert active_vm.state_bytes() == before


def test_activating_again_restores_delivery_but_not_what_was_refused(active_vm: Vm) -> None:  # I22
    active_vm.host.activate_shinfo_gfn(INVALID_GFN)
    assert active_vm.send(66, 67) == [Status.EINVAL] * 2
    assert active_vm.activate_shinfo(GPA) == 0
    assert active_vm.send(68) == 0
    assert active_vm.pending(active_vm.ram_page(OVERLAY_GFN)) == {68}


def test_after_a_deactivation_the_page_is_always_walked_again(active_vm: Vm) -> None:
    activation = GPA if active_vm.shinfo()["gpa"] != INVALID_GPA else HVA
    active_vm.host.activate_shinfo_gfn(INVALID_GFN)
    with active_vm.counting() as rise:
        assert active_vm.activate_shinfo(activation) == 0
    assert (rise["nr_lookups"], rise["nr_gups"]) == (0, 1)  # the translation is remembered


def test_activating_the_same_place_again_costs_no_walk(active_vm: Vm) -> None:
    activation = GPA if active_vm.shinfo()["gpa"] != INVALID_GPA else HVA
    with active_vm.counting() as same:
        assert active_vm.activate_shinfo(activation) == 0
    active_vm.change_slots_elsewhere()
    with active_vm.counting() as stale:
        assert active_vm.activate_shinfo(activation) == 0
    assert (same["nr_lookups"], same["nr_gups"], same["nr_refreshes"]) == (0, 0, 1)
    assert (stale["nr_lookups"], stale["nr_gups"]) == (activation is GPA, 0)


def test_a_change_of_mode_at_the_same_page_keeps_the_mapping(vm: Vm) -> None:
    vm.activate_both(GPA)
    khva = vm.shinfo()["khva"]
    for activation, nr_lookups in ((HVA, 0), (GPA, 1), (HVA, 0)):
        with vm.counting() as rise:
            assert vm.activate_shinfo(activation) == 0
        assert (rise["nr_lookups"], rise["nr_gups"]) == (nr_lookups, 0)
        assert vm.shinfo()["khva"] == khva


def test_another_place_is_mapped_there_and_events_go_there(active_vm: Vm) -> None:
    activation = GPA if active_vm.shinfo()["gpa"] != INVALID_GPA else HVA
    assert active_vm.send(66) == 0
    with active_vm.counting() as rise:
        assert active_vm.activate_shinfo(activation, Gfn(20)) == 0
    assert rise["nr_gups"] == 1
    assert active_vm.send(67) == 0
    assert active_vm.pending(active_vm.ram_page(OVERLAY_GFN)) == {66}
    assert active_vm.pending(active_vm.ram_page(20)) == {67}


def test_attributes_wait_for_each_other(active_vm: Vm) -> None:
    """All of them, switching off included, are set under xen_lock."""
    record = active_vm.host.state.view("vm", VM)[0]
    for ask in (
        lambda: active_vm.activate_shinfo(GPA),
        lambda: active_vm.activate_vcpu_info(HVA),
        lambda: active_vm.set_long_mode(True),
        lambda: active_vm.host.activate_shinfo_hva(HVA_OFF),
    ):
        record["xen_lock"] = 1
        asker = threading.Thread(target=ask, daemon=True)
        asker.start()
        asker.join(0.02)
        assert asker.is_alive()
        record["xen_lock"] = 0
        asker.join(20)
        assert not asker.is_alive()


def test_the_list_holds_exactly_the_active_caches_in_any_order() -> None:
    vm = Vm(nr_vcpus=5)
    with vm.host:
        for vcpu_idx in range(5):
            assert vm.activate_vcpu_info(GPA, vcpu_idx) == 0
        for order in itertools.islice(itertools.permutations(range(5), 3), 0, None, 7):
            for vcpu_idx in order:
                assert vm.host.activate_vcpu_info_gpa(vcpu_idx, INVALID_GPA) == 0
            listed = int(vm.host.state.view("vm", VM)[0]["nr_gpcs"])
            assert listed == 2
            active = [bool(vm.vcpu_info_gpc(idx)["active"]) for idx in range(5)]
            assert active == [idx not in order for idx in range(5)]
            vm.host.replace_pages(vm.ram_page(VCPU_INFO_GFN))
            assert not any(vm.vcpu_info_gpc(idx)["valid"] for idx in range(5))
            for vcpu_idx in order[::-1]:
                assert vm.activate_vcpu_info(HVA, vcpu_idx) == 0


def test_a_page_in_no_slot_may_be_activated_by_hva(vm: Vm) -> None:
    assert vm.host.activate_shinfo_hva(vm.spare) == 0
    assert vm.send(66) == 0
    assert vm.pending(vm.spare) == {66}
    assert vm.host.activate_shinfo_gfn(Gfn(RAM_PAGES)) == Status.EFAULT
