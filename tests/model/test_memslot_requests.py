"""A memslot request waits for the polls: they sleep with SRCU held, as real kernels show."""

import pytest

from tests.model.vm import Vm
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.sources import ENDLESS_POLL, GuestCall
from xenperf.units import Gpa

PORT, TIMER_PORT, MS = 66, 130, 1_000_000
ASLEEP = GuestCall.ASLEEP


@pytest.fixture
def sleeping_vm(active_vm: Vm) -> Vm:
    """A VM whose vCPU sleeps in a poll for 200 ms."""
    assert active_vm.host.guest_poll(0, [PORT], 200 * MS) == ASLEEP
    return active_vm


def request(vm: Vm, *, good: bool = True) -> tuple[list[int], int]:
    """Change a memslot elsewhere, or ask for one at no page; the outcome, and ns that passed."""
    before = vm.host.now_ns()
    if good:
        vm.change_slots_elsewhere()
        return [Status.OK], vm.host.now_ns() - before
    outcomes = vm.host.set_memory_regions([MemoryRegion(5, Gpa(1), 4096, vm.ram)])
    return outcomes, vm.host.now_ns() - before


def test_a_request_returns_when_the_poll_is_over(sleeping_vm: Vm) -> None:
    sleeping_vm.host.advance_time(50 * MS)
    assert request(sleeping_vm) == ([Status.OK], 150 * MS)
    assert sleeping_vm.host.poll_result(0) == 0
    assert request(sleeping_vm) == ([Status.OK], 0)


def test_a_refused_request_returns_at_once(sleeping_vm: Vm) -> None:
    assert request(sleeping_vm, good=False) == ([Status.EINVAL], 0)
    assert sleeping_vm.host.poll_result(0) == ASLEEP


def test_nobody_waits_for_a_poll_that_an_event_has_ended(sleeping_vm: Vm) -> None:
    assert sleeping_vm.send(PORT) == 0
    assert request(sleeping_vm) == ([Status.OK], 0)
    assert sleeping_vm.host.poll_result(0) == 0


def test_a_timer_that_wakes_the_poller_ends_the_wait(active_vm: Vm) -> None:
    host = active_vm.host
    host.set_timer(0, TIMER_PORT, host.now_ns() + 30 * MS)
    assert host.guest_poll(0, [PORT, TIMER_PORT], 200 * MS) == ASLEEP
    _, waited = request(active_vm)
    # by GPA the change itself has made the timer's event one for the vCPU, which wakes for that
    assert waited == 30 * MS


def test_requests_after_the_first_find_nobody_asleep(sleeping_vm: Vm) -> None:
    vm = sleeping_vm
    before = vm.host.now_ns()
    vm.request(*vm.break_apart(), *vm.rejoin())
    assert vm.host.now_ns() - before == 200 * MS


def test_a_poll_without_a_timeout_is_named_instead_of_waited_for(active_vm: Vm) -> None:
    host = active_vm.host
    generation = host.counters()["generation"]
    assert host.guest_poll(0, [PORT]) == ASLEEP
    for good in (True, False):
        with pytest.raises(ValueError, match=f"vcpu 0: {ENDLESS_POLL}"):
            request(active_vm, good=good)
    assert host.counters()["generation"] == generation
    assert active_vm.send(PORT) == 0
    assert request(active_vm) == ([Status.OK], 0)


def test_what_needs_no_grace_period_does_not_wait(sleeping_vm: Vm, activation: Activation) -> None:
    before = sleeping_vm.host.now_ns()
    sleeping_vm.activate_both(activation)
    assert sleeping_vm.host.poll_result(0) == ASLEEP
    assert sleeping_vm.host.now_ns() == before
