import pytest

from tests.model.vm import OVERLAY_GFN, WHOLE, Vm
from xenperf.abi.kvm import HVA_OFF
from xenperf.abi.status import Status
from xenperf.abi.xen import VcpuOp
from xenperf.hypervisor import Activation
from xenperf.model.layout import VCPU
from xenperf.sources import GuestCall

GPA, HVA = Activation.GPA, Activation.HVA
PORT, MS = 66, 1_000_000


def pending(vm: Vm) -> set[int]:
    return vm.pending(vm.ram_page(OVERLAY_GFN))


def is_deferred(vm: Vm) -> bool:
    """Whether the callback left the event to the vCPU; never more than once (I18)."""
    count = int(vm.host.state.view("vcpus", VCPU, 1)[0]["timer_pending"])
    assert count in (0, 1)
    return bool(count)


def fire(vm: Vm) -> None:
    """A time that has passed fires within the request."""
    assert vm.host.set_timer(0, PORT, vm.host.now_ns() - 1) == 0


def absent(vm: Vm) -> None:
    vm.request(vm.without(WHOLE))


def test_a_past_time_sets_the_bit_at_once_where_the_cache_is_fresh(active_vm: Vm) -> None:
    """Case 51: since v6.7 no vCPU need run."""
    fire(active_vm)
    assert pending(active_vm) == {PORT}
    assert active_vm.host.get_timer(0) == 0


def test_the_present_is_no_future(active_vm: Vm) -> None:
    assert active_vm.host.set_timer(0, PORT, active_vm.host.now_ns()) == 0
    assert (pending(active_vm), active_vm.host.get_timer(0)) == ({PORT}, 0)


def test_a_timer_fires_when_its_time_comes_and_not_before(active_vm: Vm) -> None:
    host = active_vm.host
    expires = host.now_ns() + MS
    assert host.set_timer(0, PORT, expires) == 0
    assert host.advance_time(MS - 1) == 0
    assert (pending(active_vm), host.get_timer(0)) == (set(), expires)
    assert host.advance_time(1) == 1
    assert (pending(active_vm), host.get_timer(0)) == ({PORT}, 0)
    assert host.advance_time(10 * MS) == 0


def test_after_a_slot_change_a_timer_waits_for_the_vcpu_by_gpa(
    active_vm: Vm, activation: Activation
) -> None:
    active_vm.host.enter_guest(0)
    active_vm.change_slots_elsewhere()
    fire(active_vm)
    at_once = activation is HVA
    assert (is_deferred(active_vm), pending(active_vm) == {PORT}) == (not at_once, at_once)
    active_vm.host.enter_guest(0)
    assert (is_deferred(active_vm), pending(active_vm)) == (False, {PORT})
    assert active_vm.vcpu_info() == (2, 1)  # the shadow that it went through is merged
    assert active_vm.host.get_timer(0) == 0


def test_a_stopped_vcpus_timer_outlasts_the_window(active_vm: Vm) -> None:  # case 47
    absent(active_vm)
    fire(active_vm)
    active_vm.request(active_vm.whole())
    active_vm.host.enter_guest(0)
    assert (pending(active_vm), active_vm.vcpu_info()) == ({PORT}, (2, 1))


def test_a_vcpu_that_runs_in_the_window_loses_its_timer_by_gpa(  # case 48
    active_vm: Vm, activation: Activation
) -> None:
    absent(active_vm)
    fire(active_vm)
    active_vm.host.enter_guest(0)
    assert (is_deferred(active_vm), active_vm.host.get_timer(0)) == (False, 0)
    active_vm.request(active_vm.whole())
    active_vm.host.enter_guest(0)
    assert pending(active_vm) == ({PORT} if activation is HVA else set())


def test_reading_the_timer_in_the_window_loses_it_by_gpa(  # case 46
    active_vm: Vm, activation: Activation
) -> None:
    absent(active_vm)
    fire(active_vm)
    assert active_vm.host.get_timer(0) == 0
    active_vm.request(active_vm.whole())
    active_vm.host.enter_guest(0)
    assert pending(active_vm) == ({PORT} if activation is HVA else set())


def test_reading_a_deferred_timer_injects_it_where_the_page_is_there(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.change_slots_elsewhere()
    fire(vm)
    assert pending(vm) == set()
    assert vm.host.get_timer(0) == 0
    assert pending(vm) == {PORT}


def test_while_shared_info_is_off_the_next_entry_loses_it(
    active_vm: Vm, activation: Activation
) -> None:
    active_vm.host.activate_shinfo_hva(HVA_OFF)
    fire(active_vm)
    assert is_deferred(active_vm)
    active_vm.host.enter_guest(0)
    assert active_vm.activate_shinfo(activation) == 0
    active_vm.host.enter_guest(0)
    assert (is_deferred(active_vm), pending(active_vm)) == (False, set())


def test_20_windows_lose_20_timers_of_a_running_vcpu_by_gpa_and_none_else(
    active_vm: Vm, activation: Activation
) -> None:
    """As real kernels answered, window by window; a stopped vCPU loses none."""
    lost = {"running": 0, "stopped": 0}
    for vcpu in lost:
        for _ in range(20):
            absent(active_vm)
            fire(active_vm)
            if vcpu == "running":
                active_vm.host.enter_guest(0)
            active_vm.request(active_vm.whole())
            active_vm.host.enter_guest(0)
            lost[vcpu] += pending(active_vm) != {PORT}
            active_vm.host.write(active_vm.ram_page(OVERLAY_GFN), bytes(0x1000))
    assert lost == {"running": 20 if activation is GPA else 0, "stopped": 0}


def test_a_port_past_the_limit_drops_the_event(active_vm: Vm) -> None:
    """-EINVAL ends it in the callback; only -EWOULDBLOCK defers."""
    assert active_vm.host.set_timer(0, 5000, 1) == 0
    assert (is_deferred(active_vm), active_vm.host.get_timer(0)) == (False, 0)


def test_setting_a_timer_stops_the_old_one_and_what_it_left(vm: Vm) -> None:
    vm.activate_both(GPA)
    vm.change_slots_elsewhere()
    fire(vm)
    assert is_deferred(vm)
    assert vm.host.set_timer(0, PORT, 0) == 0
    vm.host.enter_guest(0)
    assert (is_deferred(vm), pending(vm)) == (False, set())
    assert vm.host.set_timer(0, PORT, vm.host.now_ns() + MS) == 0
    assert vm.host.set_timer(0, 0, vm.host.now_ns() + MS) == 0
    assert vm.host.advance_time(2 * MS) == 0


def test_only_the_2level_priority_is_taken_unless_there_is_no_port(vm: Vm) -> None:
    assert vm.host.set_timer(0, PORT, 1, priority=0) == Status.EINVAL
    assert vm.host.set_timer(0, 0, 1, priority=0) == 0
    assert not is_deferred(vm)


def test_the_guest_sets_and_stops_its_timer(active_vm: Vm) -> None:
    host = active_vm.host
    assert host.guest_set_timer(0, MS) == GuestCall.LEFT_TO_VMM  # the VMM named no port yet
    assert host.set_timer(0, PORT, 0) == 0
    expires = host.now_ns() + MS
    assert host.guest_set_timer(0, expires) == 0
    assert host.get_timer(0) == expires
    assert host.guest_set_timer(0, 0) == 0
    assert (host.get_timer(0), host.advance_time(2 * MS), pending(active_vm)) == (0, 0, set())


@pytest.mark.parametrize(
    ("ahead", "becomes"),
    [(1 << 50, 100 * MS), ((1 << 50) - 1, (1 << 50) - 1), ((1 << 63) - 1, 100 * MS), (MS, MS)],
)
def test_set_timer_op_takes_a_time_too_far_off_for_an_overflow(
    active_vm: Vm, ahead: int, becomes: int
) -> None:
    host = active_vm.host
    assert host.set_timer(0, PORT, 0) == 0
    assert host.guest_set_timer(0, host.now_ns() + ahead) == 0
    assert host.get_timer(0) == host.now_ns() + becomes


def test_a_negative_time_is_100_ms_to_set_timer_op_and_past_to_the_singleshot(
    active_vm: Vm,
) -> None:
    host = active_vm.host
    assert host.set_timer(0, PORT, 0) == 0
    assert host.guest_set_timer(0, -1) == 0
    assert host.get_timer(0) == host.now_ns() + 100 * MS
    assert host.guest_set_singleshot(0, 2**64 - 1) == 0
    assert (host.get_timer(0), pending(active_vm)) == (0, {PORT})


def test_the_singleshot_timer_belongs_to_the_vcpu_that_the_guest_means(active_vm: Vm) -> None:
    host = active_vm.host
    assert host.set_timer(0, PORT, 0) == 0
    expires = host.now_ns() + MS
    assert host.set_vcpu_id(0, 7) == 0
    assert host.guest_set_singleshot(0, expires, vcpu_id=0) == Status.EINVAL
    assert host.guest_set_singleshot(0, expires, vcpu_id=7) == 0
    assert host.get_timer(0) == expires
    assert host.guest_set_singleshot(0, None, vcpu_id=0) == Status.EINVAL
    assert host.guest_set_singleshot(0, None, vcpu_id=7) == 0
    assert host.get_timer(0) == 0
    assert host.hypercall(0, 24, VcpuOp.SET_SINGLESHOT_TIMER, 7, 0) == Status.EFAULT
    assert host.set_vcpu_id(0, 1024) == Status.EINVAL


def test_time_does_not_go_back(vm: Vm) -> None:
    with pytest.raises(ValueError, match="time does not go back"):
        vm.host.advance_time(-1)
