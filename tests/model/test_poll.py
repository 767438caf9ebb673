import numpy as np
import pytest

from tests.model.vm import OVERLAY_GFN, WHOLE, Vm
from xenperf.abi.kvm import HVA_OFF
from xenperf.abi.status import Status
from xenperf.copies import load_copy
from xenperf.hypervisor import Activation
from xenperf.model.layout import VCPU, VM
from xenperf.sources import GuestCall

GPA, HVA = Activation.GPA, Activation.HVA
ASLEEP = GuestCall.ASLEEP
PORT, OTHER, MS = 66, 130, 1_000_000


def is_at_rest(vm: Vm) -> bool:
    """Whether nothing is left of a poll."""
    vcpu = vm.host.state.view("vcpus", VCPU, 1)[0]
    mask = vm.host.state.view("vm", VM)[0]["poll_mask"]
    return not (vcpu["poll_evtchn"] or vcpu["poll_deadline"] or vcpu["is_halted"] or mask.any())


def mask(vm: Vm, *ports: int) -> None:
    vm.set_mask(vm.ram_page(OVERLAY_GFN), *ports)


def test_a_pending_port_ends_a_poll_at_once_masked_or_not(active_vm: Vm) -> None:  # case 64
    mask(active_vm, OTHER)
    assert active_vm.send(PORT, OTHER) == [0, 0]
    for ports in ([PORT], [OTHER], [5, OTHER]):
        assert active_vm.host.guest_poll(0, ports) == 0
    assert is_at_rest(active_vm)


def test_a_poll_sleeps_until_its_timeout(active_vm: Vm) -> None:  # case 65
    host = active_vm.host
    assert host.guest_poll(0, [PORT], 200 * MS) == ASLEEP
    assert host.advance_time(200 * MS - 1) == 0
    assert host.poll_result(0) == ASLEEP
    assert host.advance_time(1) == 1
    assert (host.poll_result(0), is_at_rest(active_vm)) == (0, True)


def test_after_a_slot_change_a_poll_returns_at_once_by_gpa(  # case 66
    active_vm: Vm, activation: Activation
) -> None:
    active_vm.change_slots_elsewhere()
    expected = ASLEEP if activation is HVA else 0
    with active_vm.counting() as rise:
        assert active_vm.host.guest_poll(0, [PORT], MS) == expected
    assert rise["nr_lookups"] <= 1  # vcpu_info's: a poll refreshes nothing
    assert is_at_rest(active_vm) == (activation is GPA)


def test_by_gpa_polls_keep_returning_until_a_send_refreshes_the_cache(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.change_slots_elsewhere()
    assert [vm.host.guest_poll(0, [PORT], MS) for _ in range(3)] == [0, 0, 0]
    assert vm.send(OTHER) == 0
    assert vm.host.guest_poll(0, [PORT], MS) == ASLEEP
    assert vm.host.advance_time(MS) == 1
    assert vm.host.poll_result(0) == 0


@pytest.mark.parametrize("away", ["absent", "off"])
def test_where_the_bits_cannot_be_seen_a_poll_returns_at_once(
    active_vm: Vm, activation: Activation, away: str
) -> None:
    if away == "absent":
        active_vm.request(active_vm.without(WHOLE))
    else:
        active_vm.host.activate_shinfo_hva(HVA_OFF)
    sleeps = away == "absent" and activation is HVA
    assert active_vm.host.guest_poll(0, [PORT], MS) == (ASLEEP if sleeps else 0)


@pytest.mark.parametrize(
    ("ports", "rc"),
    [([1] * 128, ASLEEP), ([1] * 129, Status.EINVAL), ([4095], ASLEEP), ([4096], Status.EINVAL)],
)
def test_the_limits_of_a_poll(active_vm: Vm, ports: list[int], rc: int) -> None:  # case 67
    assert active_vm.host.guest_poll(0, ports, MS) == rc
    assert is_at_rest(active_vm) == (rc != ASLEEP)


@pytest.mark.parametrize(
    ("ports", "rc"),
    [([1] * 128, ASLEEP), ([1] * 129, Status.EINVAL), ([1023], ASLEEP), ([1024], Status.EINVAL)],
)
def test_the_limits_of_a_32_bit_poll(active_vm: Vm, ports: list[int], rc: int) -> None:
    assert active_vm.host.set_long_mode(False) == 0
    assert active_vm.host.guest_poll(0, ports, MS) == rc
    assert is_at_rest(active_vm) == (rc != ASLEEP)


def test_a_32_bit_poll_reads_its_own_structure(active_vm: Vm) -> None:
    host = active_vm.host
    assert host.set_long_mode(False) == 0
    assert active_vm.send(OTHER) == 0
    assert host.guest_poll(0, [OTHER, 5]) == 0
    assert host.guest_poll(0, [PORT], 2**32 + 3) == ASLEEP  # a timeout of more than one word
    vcpu = host.state.view("vcpus", VCPU, 1)[0]
    assert int(vcpu["poll_deadline"]) - host.now_ns() == 2**32 + 3
    assert host.advance_time(2**32 + 3) == 1
    assert host.poll_result(0) == 0


@pytest.mark.parametrize("ahead", [24, -24, 1 << 20, -(1 << 20)])
def test_a_32_bit_pointer_leads_to_the_nearest_address(ahead: int) -> None:
    args = np.zeros(2, np.uint32)
    for place in (args.ctypes.data, args.ctypes.data + 4):
        pointer = (args.ctypes.data + ahead) % 2**32
        args[:] = pointer
        ports_at = load_copy(interpreted=True).module("xenperf.model.poll")._ports_at
        with np.errstate(over="ignore"):
            assert ports_at(np.uint64(place), False) == args.ctypes.data + ahead
    args[:] = 0
    assert ports_at(np.uint64(args.ctypes.data), False) == 0


def test_a_refused_poll_looks_at_every_port_first(active_vm: Vm) -> None:
    assert active_vm.send(PORT) == 0
    assert active_vm.host.guest_poll(0, [PORT, 4096]) == Status.EINVAL


def test_a_masked_event_wakes_who_polls_its_port(active_vm: Vm) -> None:  # case 77
    mask(active_vm, PORT, OTHER)
    assert active_vm.host.guest_poll(0, [PORT]) == ASLEEP
    assert active_vm.send(OTHER) == 0
    assert active_vm.host.poll_result(0) == ASLEEP
    assert active_vm.send(PORT) == 0
    assert (active_vm.host.poll_result(0), is_at_rest(active_vm)) == (0, True)
    assert active_vm.vcpu_info() == (0, 0)


def test_any_masked_event_wakes_who_polls_several_ports(active_vm: Vm) -> None:
    mask(active_vm, OTHER)
    assert active_vm.host.guest_poll(0, [PORT, 5]) == ASLEEP
    assert active_vm.send(OTHER) == 0
    assert active_vm.host.poll_result(0) == 0


def test_two_masked_events_wake_a_sleeper_once(vm: Vm) -> None:
    vm.activate_both(HVA)
    mask(vm, PORT, OTHER)
    assert vm.host.guest_poll(0, [PORT, OTHER]) == ASLEEP
    with vm.counting() as rise:
        assert vm.send(PORT, OTHER) == [0, 0]
    assert rise["nr_kicks"] == 1
    assert vm.host.poll_result(0) == 0


def test_an_unmasked_event_wakes_by_its_kick(active_vm: Vm) -> None:
    assert active_vm.host.guest_poll(0, [PORT]) == ASLEEP
    assert active_vm.send(OTHER) == 0  # any: the guest has to look
    assert active_vm.host.poll_result(0) == 0
    assert active_vm.vcpu_info() == (4, 1)


def test_whoever_woke_has_no_timeout_left(active_vm: Vm) -> None:
    assert active_vm.host.guest_poll(0, [PORT], MS) == ASLEEP
    assert active_vm.send(PORT) == 0
    assert (active_vm.host.poll_result(0), is_at_rest(active_vm)) == (0, True)
    assert active_vm.host.advance_time(MS) == 0


def test_a_merged_event_wakes_nobody(active_vm: Vm) -> None:
    assert active_vm.send(OTHER) == 0
    assert active_vm.host.guest_poll(0, [PORT]) == ASLEEP
    assert active_vm.send(OTHER) == 0
    assert active_vm.host.poll_result(0) == ASLEEP


def test_a_vcpus_own_vector_wakes_it_too(active_vm: Vm) -> None:
    assert active_vm.host.set_vcpu_upcall_vector(0, 0x30) == 0
    assert active_vm.host.guest_poll(0, [PORT]) == ASLEEP
    assert active_vm.send(PORT) == 0
    assert active_vm.host.poll_result(0) == 0


def test_a_shadow_that_is_not_merged_lets_no_poll_sleep(vm: Vm) -> None:
    """The vCPU counts as runnable while an event waits for its vcpu_info."""
    assert vm.activate_shinfo(HVA) == 0
    assert vm.send(OTHER) == 0
    assert vm.host.guest_poll(0, [PORT]) == 0
    assert vm.shadow() == 4


def test_a_timer_left_to_the_vcpu_wakes_it_and_is_delivered(active_vm: Vm) -> None:
    host = active_vm.host
    due = host.now_ns() + MS
    assert host.set_timer(0, PORT, due) == 0
    assert host.guest_poll(0, [OTHER], 200 * MS) == ASLEEP
    active_vm.change_slots_elsewhere()  # which waits until the poller wakes
    assert host.now_ns() == due
    assert host.poll_result(0) == 0
    assert active_vm.pending(active_vm.ram_page(OVERLAY_GFN)) == {PORT}


def test_a_vcpu_asleep_makes_no_other_call(active_vm: Vm) -> None:
    assert active_vm.host.guest_poll(0, [PORT]) == ASLEEP
    with pytest.raises(ValueError, match="vcpu 0: asleep in a poll"):
        active_vm.host.guest_send(0, PORT)


def test_the_bit_of_another_vcpu_stays() -> None:
    made = Vm(nr_vcpus=70)
    with made.host as host:
        assert made.activate_shinfo(HVA) == 0
        mask(made, PORT)
        assert [host.guest_poll(idx, [PORT], MS) for idx in (1, 69)] == [ASLEEP, ASLEEP]
        assert made.send(PORT, vcpu_idx=69) == 0
        assert [host.poll_result(idx) for idx in (1, 69)] == [ASLEEP, 0]
        assert host.state.view("vm", VM)[0]["poll_mask"].tolist()[:2] == [2, 0]
