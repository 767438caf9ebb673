from functools import reduce
from operator import xor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.invariants import assert_consistent
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, WHOLE, Vm, drawn
from tests.oracle.events import EventOracle
from xenperf.abi.kvm import INVALID_GFN, INVALID_GPA
from xenperf.abi.status import Delivery, Status
from xenperf.hypervisor import Activation
from xenperf.units import PAGE_SIZE, Hva

GPA, HVA = Activation.GPA, Activation.HVA
PORT, WORD = 66, 1


@pytest.fixture
def page(vm: Vm) -> Hva:
    return vm.ram_page(OVERLAY_GFN)


def guest_bytes(vm: Vm) -> bytes:
    return vm.host.read(vm.ram, 32 * PAGE_SIZE) + vm.host.read(vm.overlay, PAGE_SIZE)


def changed_bytes(before: bytes, after: bytes) -> set[int]:
    return {
        int(at) for at in np.flatnonzero(np.frombuffer(before, "u1") != np.frombuffer(after, "u1"))
    }


def test_before_any_activation_a_send_is_einval_with_a_warning(vm: Vm) -> None:  # case 2
    with vm.counting() as rise:
        assert vm.send(PORT) == Status.EINVAL
    assert rise["nr_warnings"] == 1


def test_a_new_event_sets_pending_then_selector_then_upcall(active_vm: Vm, page: Hva) -> None:  # 20
    assert active_vm.deliver(PORT) == Delivery.DELIVERED
    assert active_vm.host.read(Hva(page + 0x808), 1) == b"\x04"
    assert active_vm.vcpu_info() == (1 << WORD, 1)
    assert active_vm.shadow() == 0


def test_a_second_send_of_a_pending_port_writes_nothing(active_vm: Vm) -> None:  # case 21, I9, I23
    active_vm.send(PORT)
    active_vm.host.write(active_vm.ram_page(VCPU_INFO_GFN), bytes(64))  # the guest has looked
    before = guest_bytes(active_vm)
    with active_vm.counting() as rise:
        assert active_vm.deliver(PORT) == Delivery.MERGED
        assert active_vm.send(PORT) == 0
    assert guest_bytes(active_vm) == before
    assert rise["nr_kicks"] == 0


def test_a_masked_port_becomes_pending_and_nobody_is_told(active_vm: Vm, page: Hva) -> None:  # 23
    active_vm.set_mask(page, PORT)
    with active_vm.counting() as rise:
        assert active_vm.deliver(PORT) == Delivery.MASKED
    assert active_vm.pending(page) == {PORT}
    assert active_vm.vcpu_info() == (0, 0)
    assert rise["nr_kicks"] == 0
    assert active_vm.deliver(PORT) == Delivery.MERGED  # pending is tested before the mask


def test_the_ioctl_tells_delivered_merged_and_masked_apart_in_nothing(
    active_vm: Vm, page: Hva
) -> None:
    active_vm.set_mask(page, 70)
    assert active_vm.send(PORT, PORT, 70) == [0, 0, 0]


def test_the_upcall_mask_is_not_looked_at(active_vm: Vm) -> None:  # case 25
    active_vm.host.write(Hva(active_vm.ram_page(VCPU_INFO_GFN) + 1), b"\x01")
    assert active_vm.deliver(PORT) == Delivery.DELIVERED
    assert active_vm.vcpu_info() == (1 << WORD, 1)


def test_a_selector_bit_already_set_suppresses_upcall_and_kick(active_vm: Vm) -> None:  # I11
    active_vm.send(PORT)
    active_vm.host.write(active_vm.ram_page(VCPU_INFO_GFN), b"\x00")
    with active_vm.counting() as rise:
        assert active_vm.deliver(PORT + 1) == Delivery.DELIVERED
    assert active_vm.vcpu_info() == (1 << WORD, 0)
    assert rise["nr_kicks"] == 0


@pytest.mark.parametrize(("long_mode", "nr_ports"), [(True, 4096), (False, 1024)])
def test_ports_run_from_1_to_the_limit_of_the_mode(  # case 26
    active_vm: Vm, page: Hva, long_mode: bool, nr_ports: int
) -> None:
    active_vm.set_long_mode(long_mode)
    sent = active_vm.send(0, 1, nr_ports - 1, nr_ports, 2**32 - 1)
    assert sent == [Status.EINVAL, 0, 0, Status.EINVAL, Status.EINVAL]
    assert active_vm.pending(page) == {1, nr_ports - 1}
    assert active_vm.vcpu_info()[0] == 1 | 1 << (63 if long_mode else 31)


def test_an_unknown_vcpu_is_einval_and_writes_nothing(active_vm: Vm) -> None:  # case 28
    before = guest_bytes(active_vm)
    assert active_vm.send(PORT, vcpu_idx=9) == Status.EINVAL
    assert guest_bytes(active_vm) == before


@pytest.mark.parametrize(
    ("long_mode", "port"),
    [(True, port) for port in (1, 63, 64, 66, 500, 1023, 1024, 4095)]
    + [(False, port) for port in (1, 31, 32, 63, 64, 66, 500, 1000, 1023)],
)
def test_a_send_writes_its_bit_the_selector_bit_and_the_flag_and_nothing_else(  # I12, I13
    active_vm: Vm, page: Hva, long_mode: bool, port: int
) -> None:
    active_vm.set_long_mode(long_mode)
    before = guest_bytes(active_vm)
    assert active_vm.deliver(port) == Delivery.DELIVERED
    word, sel = (port // 64, 8) if long_mode else (port // 32, 4)
    vcpu_info = active_vm.ram_page(VCPU_INFO_GFN) - active_vm.ram
    wanted = {page - active_vm.ram + 0x800 + port // 8, vcpu_info + sel + word // 8, vcpu_info}
    assert changed_bytes(before, guest_bytes(active_vm)) == wanted
    assert active_vm.pending(page) == {port}
    assert active_vm.vcpu_info() == (1 << word, 1)


@pytest.mark.parametrize("long_mode", [True, False])
def test_the_mask_is_read_where_the_mode_has_it(active_vm: Vm, page: Hva, long_mode: bool) -> None:
    active_vm.set_long_mode(not long_mode)
    active_vm.set_mask(page, 5)  # in the other mode's place
    active_vm.set_long_mode(long_mode)
    assert active_vm.deliver(5) == Delivery.DELIVERED
    active_vm.set_mask(page, 6)
    assert active_vm.deliver(6) == Delivery.MASKED


def test_a_stale_generation_makes_one_slow_send_by_gpa_and_none_by_hva(  # cases 39, 40, I16
    vm: Vm, activation: Activation
) -> None:
    vm.activate_both(activation)
    for change in ("create", "flags"):
        with vm.counting() as rise:
            vm.change_slots_elsewhere()
            assert vm.send(PORT + len(change)) == 0
            assert vm.send(PORT + 20 + len(change)) == 0
        by_gpa = activation is GPA
        assert (rise["nr_slow_sends"], rise["nr_lookups"]) == (by_gpa, by_gpa)
        assert rise["nr_gups"] == 0


def test_an_absent_frame_refuses_every_send_and_changes_nothing(vm: Vm) -> None:  # 41, I6
    vm.activate_both(GPA)
    vm.request(vm.without(WHOLE))
    before = guest_bytes(vm)
    assert vm.send(PORT, PORT, 1) == [Status.EFAULT] * 3
    assert guest_bytes(vm) == before
    assert vm.shadow() == 0


def test_by_hva_the_absent_frame_does_not_matter(vm: Vm, page: Hva) -> None:  # case 41
    vm.activate_both(HVA)
    vm.request(vm.without(WHOLE))
    assert vm.deliver(PORT) == Delivery.DELIVERED
    assert vm.pending(page) == {PORT}
    assert vm.vcpu_info() == (1 << WORD, 1)


def test_with_vcpu_info_by_gpa_absent_the_selector_gathers_in_the_shadow(vm: Vm) -> None:
    assert vm.activate_shinfo(HVA) == vm.activate_vcpu_info(GPA) == 0
    vm.request(vm.without(WHOLE))
    assert vm.deliver(PORT) == Delivery.DELIVERED
    assert (vm.shadow(), vm.vcpu_info()) == (1 << WORD, (0, 0))  # case 41, I8


def test_a_batch_of_nothing_sends_nothing(active_vm: Vm) -> None:
    before = active_vm.state_bytes()
    assert active_vm.send() == []
    assert active_vm.state_bytes() == before


def test_an_event_told_to_a_vcpu_leaves_the_others_alone() -> None:
    vm = Vm(nr_vcpus=40)
    with vm.host:
        assert vm.activate_shinfo(GPA) == 0
        for vcpu_idx in range(40):
            assert vm.activate_vcpu_info(HVA if vcpu_idx % 2 else GPA, vcpu_idx) == 0
        for vcpu_idx in range(40):
            assert vm.send(64 * vcpu_idx + 1, vcpu_idx=vcpu_idx) == 0
        assert [vm.vcpu_info(idx) for idx in range(40)] == [(1 << idx, 1) for idx in range(40)]
        assert vm.send(3, vcpu_idx=40) == Status.EINVAL
        assert_consistent(vm.host)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 1030)),
        st.tuples(st.just("mask"), st.integers(1, 1023)),
        st.tuples(st.sampled_from(["enter", "handle", "stale", "off", "on"]), st.just(0)),
    ),
    max_size=40,
)


@drawn
@given(actions=ACTIONS, long_mode=st.booleans(), activation=st.sampled_from(Activation))
def test_any_sequence_of_events_agrees_with_the_oracle(
    actions: list[tuple[str, int]], long_mode: bool, activation: Activation
) -> None:
    vm = Vm()
    with vm.host:
        vm.activate_both(activation)
        vm.set_long_mode(long_mode)
        vm.host.enter_guest(0)  # uses the clock request up
        page = vm.ram_page(OVERLAY_GFN)
        oracle = EventOracle(vm.layout.nr_ports, vm.layout.word_bits, activation is GPA)
        nr_kicks = vm.host.observed.nr_kicks(0)
        for action, port in actions:
            act(vm, oracle, activation, action, port)
            assert vm.pending(page) == oracle.pending
            assert vm.shadow() == sum(1 << word for word in oracle.shadow)
            assert vm.vcpu_info() == (sum(1 << w for w in oracle.selector), oracle.upcall)
            assert vm.host.observed.nr_kicks(0) - nr_kicks == oracle.nr_kicks
        assert_consistent(vm.host)


def act(vm: Vm, oracle: EventOracle, activation: Activation, action: str, port: int) -> None:
    page, vcpu_info = vm.ram_page(OVERLAY_GFN), vm.ram_page(VCPU_INFO_GFN)
    if action == "send":
        assert vm.deliver(port) == oracle.send(port)
    elif action == "mask":
        oracle.masked ^= {port}
        vm.set_mask(page, *oracle.masked)
    elif action == "enter":
        oracle.enter()
        vm.host.enter_guest(0)
    elif action == "handle":
        ports = oracle.handle()
        assert vm.handle(page, vcpu_info) == (len(ports), reduce(xor, ports, 0))
    elif action == "stale":
        oracle.change_slots()
        vm.change_slots_elsewhere()
    elif action == "off":
        oracle.turn_off()
        vm.host.activate_vcpu_info_gpa(0, INVALID_GPA)
    else:
        oracle.turn_on()
        vm.activate_vcpu_info(activation)


def test_deactivated_shared_info_refuses_and_leaves_the_shadow(active_vm: Vm) -> None:  # I22
    active_vm.host.activate_shinfo_gfn(INVALID_GFN)
    assert active_vm.send(PORT) == Status.EINVAL
    assert (active_vm.shadow(), active_vm.vcpu_info()) == (0, (0, 0))
