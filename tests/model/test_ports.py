import pytest

from tests.model.vm import OVERLAY_GFN, Vm
from xenperf.abi.kvm import EvtchnFlag
from xenperf.abi.status import Status
from xenperf.abi.xen import EvtchnStat
from xenperf.hypervisor import VmSize
from xenperf.model.host import ModelHost
from xenperf.sources import GuestCall, PortRequest

PORT, TARGET = 127, 15


def evtchn(vm: Vm, port: int, to: int = TARGET, **other: int) -> int:
    return vm.host.set_evtchn(PortRequest(port, to, **other))


def forget(vm: Vm, port: int) -> int:
    return vm.host.set_evtchn(PortRequest(port, flags=EvtchnFlag.DEASSIGN))


def test_a_port_is_assigned_once(vm: Vm) -> None:  # case 56
    assert evtchn(vm, PORT) == 0
    assert evtchn(vm, PORT) == Status.EEXIST
    assert evtchn(vm, PORT, 16) == Status.EEXIST
    assert forget(vm, PORT) == 0
    assert evtchn(vm, PORT, 16) == 0


@pytest.mark.parametrize(
    ("port", "to", "other"),
    [
        (PORT, TARGET, {"type": EvtchnStat.IPI}),  # an ipi leads to its own port
        (PORT, TARGET, {"type": EvtchnStat.VIRQ}),
        (PORT, TARGET, {"type": EvtchnStat.PIRQ}),
        (PORT, TARGET, {"type": EvtchnStat.UNBOUND}),
        (PORT, TARGET, {"type": EvtchnStat.CLOSED}),
        (PORT, TARGET, {"type": 99}),
        (PORT, TARGET, {"priority": 0}),
        (PORT, 4096, {}),
        (0, TARGET, {}),
        (4096, TARGET, {}),
        (PORT, TARGET, {"flags": EvtchnFlag.DEASSIGN | EvtchnFlag.UPDATE}),
    ],
)
def test_what_cannot_be_assigned(vm: Vm, port: int, to: int, other: dict[str, int]) -> None:
    """Case 57 and the other refusals; nothing is registered by any."""
    assert evtchn(vm, port, to, **other) == Status.EINVAL
    if 0 < port < 4096:
        assert forget(vm, port) == Status.ENOENT


def test_the_limit_is_that_of_the_mode(vm: Vm) -> None:
    vm.set_long_mode(False)
    assert evtchn(vm, 1024) == Status.EINVAL
    assert evtchn(vm, 1023, 1023) == 0
    assert evtchn(vm, PORT, 1024) == Status.EINVAL
    vm.set_long_mode(True)
    assert evtchn(vm, 1024, 4095) == 0


def test_what_was_never_assigned_is_neither_changed_nor_forgotten(vm: Vm) -> None:  # case 57
    assert forget(vm, PORT) == Status.ENOENT
    assert evtchn(vm, PORT, flags=EvtchnFlag.UPDATE) == Status.ENOENT
    assert forget(vm, 0) == Status.EINVAL


def test_an_update_changes_the_vcpu_and_nothing_else() -> None:
    vm = Vm(nr_vcpus=2)
    with vm.host:
        update = EvtchnFlag.UPDATE
        assert evtchn(vm, PORT) == 0
        assert evtchn(vm, PORT, 16, flags=update) == Status.EINVAL
        assert evtchn(vm, PORT, PORT, flags=update, type=EvtchnStat.IPI) == Status.EINVAL
        assert evtchn(vm, PORT, flags=update, priority=0) == Status.EINVAL
        assert evtchn(vm, PORT, flags=update, deliver_vcpu=1) == 0
        assert vm.host.activate_shinfo_hva(vm.ram_page(OVERLAY_GFN)) == 0
        assert vm.host.guest_send(0, PORT) == 0
        assert (vm.shadow(0), vm.shadow(1)) == (0, 1)
        assert vm.pending(vm.ram_page(OVERLAY_GFN)) == {TARGET}


def test_an_update_does_not_change_the_type(vm: Vm) -> None:
    assert evtchn(vm, PORT, PORT) == 0
    update = EvtchnFlag.UPDATE
    assert evtchn(vm, PORT, PORT, flags=update, type=EvtchnStat.IPI) == Status.EINVAL
    assert evtchn(vm, PORT, PORT, flags=update) == 0


def test_an_eventfd_cannot_be_updated_and_a_bad_one_not_assigned(vm: Vm) -> None:
    assert vm.host.set_evtchn(PortRequest(PORT, eventfd=3)) == 0
    assert evtchn(vm, PORT, 0, flags=EvtchnFlag.UPDATE) == Status.EINVAL
    assert vm.host.set_evtchn(PortRequest(PORT + 1, eventfd=64)) == -9  # EBADF
    assert vm.host.set_evtchn(PortRequest(PORT + 1, eventfd=4, priority=0)) == 0  # not looked at


def test_a_reset_forgets_every_port_whichever_is_named(vm: Vm) -> None:
    for port in (1, PORT, 4095):
        assert evtchn(vm, port) == 0
    assert evtchn(vm, 0, flags=EvtchnFlag.RESET) == 0
    for port in (1, PORT, 4095):
        assert forget(vm, port) == Status.ENOENT
    assert evtchn(vm, 5000, flags=EvtchnFlag.RESET) == 0


@pytest.mark.parametrize("other", [EvtchnFlag.DEASSIGN, EvtchnFlag.UPDATE])
def test_a_reset_with_another_flag_is_refused_and_forgets_nothing(
    vm: Vm, other: EvtchnFlag
) -> None:
    assert evtchn(vm, PORT) == 0
    assert evtchn(vm, PORT, flags=EvtchnFlag.RESET | other) == Status.EINVAL
    assert forget(vm, PORT) == 0


def test_a_forgotten_port_is_left_to_the_vmm(active_vm: Vm) -> None:
    assert evtchn(active_vm, PORT) == 0
    assert active_vm.host.guest_send(0, PORT) == 0
    assert forget(active_vm, PORT) == 0
    assert active_vm.host.guest_send(0, PORT) == GuestCall.LEFT_TO_VMM


def test_a_callers_mistake_is_named() -> None:
    with ModelHost(VmSize()) as host:
        with pytest.raises(ValueError, match="send_port -1: give 0 to 4294967295"):
            host.set_evtchn(PortRequest(-1))
        with pytest.raises(ValueError, match="eventfd 64: this VM has 64"):
            host.read_eventfd(64)
