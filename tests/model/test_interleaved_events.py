"""An event at any step of what a guest, a vCPU or the VMM does: none is lost, none goes astray."""

import pytest

from tests.model.intruder import Steps, at_every_step, intruded_by, single_stepped
from tests.model.invariants import assert_consistent
from tests.model.test_interleavings import nobody_locks
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.hypervisor import Activation
from xenperf.model.layout import VCPU
from xenperf.sources import GuestCall, PortRequest

GPA, HVA = Activation.GPA, Activation.HVA
UNBLOCK = 1


@single_stepped
@pytest.mark.parametrize("long_mode", [True, False])
def test_a_guest_handles_every_event_once_whenever_one_more_is_sent(long_mode: bool) -> None:
    """It looks again only when the upcall flag tells it to, as an interrupt does."""

    def send_at(place: int) -> bool:
        vm = Vm()
        with vm.host:
            vm.activate_both(HVA)
            vm.set_long_mode(long_mode)
            assert vm.send(66, 67) == [0, 0]
            page, vcpu_info = vm.ram_page(OVERLAY_GFN), vm.ram_page(VCPU_INFO_GFN)

            def send(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place:
                    with vm.on_cpu(1):
                        assert vm.deliver(70) == 1

            with intruded_by(send) as steps:
                handled = [vm.handle(page, vcpu_info)]
            if vm.vcpu_info()[1]:
                handled.append(vm.handle(page, vcpu_info))
            if place < steps.nr_steps:
                assert sum(nr_events for nr_events, _ in handled) == 3
                assert vm.pending(page) == set()
                assert vm.vcpu_info() == (0, 0)
            return place < steps.nr_steps

    assert at_every_step(send_at) == 6


@single_stepped
@pytest.mark.parametrize("long_mode", [True, False])
def test_at_every_step_of_a_merge_the_bits_are_in_the_selector_or_the_shadow(  # I10
    vm: Vm, long_mode: bool
) -> None:
    vm.activate_shinfo(HVA)
    vm.set_long_mode(long_mode)
    assert vm.send(66, 130) == [0, 0]
    vm.activate_vcpu_info(HVA)
    before, lost = vm.shadow(), set()

    def look(_: Steps, operation: str, khva: int) -> None:
        lost.add(before & ~(vm.vcpu_info()[0] | vm.shadow()))

    with intruded_by(look):
        vm.host.enter_guest(0)
    assert lost == {0}
    assert vm.shadow() == 0


@single_stepped
def test_an_event_at_any_step_of_an_entry_is_merged_or_leaves_its_kick() -> None:
    """A kick is used up before the shadow is read, so none is used up unseen."""

    def send_at(place: int) -> bool:
        vm = Vm()
        with vm.host:
            vm.activate_both(GPA)
            vm.host.enter_guest(0)
            vm.change_slots_elsewhere()
            assert vm.send(66) == 0
            vcpus = vm.host.state.view("vcpus", VCPU, 1)

            def send(steps: Steps, _: str, __: int) -> None:
                is_locked = vm.vcpu_info_gpc()["lock"] & 0xFF
                if steps.nr_steps == place and not is_locked:
                    with vm.on_cpu(1):
                        assert vm.deliver(200) == 1

            with intruded_by(send) as steps:
                vm.host.enter_guest(0)
            assert not vm.shadow() or int(vcpus[0]["requests"]) & UNBLOCK
            del vcpus
            return place < steps.nr_steps

    assert at_every_step(send_at) > 20


@single_stepped
@pytest.mark.parametrize("ports", [[66], [5, 66]])
def test_a_masked_event_at_any_step_of_going_to_sleep_ends_the_poll(ports: list[int]) -> None:
    def send_at(place: int) -> bool:
        vm = Vm()
        with vm.host:
            vm.activate_both(HVA)
            vm.host.enter_guest(0)
            vm.set_mask(vm.ram_page(OVERLAY_GFN), 66)
            sent = []

            def send(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place:
                    with vm.on_cpu(1):
                        sent.append(vm.send(66))

            with intruded_by(send) as steps:
                told = vm.host.guest_poll(0, ports)
            if sent and told == GuestCall.ASLEEP:
                told = vm.host.poll_result(0)
            assert told == (0 if sent else GuestCall.ASLEEP)
            return place < steps.nr_steps

    assert at_every_step(send_at) > 20


@single_stepped
def test_a_guests_send_at_any_step_of_an_assignment_goes_to_the_vmm_or_to_the_port() -> None:
    told = set()

    def send_at(place: int) -> bool:
        vm = Vm()
        with vm.host:
            vm.activate_both(HVA)

            def send(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place:
                    with vm.on_cpu(1):
                        outcome = vm.host.guest_send(0, 127)
                    delivered = vm.pending(vm.ram_page(OVERLAY_GFN))
                    told.add((outcome, *delivered, vm.host.read_eventfd(0)))

            with intruded_by(send) as steps:
                assert vm.host.set_evtchn(PortRequest(port=127, deliver_port=15)) == 0
            return place < steps.nr_steps

    assert at_every_step(send_at) >= 8
    assert told == {(GuestCall.LEFT_TO_VMM, 0), (0, 15, 0)}


@single_stepped
def test_a_notifier_at_any_step_of_a_first_activation_finds_its_mapping(
    activation: Activation,
) -> None:
    """A cache is on the list before it has one."""
    tried = []

    def replace_at(place: int) -> bool:
        vm = Vm(nr_pages=96)
        with vm.host:

            def intrude(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place and nobody_locks(vm):
                    tried.append(place)
                    with vm.on_cpu(1):
                        vm.host.replace_pages(vm.ram_page(OVERLAY_GFN))

            with intruded_by(intrude) as steps:
                assert vm.activate_shinfo(activation) == 0
            assert_consistent(vm.host)
            return place < steps.nr_steps

    at_every_step(replace_at)
    assert len(tried) > 20
