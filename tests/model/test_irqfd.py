import numpy as np
import pytest

from tests.model.vm import OVERLAY_GFN, WHOLE, Vm
from xenperf.abi.kvm import IRQ_ROUTING_ENTRY, PRIORITY_2LEVEL, RouteType
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation
from xenperf.model import source_layout
from xenperf.model.kernels import sources

GPA, HVA = Activation.GPA, Activation.HVA
GSI, PORT = 9, 66


def pending(vm: Vm) -> set[int]:
    return vm.pending(vm.ram_page(OVERLAY_GFN))


def eventfd_counter(vm: Vm) -> int:
    """What is left in the eventfd: its wakeup drains it before anything else."""
    gsis = vm.host.state.view("gsis", source_layout.GSI, source_layout.NR_GSIS)
    return int(gsis["counter"][GSI])


@pytest.fixture
def routed_vm(active_vm: Vm) -> Vm:
    """GSI 9 leads to port 66 of vCPU 0."""
    assert active_vm.host.set_irq_route(GSI, PORT) == 0
    return active_vm


def test_a_write_delivers_at_once_where_the_cache_is_fresh(routed_vm: Vm) -> None:  # case 52
    routed_vm.host.irqfd_write(GSI)
    assert pending(routed_vm) == {PORT}
    assert routed_vm.vcpu_info() == (2, 1)
    assert eventfd_counter(routed_vm) == 0
    assert routed_vm.host.run_work() == 0


def test_after_a_slot_change_the_work_item_delivers_by_gpa(
    routed_vm: Vm, activation: Activation
) -> None:
    routed_vm.change_slots_elsewhere()
    routed_vm.host.irqfd_write(GSI)
    at_once = activation is HVA
    assert pending(routed_vm) == ({PORT} if at_once else set())
    assert routed_vm.host.run_work() == (0 if at_once else 1)
    assert pending(routed_vm) == {PORT}


@pytest.mark.parametrize("gsi", [0, source_layout.NR_GSIS - 1])
def test_the_first_and_the_last_gsi_have_work_too(vm: Vm, gsi: int) -> None:
    vm.activate_both(GPA)
    assert vm.host.set_irq_route(gsi, PORT) == 0
    vm.change_slots_elsewhere()
    vm.host.irqfd_write(gsi)
    assert (pending(vm), vm.host.run_work()) == (set(), 1)
    assert pending(vm) == {PORT}


def test_in_the_window_it_is_lost_for_good_by_gpa(  # case 54
    routed_vm: Vm, activation: Activation
) -> None:
    routed_vm.request(routed_vm.without(WHOLE))
    routed_vm.host.irqfd_write(GSI)
    assert eventfd_counter(routed_vm) == 0
    routed_vm.host.run_work()
    routed_vm.request(routed_vm.whole())
    assert routed_vm.host.run_work() == 0  # nothing is tried again
    assert pending(routed_vm) == ({PORT} if activation is HVA else set())
    routed_vm.host.irqfd_write(GSI)  # the next one is heard
    routed_vm.host.run_work()
    assert pending(routed_vm) == {PORT}


def test_work_that_waits_until_the_page_is_back_loses_nothing(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.host.set_irq_route(GSI, PORT)
    vm.request(vm.without(WHOLE))
    for _ in range(3):
        vm.host.irqfd_write(GSI)
    vm.request(vm.whole())
    assert vm.host.run_work() == 1  # three writes, one item
    assert pending(vm) == {PORT}


def test_while_shared_info_is_off_it_is_lost_by_both(  # case 55
    routed_vm: Vm, activation: Activation
) -> None:
    routed_vm.host.activate_shinfo_hva(type(routed_vm.overlay)(0))
    routed_vm.host.irqfd_write(GSI)
    assert routed_vm.host.run_work() == 1
    assert routed_vm.activate_shinfo(activation) == 0
    assert routed_vm.host.run_work() == 0
    assert pending(routed_vm) == set()


@pytest.mark.parametrize("port", [4096, 5000, 2**32 - 1])
def test_a_route_past_the_limit_is_taken_and_fails_when_used(active_vm: Vm, port: int) -> None:
    """Case 79, as of v6.12.39: no work is queued for an event that can never arrive."""
    assert active_vm.host.set_irq_route(GSI, port) == 0
    active_vm.host.irqfd_write(GSI)
    assert active_vm.host.run_work() == 0
    assert active_vm.host.irq_line(GSI) == -1
    assert pending(active_vm) == set()


def test_a_route_to_a_vcpu_that_does_not_exist_is_taken_and_fails_when_used(active_vm: Vm) -> None:
    assert active_vm.host.set_irq_route(GSI, PORT, vcpu_idx=1) == 0
    active_vm.host.irqfd_write(GSI)
    assert (active_vm.host.run_work(), active_vm.host.irq_line(GSI)) == (0, -1)
    assert pending(active_vm) == set()


def test_a_compat_guests_limit_holds_at_delivery(routed_vm: Vm) -> None:
    assert routed_vm.host.set_irq_route(GSI, 1024) == 0
    routed_vm.set_long_mode(False)
    assert routed_vm.host.irq_line(GSI) == -1
    routed_vm.set_long_mode(True)
    assert routed_vm.host.irq_line(GSI) == 1


def test_only_the_2level_priority_and_gsis_there_are_can_be_routed(vm: Vm) -> None:
    for priority in (0, 1):
        assert vm.host.set_irq_route(GSI, PORT, priority=priority) == Status.EINVAL
    assert vm.host.set_irq_route(256, PORT) == Status.EINVAL
    with pytest.raises(ValueError, match="gsi 256: this VM has 256"):
        vm.host.irqfd_write(256)


@pytest.mark.parametrize("route_type", [RouteType.IRQCHIP, RouteType.MSI])
def test_no_other_type_of_route_is_taken(vm: Vm, route_type: RouteType) -> None:
    entry = np.zeros(1, IRQ_ROUTING_ENTRY)
    entry["type"], entry["priority"] = route_type, PRIORITY_2LEVEL
    refused = sources.set_gsi_route(vm.host.state.vm, entry.ctypes.data)
    assert refused == Status.EINVAL % 2**64


def test_a_gsi_without_a_route_goes_through_its_work_item_for_nothing(active_vm: Vm) -> None:
    active_vm.host.irqfd_write(GSI)
    assert active_vm.host.run_work() == 1
    assert active_vm.host.irq_line(GSI) == -1
    assert pending(active_vm) == set()


def test_the_line_says_1_new_0_merged_and_minus_1_masked_or_lowered(routed_vm: Vm) -> None:
    host = routed_vm.host
    assert [host.irq_line(GSI), host.irq_line(GSI), host.irq_line(GSI, 0)] == [1, 0, -1]
    routed_vm.set_mask(routed_vm.ram_page(OVERLAY_GFN), 70)
    assert host.set_irq_route(GSI, 70) == 0
    assert host.irq_line(GSI) == -1
    assert pending(routed_vm) == {PORT, 70}


def test_in_the_window_the_line_says_minus_1_by_gpa_only(
    routed_vm: Vm, activation: Activation
) -> None:
    routed_vm.request(routed_vm.without(WHOLE))
    assert routed_vm.host.irq_line(GSI) == (1 if activation is HVA else -1)


@pytest.mark.parametrize("written", ["before", "inside", "after"])
def test_48_eventfds_lose_all_or_none(active_vm: Vm, activation: Activation, written: str) -> None:
    """As real kernels answered: mapped 48, window 0 by GPA and 48 by HVA, mapped again 48."""
    gsis = range(100, 148)
    for gsi in gsis:
        assert active_vm.host.set_irq_route(gsi, gsi) == 0
    window = [active_vm.without(WHOLE), active_vm.whole()]
    for moment in ("before", "inside", "after"):
        if moment == written:
            for gsi in gsis:
                active_vm.host.irqfd_write(gsi)
            active_vm.host.run_work()
        if window:
            active_vm.request(window.pop(0))
    lost = activation is GPA and written == "inside"
    assert pending(active_vm) == (set() if lost else set(gsis))
