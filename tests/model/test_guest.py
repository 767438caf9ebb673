from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm, drawn
from xenperf.hypervisor import Activation
from xenperf.units import Hva

HVA = Activation.HVA
PORTS = st.sets(st.integers(1, 1023))


def handle(vm: Vm) -> tuple[int, int]:
    return vm.handle(vm.ram_page(OVERLAY_GFN), vm.ram_page(VCPU_INFO_GFN))


@pytest.mark.parametrize("long_mode", [True, False])
def test_the_handler_finds_what_was_sent_and_clears_it(active_vm: Vm, long_mode: bool) -> None:
    active_vm.set_long_mode(long_mode)
    ports = [1, 66, 67, 1000, 1023]
    active_vm.send(*ports)
    assert handle(active_vm) == (5, reduce(xor, ports))
    assert active_vm.pending(active_vm.ram_page(OVERLAY_GFN)) == set()
    assert active_vm.vcpu_info() == (0, 0)
    assert handle(active_vm) == (0, 0)


def test_the_handler_leaves_masked_ports_pending(active_vm: Vm) -> None:
    active_vm.send(66, 70)
    active_vm.set_mask(active_vm.ram_page(OVERLAY_GFN), 70)
    assert handle(active_vm) == (1, 66)
    assert active_vm.pending(active_vm.ram_page(OVERLAY_GFN)) == {70}


def test_the_handler_sees_only_words_that_the_selector_names(active_vm: Vm) -> None:
    active_vm.send(66, 200)
    sel = Hva(active_vm.ram_page(VCPU_INFO_GFN) + 8)
    active_vm.host.write(sel, (1 << 3).to_bytes(8, "little"))
    assert handle(active_vm) == (1, 200)
    assert active_vm.pending(active_vm.ram_page(OVERLAY_GFN)) == {66}


def test_a_handled_port_is_delivered_again_and_kicks_again(active_vm: Vm) -> None:
    for _ in range(3):
        with active_vm.counting() as rise:
            assert active_vm.deliver(66) == 1
        assert rise["nr_kicks"] == 1
        assert handle(active_vm) == (1, 66)


@drawn
@given(
    ports=st.sets(st.integers(1, 1023)), masked=st.sets(st.integers(1, 1023)), long=st.booleans()
)
def test_every_unmasked_event_is_handled_exactly_once(
    ports: set[int], masked: set[int], long: bool
) -> None:
    vm = Vm()
    with vm.host:
        vm.activate_both(HVA)
        vm.set_long_mode(long)
        page = vm.ram_page(OVERLAY_GFN)
        vm.set_mask(page, *masked)
        vm.send(*ports)
        assert handle(vm) == (len(ports - masked), reduce(xor, ports - masked, 0))
        assert vm.pending(page) == ports & masked
