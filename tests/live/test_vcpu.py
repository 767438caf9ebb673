"""vCPUs that run: any KVM that can enter a guest will do."""

import pytest

from xenperf.abi.kvm import XenConfig
from xenperf.abi.status import Status
from xenperf.errors import MeasurementError, UnavailableError, UsageError
from xenperf.hypervisor import MemoryRegion, VmSize
from xenperf.live import vm as module
from xenperf.live.guest import Port
from xenperf.live.host import LiveHost
from xenperf.live.vcpu import LOOK_S, NR_LOOKS
from xenperf.live.vm import check_xen
from xenperf.sources import ENDLESS_POLL, GuestCall
from xenperf.units import PAGE_SIZE, Gpa

pytestmark = pytest.mark.live
HLT_TO_SLEEP = 0x70
"""Where the test below puts a guest that halts."""


def let_the_call_halt(host: LiveHost) -> None:
    """Let the guest halt where it makes its hypercall: it sleeps as in a poll, and needs no Xen.

    It can be woken once: the NMI that does it is never returned from.
    """
    page = host.vm.guest._memory.view(host.vm.guest._first, "u1")
    page[0x20:0x23] = [0x90, 0xF4, 0xF4]  # nop, hlt
    del page


def test_a_vcpu_comes_back_from_the_guest_every_time(guest_host: LiveHost) -> None:
    assert [guest_host.enter_guest(0) for _ in range(100)] == [False] * 100


def test_every_vcpu_runs_not_only_the_first(guest_host: LiveHost) -> None:
    with LiveHost(VmSize(nr_pages=1, nr_slots=1, nr_vcpus=3), needs_xen=False) as host:
        assert [host.enter_guest(idx) for idx in (2, 0, 1)] == [False] * 3
        with pytest.raises(ValueError, match="vcpu 3: this VM has 3"):
            host.enter_guest(3)


def test_a_guest_that_sleeps_is_seen_and_can_be_woken(guest_host: LiveHost) -> None:
    let_the_call_halt(guest_host)
    vcpu = guest_host.vm.vcpus[0]
    assert vcpu.call_and_sleep(29, is_timed=False) == GuestCall.ASLEEP
    assert vcpu.is_asleep
    with pytest.raises(ValueError, match="vcpu 0: asleep in a poll; ask poll_result first"):
        guest_host.enter_guest(0)
    assert vcpu.result() == GuestCall.ASLEEP
    guest_host.vm.wake_all()
    assert vcpu.result() != GuestCall.ASLEEP
    assert not vcpu.is_asleep
    assert guest_host.enter_guest(0) is False


def test_a_memslot_request_that_would_not_return_is_not_made(guest_host: LiveHost) -> None:
    ram = MemoryRegion(0, Gpa(0), PAGE_SIZE, guest_host.allocate_pages(1))
    let_the_call_halt(guest_host)
    vcpu = guest_host.vm.vcpus[0]
    assert vcpu.call_and_sleep(29, is_timed=False) == GuestCall.ASLEEP
    with pytest.raises(ValueError, match=f"vcpu 0: {ENDLESS_POLL}"):
        guest_host.set_memory_regions([ram])
    guest_host.vm.wake_all()
    assert vcpu.result() != GuestCall.ASLEEP
    assert guest_host.set_memory_regions([ram]) == [0]


def test_a_sleep_that_ends_by_itself_keeps_nobody_from_asking(guest_host: LiveHost) -> None:
    """A halted guest holds no lock, so that the request returns before it wakes."""
    ram = MemoryRegion(0, Gpa(0), PAGE_SIZE, guest_host.allocate_pages(1))
    let_the_call_halt(guest_host)
    assert guest_host.vm.vcpus[0].call_and_sleep(29, is_timed=True) == GuestCall.ASLEEP
    assert guest_host.set_memory_regions([ram]) == [0]
    assert guest_host.vm.vcpus[0].is_asleep


def test_a_vm_can_be_closed_while_a_vcpu_sleeps(guest_host: LiveHost) -> None:
    with LiveHost(VmSize(nr_pages=1, nr_slots=1, nr_vcpus=2), needs_xen=False) as host:
        let_the_call_halt(host)
        assert host.vm.vcpus[1].call_and_sleep(29, is_timed=False) == GuestCall.ASLEEP


def test_a_guest_that_faults_is_no_measurement(guest_host: LiveHost) -> None:
    page = guest_host.vm.guest._memory.view(guest_host.vm.guest._first, "u1")
    page[0x10:0x13] = [0x90, 0x0F, 0x0B]  # nop, ud2
    del page
    with pytest.raises(MeasurementError, match="vcpu 0: KVM_RUN ended with the guest faulted"):
        guest_host.enter_guest(0)


def test_a_guest_without_its_code_is_no_measurement(guest_host: LiveHost) -> None:
    guest = guest_host.vm.guest_slot
    region = module.MemoryRegion(guest, module.GUEST_GPA, 0, guest_host.vm.guest.hva)
    assert guest_host.vm.set_regions([region]) == [Status.OK]
    with pytest.raises(MeasurementError, match="vcpu 0: KVM_RUN ended with"):
        guest_host.enter_guest(0)


def test_ports_and_waits_are_what_the_guest_and_the_cases_count_on() -> None:
    assert len({int(port) for port in Port}) == 4
    assert 2 * NR_LOOKS * LOOK_S < 0.05  # a poll is looked at well before it times out


@pytest.mark.parametrize("lacks", [XenConfig.EVTCHN_SEND, XenConfig.SHARED_INFO, sum(XenConfig)])
def test_a_kernel_without_xen_support_is_refused_with_a_remedy(lacks: int) -> None:
    with pytest.raises(UnavailableError) as refused:
        check_xen(XenConfig(sum(XenConfig) & ~lacks))
    assert "no Xen support (KVM_CAP_XEN_HVM is" in str(refused.value)
    assert refused.value.remedy == "boot a kernel with CONFIG_KVM_XEN=y, in a VM with xenperf boot"
    check_xen(XenConfig(0x3F))


def test_more_slots_than_there_are_is_misuse() -> None:
    with pytest.raises(UsageError, match=r"slots 9: more than this kernel has .*; give 1 to 8"):
        module._check_slots(9, 8)
    with pytest.raises(UnavailableError, match="memslots: KVM offers none"):
        module._check_slots(1, -1)
    module._check_slots(8, 8)


def test_more_vcpus_than_the_kernel_has_are_refused_with_their_limit() -> None:
    with pytest.raises(UsageError, match="vcpus 9: more than this kernel has; give 1 to 8"):
        module._check_vcpus(9, 8)
    module._check_vcpus(8, 8)
    module._check_vcpus(9, 0)
