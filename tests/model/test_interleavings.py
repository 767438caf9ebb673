"""What another actor does between two steps of the model; only interpreted code can be stopped.

Compiled, one test here runs all of the others in an interpreter of its own.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.model.intruder import Steps, at_every_step, intruded_by, single_stepped
from tests.model.invariants import assert_consistent
from tests.model.steps import refresh_once
from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from xenperf.abi.status import Status
from xenperf.abi.structs import offset_of
from xenperf.hypervisor import Activation
from xenperf.jit import INTERPRETED
from xenperf.model.layout import CPU, VCPU, VM
from xenperf.units import PAGE_SIZE, Hva

GPA, HVA = Activation.GPA, Activation.HVA


def refresh(vm: Vm) -> int:
    state = vm.host.state
    rc = refresh_once(state.vm, state.cpu, state.shinfo_gpc(), PAGE_SIZE)
    return rc - (1 << 64) if rc >> 63 else rc


def at_relock(vm: Vm, nr_gups: int, act: Callable[[], object]) -> Callable[[Steps, str, int], None]:
    """Act once, when the lock is about to be taken again after that many walks."""
    state, done = vm.host.state, []
    gup_counter = state.cpu + offset_of(CPU, "nr_gups")
    seen = []

    def intrude(_: Steps, operation: str, khva: int) -> None:
        if operation == "store" and khva == gup_counter:
            seen.append(khva)
        is_relock = operation == "compare_exchange" and khva == state.shinfo_gpc()
        if is_relock and len(seen) == nr_gups and not done:
            done.append(act())

    return intrude


def stale_by_notifier(vm: Vm, activation: Activation) -> Hva:
    vm.activate_both(activation)
    page = vm.ram_page(OVERLAY_GFN)
    vm.host.replace_pages(page)
    return page


@single_stepped
def test_a_notifier_between_walk_and_lock_makes_the_refresh_retry(  # case 81
    vm: Vm, activation: Activation
) -> None:
    page = stale_by_notifier(vm, activation)
    old_pfn = vm.host.mm.pfn(page)
    seen = []

    def replace() -> None:
        with vm.on_cpu(1):
            vm.host.replace_pages(page)

    relock = at_relock(vm, 1, replace)

    def intrude(steps: Steps, operation: str, khva: int) -> None:
        relock(steps, operation, khva)
        gpc = vm.shinfo()
        seen.append((gpc["valid"], gpc["pfn"]))

    with vm.counting() as rise, intruded_by(intrude):
        assert refresh(vm) == 0
    assert rise["nr_gups"] == 2
    assert (1, old_pfn) not in seen
    assert vm.shinfo()["pfn"] == vm.host.mm.pfn(page) != old_pfn


@single_stepped
def test_a_refresh_walks_again_and_again_while_a_range_is_open(
    vm: Vm, activation: Activation
) -> None:
    page = stale_by_notifier(vm, activation)
    range_open = vm.open_range(page)
    with vm.on_cpu(1):
        range_open.__enter__()

    def close() -> None:
        vm.host.mm.show(page, vm.host.memory.allocate(), 1)
        with vm.on_cpu(1):
            range_open.__exit__(None, None, None)

    with vm.counting() as rise, intruded_by(at_relock(vm, 5, close)):
        assert refresh(vm) == 0
    assert rise["nr_gups"] == 6  # the fifth walk saw the page go
    assert vm.shinfo()["pfn"] == vm.host.mm.pfn(page)


@single_stepped
def test_a_page_taken_away_between_walk_and_lock_fails_the_refresh(
    vm: Vm, activation: Activation
) -> None:
    page = stale_by_notifier(vm, activation)
    unmap = at_relock(vm, 1, lambda: vm.host.unmap_pages(page))
    with vm.on_cpu(0), intruded_by(unmap):
        assert refresh(vm) == Status.EFAULT
    assert (vm.shinfo()["valid"], vm.shinfo()["khva"]) == (0, 0)


@single_stepped
def test_outside_every_slot_a_completed_notifier_goes_unseen(vm: Vm) -> None:
    """The kernel's own hole: the sequence moves only where a slot covers the range."""
    vm.host.activate_shinfo_hva(vm.spare)
    vm.host.replace_pages(vm.spare)
    old_pfn = vm.host.mm.pfn(vm.spare)
    with intruded_by(at_relock(vm, 1, lambda: vm.host.replace_pages(vm.spare))):
        assert refresh(vm) == 0
    gpc = vm.shinfo()
    assert (gpc["valid"], gpc["pfn"]) == (1, old_pfn)
    assert gpc["pfn"] != vm.host.mm.pfn(vm.spare)
    vm.host.replace_pages(vm.spare)


def nobody_locks(vm: Vm) -> bool:
    record = vm.host.state.view("vm", VM)[0]
    locks = ("gpc_lock", "mn_invalidate_lock")
    return not vm.shinfo()["lock"] and not any(int(record[name]) for name in locks)


REFRESHES: dict[str, Callable[[Vm], object]] = {
    "refresh": lambda vm: vm.send(66),
    "activate by gpa": lambda vm: vm.activate_shinfo(GPA),
    "activate by hva": lambda vm: vm.activate_shinfo(HVA),
}


@single_stepped
@pytest.mark.parametrize("name", REFRESHES)
def test_a_notifier_at_any_step_of_a_refresh_leaves_no_stale_mapping(
    activation: Activation, name: str
) -> None:
    """Where the intruder would wait for a lock it cannot come in between; the rest is tried."""
    tried = []

    def replace_at(place: int) -> bool:
        vm = Vm(nr_pages=96)
        with vm.host:
            page = stale_by_notifier(vm, activation)

            def intrude(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place and nobody_locks(vm):
                    tried.append(place)
                    with vm.on_cpu(1):
                        vm.host.replace_pages(page)

            with intruded_by(intrude) as steps:
                REFRESHES[name](vm)
            assert_consistent(vm.host)
            return place < steps.nr_steps

    at_every_step(replace_at)
    assert len(tried) > 20


@single_stepped
@pytest.mark.parametrize("long_mode", [True, False])
def test_a_merge_loses_no_bit_whenever_another_one_is_set(long_mode: bool) -> None:  # I10
    def set_at(place: int) -> bool:
        vm = Vm()
        with vm.host:
            vm.activate_shinfo(HVA)
            vm.set_long_mode(long_mode)
            assert vm.send(66, 130) == [0, 0]
            vm.activate_vcpu_info(GPA)
            before = vm.shadow()

            def set_one(steps: Steps, _: str, __: int) -> None:
                if steps.nr_steps == place:
                    vm.host.state.view("vcpus", VCPU)[0]["shadow_sel"] |= 1 << 9

            with intruded_by(set_one) as steps:
                vm.host.enter_guest(0)
            if place < steps.nr_steps:
                selector, upcall = vm.vcpu_info()
                assert selector | vm.shadow() == before | 1 << 9
                assert (upcall, selector & before) == (1, before)
            return place < steps.nr_steps

    assert at_every_step(set_at) > 20


@single_stepped
def test_pending_is_set_before_the_selector_and_that_before_the_upcall(active_vm: Vm) -> None:
    shared_info = active_vm.khva(active_vm.ram_page(OVERLAY_GFN))
    vcpu_info = active_vm.khva(active_vm.ram_page(VCPU_INFO_GFN))
    touched = []

    def note(_: Steps, operation: str, khva: int) -> None:
        if shared_info <= khva < shared_info + PAGE_SIZE:
            touched.append((operation, khva - shared_info))
        elif vcpu_info <= khva < vcpu_info + 64:
            touched.append((operation, 0x10000 + khva - vcpu_info))

    with intruded_by(note):
        active_vm.send(66)
    assert touched == [("or", 0x808), ("load", 0xA08), ("or", 0x10008), ("store", 0x10000)]


@single_stepped
def test_a_mapping_is_not_valid_while_another_is_looked_for(vm: Vm) -> None:
    """Whoever gets the lock between two steps of a refresh may trust what is valid."""
    vm.activate_both(GPA)
    vm.request(*vm.break_apart())
    seen = set()

    def look(_: Steps, __: str, ___: int) -> None:
        gpc = vm.shinfo()
        if not gpc["lock"] and gpc["valid"]:
            seen.add((gpc["uhva"], gpc["pfn"]))

    with intruded_by(look):
        assert refresh(vm) == 0
    look(Steps(look), "", 0)
    pages = vm.ram_page(OVERLAY_GFN), vm.overlay
    assert seen == {(page, vm.host.mm.pfn(page)) for page in pages}


@pytest.mark.skipif(INTERPRETED, reason="they have just run")
def test_the_interleavings_hold_in_an_interpreter() -> None:
    here = Path(__file__)
    names = ("interleaved_updates", "interleaved_events", "fences", "lock_rules", "locks")
    files = [here, *(here.with_name(f"test_{name}.py") for name in names)]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *map(str, files)],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        cwd=here.parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
