"""Who waits for which lock, and what is touched only under one: the rules of KVM's locking."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.model.intruder import Steps, intruded_by, single_stepped
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.abi.kvm import INVALID_GFN, EvtchnFlag
from xenperf.abi.structs import offset_of
from xenperf.hypervisor import Activation
from xenperf.model.layout import CPU, NR_CPUS, VM
from xenperf.sources import PortRequest
from xenperf.units import PAGE_SIZE

GPA, HVA = Activation.GPA, Activation.HVA
READER = 1 << 9
PORT = PortRequest(port=127, deliver_port=15)

ASKS: dict[str, tuple[Callable[[Vm], object], tuple[str, ...]]] = {
    "update of the memslots": (
        lambda vm: vm.request(vm.without(0)),
        ("slots_lock", "slots_arch_lock", "mn_invalidate_lock"),
    ),
    "notifier": (
        lambda vm: vm.host.replace_pages(vm.spare),
        ("mn_invalidate_lock", "gpc_lock"),
    ),
    "deactivation": (
        lambda vm: vm.host.activate_shinfo_gfn(INVALID_GFN),
        ("gpc_lock", "shinfo.refresh_lock", "shinfo.lock"),
    ),
    "activation": (
        lambda vm: vm.activate_shinfo(GPA),
        ("xen_lock", "shinfo.refresh_lock", "shinfo.lock"),
    ),
    "activation of what was off": (lambda vm: vm.activate_vcpu_info(GPA), ("gpc_lock",)),
    "send through a stale cache": (
        lambda vm: vm.send(66),
        ("shinfo.refresh_lock", "shinfo.lock"),
    ),
    "setting a timer": (lambda vm: vm.host.set_timer(0, 5, 1 << 40), ("xen_lock",)),
    "reading a timer": (lambda vm: vm.host.get_timer(0), ("xen_lock",)),
    "assigning a port": (lambda vm: vm.host.set_evtchn(PORT), ("xen_lock",)),
    "forgetting the ports": (
        lambda vm: vm.host.set_evtchn(PortRequest(port=127, flags=EvtchnFlag.RESET)),
        ("xen_lock",),
    ),
    "routing a GSI": (lambda vm: vm.host.set_irq_route(1, 66), ("xen_lock",)),
}


@contextmanager
def held(vm: Vm, lock: str) -> Iterator[None]:
    """Hold a lock of the VM: as a reader if it has any."""
    part, _, field = lock.rpartition(".")
    record: Any = vm.host.state.view("vm", VM)
    record = record[part] if part else record
    value = READER if field == "lock" else 1
    record[field] += value
    try:
        yield
    finally:
        record[field] -= value


@pytest.mark.parametrize(
    ("name", "lock"), [(name, lock) for name, (_, locks) in ASKS.items() for lock in locks]
)
def test_an_operation_waits_for_its_locks(vm: Vm, name: str, lock: str) -> None:
    assert vm.activate_shinfo(GPA) == 0
    vm.change_slots_elsewhere()
    thread = threading.Thread(target=ASKS[name][0], args=(vm,), daemon=True)
    with held(vm, lock):
        thread.start()
        thread.join(0.05)
        waited = thread.is_alive()
    thread.join(30)
    assert (waited, thread.is_alive()) == (True, False)


def test_no_range_opens_while_a_publish_holds_its_lock(vm: Vm) -> None:  # I21
    thread = threading.Thread(target=vm.host.replace_pages, args=(vm.spare,), daemon=True)
    with held(vm, "mn_invalidate_lock"):
        thread.start()
        thread.join(0.05)
        nr_open = int(vm.host.state.view("vm", VM)[0]["mn_active_invalidate_count"])
    thread.join(30)
    assert (nr_open, thread.is_alive()) == (0, False)


def clock_update(vm: Vm) -> None:
    assert vm.activate_vcpu_info(HVA) == 0
    vm.host.enter_guest(0)


def merge(vm: Vm) -> None:
    vm.host.set_upcall_vector(0x20)
    vm.send(66)
    vm.host.enter_guest(0)


def timer(vm: Vm) -> None:
    vm.host.set_timer(0, 5, 1)
    vm.host.enter_guest(0)


def interrupt_line(vm: Vm) -> None:
    vm.host.set_irq_route(1, 66)
    vm.host.irqfd_write(1)
    vm.host.run_work()


def guest_send(vm: Vm) -> None:
    vm.host.guest_send(0, PORT.port)


TOUCHES: dict[str, Callable[[Vm], object]] = {
    "send": lambda vm: vm.send(66),
    "merge and question for an upcall": merge,
    "clock update": clock_update,
    "activation": lambda vm: vm.activate_shinfo(GPA),
    "mode switch": lambda vm: vm.set_long_mode(False),
    "poll": lambda vm: vm.host.guest_poll(0, [66], 1),
    "timer": timer,
    "interrupt line": interrupt_line,
    "guest's send": guest_send,
    "notifier": lambda vm: vm.host.replace_pages(vm.ram_page(OVERLAY_GFN)),
}


class Watch:
    """Notes each access to the guest's pages, the dirty bitmap or the memslots out of its lock."""

    def __init__(self, vm: Vm) -> None:
        self.vm = vm
        self.wrong: set[str] = set()
        self.nr_seen = 0
        state = vm.host.state
        shinfo, vcpu_info = (vm.khva(vm.ram_page(gfn)) for gfn in (OVERLAY_GFN, VCPU_INFO_GFN))
        bitmap = int(state.view("dirty_bitmaps", "<u8", 1)[0])
        slots = state.khva("slots0"), state.khva("gfn_by_id0")
        ports = state.khva("evtchn_ports"), state.khva("eventfds")
        sets = [state.vm + offset_of(VM, name) for name in ("set0", "set1")]
        self.spans = [
            ("shared_info", shinfo, PAGE_SIZE, vm.shinfo),
            ("vcpu_info", vcpu_info, 64, vm.vcpu_info_gpc),
            ("a dirty bitmap", bitmap, 8, vm.vcpu_info_gpc),
            ("the slots", slots[0], slots[1] - slots[0], None),
            ("the ports", ports[0], ports[1] - ports[0], None),
            *(("a memslot set", khva, 64, None) for khva in sets),
        ]

    def __call__(self, _: Steps, operation: str, khva: int) -> None:
        for name, first, nr_bytes, gpc in self.spans:
            if first and first <= khva < first + nr_bytes:
                self.nr_seen += 1
                if gpc is not None and not gpc()["lock"]:
                    self.wrong.add(f"{operation} of {name} without its cache's lock")
                if not self.is_in_srcu():
                    self.wrong.add(f"{operation} of {name} outside SRCU")

    def is_in_srcu(self) -> bool:
        cpus = self.vm.host.state.view("cpus", CPU, NR_CPUS)
        return int(cpus["srcu_locked"].sum()) > int(cpus["srcu_unlocked"].sum())


@single_stepped
@pytest.mark.parametrize("is_stale", [True, False])
@pytest.mark.parametrize("name", TOUCHES)
def test_pages_and_slots_are_touched_inside_srcu_and_pages_under_their_lock(
    vm: Vm, activation: Activation, name: str, is_stale: bool
) -> None:
    """So that neither a notifier nor a memslot update ends while somebody is at it (I20)."""
    vm.request(vm.without(0), vm.whole(1))  # its dirty pages are logged
    vm.activate_both(activation)
    assert vm.host.set_evtchn(PORT) == 0
    if is_stale:
        vm.change_slots_elsewhere()
    watch = Watch(vm)
    with intruded_by(watch):
        TOUCHES[name](vm)
    assert watch.nr_seen
    assert watch.wrong == set()
