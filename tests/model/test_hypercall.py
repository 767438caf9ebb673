import pytest

from tests.model.vm import OVERLAY_GFN, WHOLE, Vm
from xenperf.abi.kvm import HVA_OFF
from xenperf.abi.status import Status
from xenperf.abi.xen import EvtchnOp, EvtchnStat, Hypercall, SchedOp, VcpuOp
from xenperf.hypervisor import Activation
from xenperf.sources import GuestCall, PortRequest

GPA, HVA = Activation.GPA, Activation.HVA
PORT, TARGET, IPI, EVENTFD_PORT = 127, 15, 20, 30
LEFT = GuestCall.LEFT_TO_VMM


def pending(vm: Vm) -> set[int]:
    return vm.pending(vm.ram_page(OVERLAY_GFN))


@pytest.fixture
def guest_vm(active_vm: Vm) -> Vm:
    """The guest may send to a local port, to itself and to an eventfd."""
    host = active_vm.host
    assert host.set_evtchn(PortRequest(PORT, TARGET)) == 0
    assert host.set_evtchn(PortRequest(IPI, IPI, type=EvtchnStat.IPI)) == 0
    assert host.set_evtchn(PortRequest(EVENTFD_PORT, eventfd=2)) == 0
    return active_vm


def test_a_registered_port_is_delivered_where_it_leads(guest_vm: Vm) -> None:  # case 58
    assert guest_vm.host.guest_send(0, PORT) == 0
    assert pending(guest_vm) == {TARGET}
    assert guest_vm.vcpu_info() == (1, 1)


@pytest.mark.parametrize("port", [1, 0, 4095, 4096, 2**32 - 1])
def test_an_unregistered_port_is_left_to_the_vmm(guest_vm: Vm, port: int) -> None:  # case 59
    assert guest_vm.host.guest_send(0, port) == LEFT
    assert pending(guest_vm) == set()


def test_a_stale_cache_is_refreshed_for_the_guest(guest_vm: Vm) -> None:  # case 60
    guest_vm.change_slots_elsewhere()
    assert guest_vm.host.guest_send(0, PORT) == 0
    assert pending(guest_vm) == {TARGET}


def test_in_the_window_the_send_goes_back_to_the_vmm_by_gpa(
    guest_vm: Vm, activation: Activation
) -> None:
    guest_vm.request(guest_vm.without(WHOLE))
    answers = [guest_vm.host.guest_send(0, port) for port in (PORT, IPI, EVENTFD_PORT)]
    by_hva = activation is HVA
    assert answers == ([0, 0, 0] if by_hva else [LEFT, LEFT, 0])
    assert pending(guest_vm) == ({TARGET, IPI} if by_hva else set())
    assert guest_vm.host.read_eventfd(2) == 1  # it does not need shared_info


def test_with_shared_info_off_the_send_goes_back_by_both(guest_vm: Vm) -> None:
    guest_vm.host.activate_shinfo_hva(HVA_OFF)
    assert guest_vm.host.guest_send(0, PORT) == LEFT
    assert guest_vm.host.guest_send(0, EVENTFD_PORT) == 0


def test_a_pointer_that_does_not_resolve_is_the_guests_own_fault(guest_vm: Vm) -> None:  # case 62
    call = guest_vm.host.hypercall
    assert call(0, Hypercall.EVENT_CHANNEL_OP, EvtchnOp.SEND, 0) == Status.EFAULT
    assert call(0, Hypercall.SCHED_OP, SchedOp.POLL, 0) == Status.EFAULT
    assert pending(guest_vm) == set()


def test_an_ipi_comes_back_on_its_own_port(guest_vm: Vm) -> None:  # case 63
    assert guest_vm.host.guest_send(0, IPI) == 0
    assert pending(guest_vm) == {IPI}


def test_merged_and_masked_are_0_to_the_guest(guest_vm: Vm) -> None:
    guest_vm.set_mask(guest_vm.ram_page(OVERLAY_GFN), IPI)
    assert [guest_vm.host.guest_send(0, port) for port in (PORT, PORT, IPI)] == [0, 0, 0]
    assert pending(guest_vm) == {TARGET, IPI}
    assert guest_vm.vcpu_info() == (1, 1)


def test_a_vcpu_that_does_not_exist_is_left_to_the_vmm(active_vm: Vm) -> None:
    assert active_vm.host.set_evtchn(PortRequest(PORT, TARGET, deliver_vcpu=1)) == 0
    assert active_vm.host.guest_send(0, PORT) == LEFT


def test_an_eventfd_counts_what_it_is_sent(guest_vm: Vm) -> None:
    assert [guest_vm.host.guest_send(0, EVENTFD_PORT) for _ in range(3)] == [0, 0, 0]
    assert [guest_vm.host.read_eventfd(2), guest_vm.host.read_eventfd(2)] == [3, 0]
    assert pending(guest_vm) == set()


def test_a_call_handled_in_the_kernel_merges_the_shadow_and_one_left_to_the_vmm_does_not(
    vm: Vm,
) -> None:
    """The used-up wake-up ends with any exit that the kernel handles itself."""
    assert vm.activate_shinfo(HVA) == vm.activate_vcpu_info(GPA) == 0
    vm.request(vm.without(WHOLE))
    assert vm.send(66) == 0
    vm.host.enter_guest(0)  # in vain, and the kick is used up
    vm.request(vm.whole())
    assert vm.host.guest_send(0, 1) == LEFT
    assert (vm.shadow(), vm.vcpu_info()) == (2, (0, 0))
    assert vm.host.hypercall(0, Hypercall.SCHED_OP, SchedOp.YIELD) == 0
    assert (vm.shadow(), vm.vcpu_info()) == (0, (2, 1))


@pytest.mark.parametrize(
    "words",
    [
        (Hypercall.EVENT_CHANNEL_OP, 5),
        (Hypercall.SCHED_OP, 1),
        (Hypercall.VCPU_OP, VcpuOp.SET_SINGLESHOT_TIMER),  # no timer is handled yet
        (Hypercall.SET_TIMER_OP, 10**10),
        (1,),
    ],
)
def test_what_the_kernel_does_not_handle_is_left_to_the_vmm(
    guest_vm: Vm, words: tuple[int, ...]
) -> None:
    assert guest_vm.host.hypercall(0, *words) == LEFT
