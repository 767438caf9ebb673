import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.model.steps import enter_reading, invalidate_all, leave_reading
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.abi.status import Status
from xenperf.hypervisor import Activation
from xenperf.model.layout import VM
from xenperf.units import PAGE_SIZE, Hva

GPA, HVA = Activation.GPA, Activation.HVA


def words(vm: Vm) -> tuple[int, int, int]:
    """Open ranges, ranges in progress, sequence."""
    record = vm.host.state.view("vm", VM)[0]
    names = ("mn_active_invalidate_count", "mmu_invalidate_in_progress", "mmu_invalidate_seq")
    return tuple(int(record[name]) for name in names)  # type: ignore[return-value]


def test_a_page_replaced_is_found_by_the_next_send(active_vm: Vm) -> None:  # cases 70 and 72
    page = active_vm.ram_page(OVERLAY_GFN)
    assert active_vm.send(66) == 0
    old = active_vm.khva(page)
    active_vm.host.replace_pages(page)
    assert active_vm.khva(page) != old
    assert active_vm.pending(page) == set()
    with active_vm.counting() as rise:
        assert active_vm.send(67) == 0
    assert active_vm.pending(page) == {67}
    assert (rise["nr_slow_sends"], rise["nr_gups"], rise["nr_lookups"]) == (1, 1, 0)


@pytest.mark.parametrize("change", ["replace", "unmap", "protect"])
def test_a_page_changes_only_inside_an_open_range_when_no_cache_relies_on_it(
    active_vm: Vm, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    vm, page, seen = active_vm, active_vm.ram_page(OVERLAY_GFN), []
    set_entries = vm.host.mm._set_entries

    def note(*args: Any, **kwargs: Any) -> None:
        seen.append((words(vm)[:2], vm.shinfo()["valid"]))
        set_entries(*args, **kwargs)

    monkeypatch.setattr(vm.host.mm, "_set_entries", note)
    {
        "replace": lambda: vm.host.replace_pages(page),
        "unmap": lambda: vm.host.unmap_pages(page),
        "protect": lambda: vm.host.protect_page(page, False),
    }[change]()
    assert seen == [((1, 1), 0)]
    assert words(vm)[:2] == (0, 0)


def test_a_page_taken_away_refuses_until_it_is_back(active_vm: Vm) -> None:
    page = active_vm.ram_page(OVERLAY_GFN)
    active_vm.host.unmap_pages(page)
    assert active_vm.send(66, 66) == [Status.EFAULT] * 2
    active_vm.host.replace_pages(page)
    assert active_vm.send(66) == 0
    assert active_vm.pending(page) == {66}


@pytest.mark.parametrize("read_first", [0, 1])
@pytest.mark.parametrize(
    ("first", "past", "hit"),
    [(-1, 0, False), (-1, 1, True), (0, 1, True), (1, 2, False), (-5, 20, True), (0, 0, False)],
)
def test_before_and_after_read_lock_first_exactly_the_caches_hit_are_cleared(
    active_vm: Vm, read_first: int, first: int, past: int, hit: bool
) -> None:
    """The rule is start <= uhva < end; vcpu_info lies two pages above."""
    state, page = active_vm.host.state, active_vm.ram_page(OVERLAY_GFN)
    before = active_vm.shinfo(), active_vm.vcpu_info_gpc()
    start, end = page + first * PAGE_SIZE, page + past * PAGE_SIZE
    with active_vm.counting() as rise:
        invalidate_all(state.vm, state.cpu, start, end, read_first)
    other_hit = past > VCPU_INFO_GFN - OVERLAY_GFN
    assert active_vm.shinfo() == before[0] | {"valid": int(not hit)}
    assert active_vm.vcpu_info_gpc() == before[1] | {"valid": int(not other_hit)}
    assert rise["nr_invalidated"] == hit + other_hit


@pytest.mark.parametrize("read_first", [0, 1])
def test_a_cache_within_its_page_is_hit_by_its_address(
    vm: Vm, activation: Activation, read_first: int
) -> None:
    assert vm.activate_vcpu_info(activation, offset=128) == 0
    state, uhva = vm.host.state, vm.vcpu_info_gpc()["uhva"]
    invalidate_all(state.vm, state.cpu, uhva - 128, uhva, read_first)
    assert vm.vcpu_info_gpc()["valid"]
    invalidate_all(state.vm, state.cpu, uhva, uhva + 1, read_first)
    assert not vm.vcpu_info_gpc()["valid"]


def test_what_is_invalid_or_inactive_is_not_counted_again(active_vm: Vm) -> None:
    page = active_vm.ram_page(OVERLAY_GFN)
    with active_vm.counting() as rise:
        active_vm.host.unmap_pages(page)
        active_vm.host.unmap_pages(page)
        active_vm.host.activate_vcpu_info_hva(0, Hva(0))
        active_vm.host.unmap_pages(active_vm.ram_page(VCPU_INFO_GFN))
    assert rise["nr_invalidated"] == 1


def test_all_caches_in_the_range_are_hit_at_once() -> None:
    vm = Vm(nr_vcpus=64)
    with vm.host:
        assert vm.activate_shinfo(GPA) == 0
        for vcpu_idx in range(64):
            assert vm.activate_vcpu_info(HVA if vcpu_idx % 2 else GPA, vcpu_idx) == 0
        with vm.counting() as rise:
            vm.host.replace_pages(vm.ram_page(VCPU_INFO_GFN))
        assert rise["nr_invalidated"] == 64
        assert vm.shinfo()["valid"]


def test_the_sequence_moves_at_the_end_and_only_if_a_slot_covers_the_range(vm: Vm) -> None:
    assert words(vm) == (0, 0, 0)
    with vm.open_range(vm.ram):
        assert words(vm) == (1, 1, 0)
        with vm.open_range(vm.spare):
            assert words(vm) == (2, 1, 0)
        assert words(vm) == (1, 1, 0)
    assert words(vm) == (0, 0, 1)
    with vm.open_range(vm.spare):
        assert words(vm) == (1, 0, 1)
    assert words(vm) == (0, 0, 1)


def runs_on(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_notifier_waits_for_a_reader_that_passed_its_check(active_vm: Vm) -> None:  # I20
    lock = active_vm.host.state.shinfo_gpc()
    enter_reading(lock)
    notifier = runs_on(lambda: active_vm.host.replace_pages(active_vm.ram_page(OVERLAY_GFN)))
    time.sleep(0.05)
    assert notifier.is_alive()
    assert active_vm.shinfo()["valid"]
    leave_reading(lock)
    notifier.join(20)
    assert not notifier.is_alive()
    assert not active_vm.shinfo()["valid"]


@pytest.mark.parametrize("read_first", [0, 1])
def test_an_unrelated_notifier_waits_for_a_reader_only_before_read_lock_first(
    active_vm: Vm, read_first: int
) -> None:  # case 82
    state, lock = active_vm.host.state, active_vm.host.state.shinfo_gpc()
    far = active_vm.spare
    enter_reading(lock)
    notifier = runs_on(
        lambda: invalidate_all(state.vm, active_vm.cpu(1), far, far + PAGE_SIZE, read_first)
    )
    notifier.join(5 if read_first else 0.05)
    assert notifier.is_alive() == (not read_first)
    leave_reading(lock)
    notifier.join(20)
    assert not notifier.is_alive()
    assert active_vm.shinfo()["valid"]


def test_a_refresh_spins_until_the_range_closes(active_vm: Vm) -> None:
    page, done = active_vm.ram_page(OVERLAY_GFN), []
    with active_vm.open_range(page):
        with active_vm.on_cpu(1):
            sender = runs_on(lambda: done.append(active_vm.send(66)))
            time.sleep(0.05)
        assert sender.is_alive()
        assert not active_vm.shinfo()["valid"]
    sender.join(20)
    assert done == [0]
    assert active_vm.host.counters()["nr_gups"] > 3
