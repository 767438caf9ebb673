import pytest

from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation
from xenperf.units import Gfn, Hva, gfn_to_gpa

OFF = (INVALID_GFN, HVA_OFF, INVALID_GPA, HVA_OFF)
FAR_GFN = Gfn(1 << 30)


def answers(vm: Vm) -> tuple[int, int, int, int]:
    host = vm.host
    shinfo = host.get_shinfo_gfn(), host.get_shinfo_hva()
    return (*shinfo, host.get_vcpu_info_gpa(0), host.get_vcpu_info_hva(0))


def test_a_fresh_vm_has_nothing_on(vm: Vm) -> None:
    assert answers(vm) == OFF


def test_each_kind_tells_its_own_address_and_the_other_that_it_is_off(
    active_vm: Vm, activation: Activation
) -> None:
    if activation is Activation.GPA:
        assert answers(active_vm) == (OVERLAY_GFN, 0, gfn_to_gpa(VCPU_INFO_GFN), 0)
    else:
        pages = (active_vm.ram_page(gfn) for gfn in (OVERLAY_GFN, VCPU_INFO_GFN))
        shinfo, vcpu_info = pages
        assert answers(active_vm) == (INVALID_GFN, shinfo, INVALID_GPA, vcpu_info)


def test_what_does_not_resolve_is_told_all_the_same(vm: Vm) -> None:
    assert vm.host.activate_shinfo_gfn(FAR_GFN) == Status.EFAULT
    assert vm.host.get_shinfo_gfn() == FAR_GFN


def test_off_is_off_though_the_cache_keeps_its_addresses(active_vm: Vm) -> None:
    active_vm.host.activate_shinfo_gfn(INVALID_GFN)
    active_vm.host.activate_vcpu_info_gpa(0, INVALID_GPA)
    assert answers(active_vm) == OFF


def test_a_protected_page_refuses_until_it_is_writable_again(active_vm: Vm) -> None:
    page = active_vm.ram_page(OVERLAY_GFN)
    active_vm.host.protect_page(page, writable=False)
    assert active_vm.send(66) == Status.EFAULT
    active_vm.host.protect_page(page, writable=True)
    assert active_vm.send(66) == 0
    assert active_vm.pending(page) == {66}


@pytest.mark.parametrize("odd", [1, -1 << 40])
def test_only_a_page_of_the_vmm_can_be_protected(vm: Vm, odd: int) -> None:
    with pytest.raises(ValueError, match="hva"):
        vm.host.protect_page(Hva(max(0, vm.overlay + odd)), writable=False)


def test_a_hole_can_not_be_protected(vm: Vm) -> None:
    vm.host.unmap_pages(vm.overlay)
    with pytest.raises(ValueError, match="nothing is mapped"):
        vm.host.protect_page(vm.overlay, writable=False)
    vm.host.replace_pages(vm.overlay)


def test_an_unknown_vcpu_is_the_callers_mistake(vm: Vm) -> None:
    with pytest.raises(ValueError, match="vcpu 1: this VM has 1"):
        vm.host.get_vcpu_info_hva(1)
    with pytest.raises(ValueError, match="vcpu -1: this VM has 1"):
        vm.host.get_vcpu_info_gpa(-1)
