import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.model import steps
from tests.model.vm import Vm
from xenperf.jit import INTERPRETED
from xenperf.memory import Arena
from xenperf.model.layout import VM
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
    steps.leave_srcu(cpu, idx)
    assert ends(updater)
    assert len(vm.host.observed.memslots()) == 0
