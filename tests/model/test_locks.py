import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.model import steps
from tests.model.intruder import Steps, at_every_step, intruded_by, single_stepped
from tests.model.vm import Vm
from xenperf.abi.kvm import EvtchnFlag
from xenperf.jit import INTERPRETED
from xenperf.memory import Arena
from xenperf.model.layout import CPU, NR_CPUS, VM
from xenperf.sources import GuestCall, PortRequest
from xenperf.units import Khva

ROUNDS = 1_000 if INTERPRETED else 200_000
A_WHILE = 0.05
FOREVER = 30


@pytest.fixture
def khva() -> Iterator[Khva]:
    """A lock at rest, and cells 64 bytes further on."""
    with Arena(4096) as arena:
        yield arena.khva
        assert arena.view("<u4", 0, 2).tolist() == [0, 0]


def word(khva: Khva) -> int:
    return int(np.ctypeslib.as_array((np.ctypeslib.ctypes.c_uint32 * 1).from_address(khva))[0])


def starts(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def ends(thread: threading.Thread) -> bool:
    thread.join(FOREVER)
    return not thread.is_alive()


def waits(thread: threading.Thread) -> bool:
    thread.join(A_WHILE)
    return thread.is_alive()


def both(first: Callable[[], object], second: Callable[[], object]) -> None:
    threads = [starts(first), starts(second)]
    assert all(ends(thread) for thread in threads)


def test_a_spinlock_loses_no_addition_of_two_threads(khva: Khva) -> None:
    cell = np.zeros(1, np.uint64)

    def work() -> object:
        return steps.add_under_spinlock(khva, cell.ctypes.data, ROUNDS)

    both(work, work)
    assert cell[0] == 2 * ROUNDS


@single_stepped
def test_a_spinlock_taken_at_any_step_is_waited_for(khva: Khva) -> None:
    def take_at(place: int) -> bool:
        taken: list[int] = []

        def take(found: Steps, operation: str, _: int) -> None:
            if found.nr_steps == place and not word(khva):
                steps.enter_spinning(khva)
                taken.append(place)
            elif operation == "pause" and taken:
                taken.pop()
                steps.leave_spinning(khva)

        with intruded_by(take) as found:
            steps.enter_spinning(khva)
        assert taken == []  # else both of them hold it
        steps.leave_spinning(khva)
        return place < found.nr_steps

    assert at_every_step(take_at) >= 1


def test_writers_exclude_each_other(khva: Khva) -> None:
    cells, torn = np.zeros(2, np.uint64), []

    def work() -> None:
        torn.append(steps.add_by_halves(khva, cells.ctypes.data, ROUNDS))

    both(work, work)
    assert torn == [0, 0]
    assert cells.tolist() == [2 * ROUNDS] * 2


def test_a_reader_never_sees_half_of_what_a_writer_did(khva: Khva) -> None:
    cells, torn = np.zeros(2, np.uint64), []
    both(
        lambda: torn.append(steps.add_by_halves(khva, cells.ctypes.data, ROUNDS)),
        lambda: torn.append(steps.compare_halves(khva, cells.ctypes.data, ROUNDS)),
    )
    assert torn == [0, 0]
    assert cells.tolist() == [ROUNDS] * 2


def test_readers_share_and_a_writer_waits_for_the_last(khva: Khva) -> None:
    steps.enter_reading(khva)
    steps.enter_reading(khva)
    assert word(khva) == 2 << 9
    writer = starts(lambda: steps.enter_writing(khva))
    assert waits(writer)
    steps.leave_reading(khva)
    assert waits(writer)
    steps.leave_reading(khva)
    assert ends(writer)
    assert word(khva) == 0xFF
    steps.leave_writing(khva)


def test_a_reader_waits_for_the_writer_inside(khva: Khva) -> None:
    steps.enter_writing(khva)
    reader = starts(lambda: steps.enter_reading(khva))
    assert waits(reader)
    steps.leave_writing(khva)
    assert ends(reader)
    steps.leave_reading(khva)


def test_a_new_reader_queues_behind_a_waiting_writer(khva: Khva) -> None:
    """So that a stream of senders cannot starve a notifier."""
    steps.enter_reading(khva)
    writer = starts(lambda: steps.enter_writing(khva))
    assert becomes(lambda: word(khva), 1 << 9 | 0x100)
    assert waits(writer)
    reader = starts(lambda: steps.enter_reading(khva))
    assert waits(reader)
    steps.leave_reading(khva)
    assert ends(writer)
    assert waits(reader)
    steps.leave_writing(khva)
    assert ends(reader)
    steps.leave_reading(khva)


def test_a_second_writer_waits_for_the_first(khva: Khva) -> None:
    steps.enter_writing(khva)
    writer = starts(lambda: steps.enter_writing(khva))
    assert waits(writer)
    steps.leave_writing(khva)
    assert ends(writer)
    steps.leave_writing(khva)


def becomes(found: Callable[[], int], value: int) -> bool:
    """Tell whether *value* is found at all: a loaded machine takes its time."""
    deadline = time.monotonic() + FOREVER
    while found() != value and time.monotonic() < deadline:
        time.sleep(0.001)
    return found() == value


def srcu_idx(vm: Vm) -> int:
    return int(vm.host.state.view("vm", VM)[0]["srcu_idx"])


def test_a_grace_period_without_readers_ends_at_once_and_flips_the_index(vm: Vm) -> None:
    steps.synchronize(vm.host.state.vm)
    flips = srcu_idx(vm)
    steps.synchronize(vm.host.state.vm)
    assert srcu_idx(vm) == flips + 1


@pytest.mark.parametrize("number", [0, 1, 7])
def test_a_grace_period_waits_for_a_reader_on_any_processor(vm: Vm, number: int) -> None:
    state, cpu = vm.host.state, vm.cpu(number)
    idx = steps.enter_srcu(state.vm, cpu)
    updater = starts(lambda: steps.synchronize(state.vm))
    assert waits(updater)
    steps.leave_srcu(cpu, idx)
    assert ends(updater)


def test_a_grace_period_waits_for_the_last_of_nested_readers(vm: Vm) -> None:
    state, cpu = vm.host.state, vm.cpu(1)
    outer, inner = steps.enter_srcu(state.vm, cpu), steps.enter_srcu(state.vm, cpu)
    updater = starts(lambda: steps.synchronize(state.vm))
    steps.leave_srcu(cpu, inner)
    assert waits(updater)
    steps.leave_srcu(cpu, outer)
    assert ends(updater)


def test_a_reader_may_leave_on_another_processor(vm: Vm) -> None:
    """Only the sums over all processors count."""
    state = vm.host.state
    idx = steps.enter_srcu(state.vm, vm.cpu(1))
    steps.leave_srcu(vm.cpu(2), idx)
    assert ends(starts(lambda: steps.synchronize(state.vm)))


def test_a_reader_that_came_after_the_flip_does_not_hold_the_grace_period_up(vm: Vm) -> None:
    state, flips = vm.host.state, srcu_idx(vm)
    early = steps.enter_srcu(state.vm, vm.cpu(1))
    updater = starts(lambda: steps.synchronize(state.vm))
    assert becomes(lambda: srcu_idx(vm), flips + 1)
    late = steps.enter_srcu(state.vm, vm.cpu(2))
    assert late != early
    assert waits(updater)
    steps.leave_srcu(vm.cpu(1), early)
    assert ends(updater)
    second = starts(lambda: steps.synchronize(state.vm))
    assert waits(second)  # but the next one
    steps.leave_srcu(vm.cpu(2), late)
    assert ends(second)


def test_a_slot_update_waits_for_readers_after_it_has_published(vm: Vm) -> None:
    state, cpu = vm.host.state, vm.cpu(1)
    idx = steps.enter_srcu(state.vm, cpu)
    updater = starts(lambda: vm.request(vm.without(0)))
    in_progress = 1 << 63 | 2  # the slot is INVALID in it
    assert becomes(lambda: vm.host.observed.generation, in_progress)
    assert waits(updater)
    record = state.view("vm", VM)[0]
    held = {name: int(record[name]) for name in ("slots_lock", "slots_arch_lock")}
    assert held == {"slots_lock": 1, "slots_arch_lock": 0}  # a reader may want the second
    steps.leave_srcu(cpu, idx)
    assert ends(updater)
    assert len(vm.host.observed.memslots()) == 0


def test_forgetting_a_port_waits_for_the_readers_that_may_use_it(vm: Vm) -> None:
    state, cpu = vm.host.state, vm.cpu(1)
    assert vm.host.set_evtchn(PortRequest(port=127, deliver_port=15)) == 0
    idx = steps.enter_srcu(state.vm, cpu)
    request = PortRequest(port=127, flags=EvtchnFlag.DEASSIGN)
    updater = starts(lambda: vm.host.set_evtchn(request))
    assert waits(updater)
    assert vm.host.guest_send(0, 127) == GuestCall.LEFT_TO_VMM  # it is out already
    steps.leave_srcu(cpu, idx)
    assert ends(updater)


@pytest.mark.parametrize("number", [0, 7])
def test_a_grace_period_waits_for_a_reader_that_read_the_index_before_a_flip(
    vm: Vm, number: int
) -> None:
    """It counts itself on the side that is idle by now."""
    counts = vm.host.state.view("cpus", CPU, NR_CPUS)[number]
    idle = ~srcu_idx(vm) & 1
    counts["srcu_locked"][idle] += 1
    updater = starts(lambda: steps.synchronize(vm.host.state.vm))
    assert waits(updater)
    counts["srcu_unlocked"][idle] += 1
    assert ends(updater)


@single_stepped
def test_a_reader_that_comes_and_goes_does_not_hide_one_that_stays(vm: Vm) -> None:
    """Wherever in the sums it does: those who left are counted before those who came."""
    state = vm.host.state

    def visit_at(place: int) -> bool:
        staying, waited = [steps.enter_srcu(state.vm, vm.cpu(1))], []
        side, counts = staying[0] // 8, state.view("cpus", CPU, NR_CPUS)[0]

        def visit(found: Steps, operation: str, _: int) -> None:
            if found.nr_steps == place:  # a reader that read the index before the flip
                counts["srcu_locked"][side] += 1
                counts["srcu_unlocked"][side] += 1
            if operation == "pause":  # the updater waits, so the reader may go
                waited.append(found.nr_steps)
                while staying:
                    steps.leave_srcu(vm.cpu(1), staying.pop())

        with intruded_by(visit) as found:
            steps.synchronize(state.vm)
        assert waited
        return place < found.nr_steps

    assert at_every_step(visit_at) > 40
