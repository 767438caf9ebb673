"""Toy operations, whose schedules can be counted by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xenperf.explore.actor import Actor, Run, Sharing, Touched
from xenperf.explore.engine import BLOCKED, End, Engine
from xenperf.explore.schedule import parse, render
from xenperf.explore.tap import Tap

NAMES = ("a", "b")
Toy = Callable[[], Any]


@pytest.fixture(scope="module")
def tap() -> Tap:
    return Tap()


class Cells:
    """A few words that toys share."""

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.array = np.zeros(8, np.uint64)

    def at(self, idx: int) -> np.uint64:
        return np.uint64(self.array.ctypes.data + idx * 8)

    def add_one(self) -> int:
        words = self.tap.words
        found = words.load64(self.at(0))
        words.store64(self.at(0), found + np.uint64(1))
        return int(found)

    def touch(self, times: int) -> Toy:
        def act() -> int:
            for _ in range(times):
                self.tap.words.fetch_add64(self.at(1), 1)
            return 0

        return act

    def lock_both(self, first: int, second: int) -> Toy:
        locks = self.tap.model("locks")

        def act() -> int:
            locks.spin_lock(self.at(first))
            locks.spin_lock(self.at(second))
            locks.spin_unlock(self.at(second))
            locks.spin_unlock(self.at(first))
            return 0

        return act

    def engine(self, first: Toy, second: Toy) -> Engine:
        sharing = Sharing(set(), set(), everything=True)

        def actor(toy: Toy) -> Actor:
            return Actor(lambda: Run(self.tap, toy, sharing, Touched(), frozenset()))

        return Engine((actor(first), actor(second)), {})

    def value(self, end: End, idx: int) -> int:
        return end.memory[int(self.at(idx))]


@pytest.fixture
def cells(tap: Tap) -> Cells:
    return Cells(tap)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 5), (4, 3)])
def test_schedules_are_as_many_as_can_be_counted(cells: Cells, n: int, m: int) -> None:
    """Who starts; then each cut in either; then each cut in one and one in the other."""

    def count(nr_preemptions: int) -> int:
        engine = cells.engine(cells.touch(n), cells.touch(m))
        ends = list(engine.schedules(nr_preemptions))
        assert all(cells.value(end, 1) == n + m for end in ends)
        return len(ends)

    cuts = (n - 1) + (m - 1)
    assert count(0) == 2
    assert count(1) == 2 + cuts
    assert count(2) == 2 + cuts + 2 * (n - 1) * (m - 1)


def test_a_lost_update_needs_one_preemption(cells: Cells) -> None:
    engine = cells.engine(cells.add_one, cells.add_one)
    assert {cells.value(end, 0) for end in engine.schedules(0)} == {2}
    sums = {render(end.turns, NAMES): cells.value(end, 0) for end in engine.schedules(1)}
    assert sums == {"a": 2, "b": 2, "a:1 b": 1, "b:1 a": 1}


def test_locks_in_different_order_block_for_ever_in_some_schedule(cells: Cells) -> None:
    engine = cells.engine(cells.lock_both(0, 1), cells.lock_both(1, 0))
    ends = {render(end.turns, NAMES): end.faults for end in engine.schedules(1)}
    assert ends["a"] == ends["b"] == ()
    assert (BLOCKED,) in ends.values()


def test_locks_in_one_order_never_do_and_a_waiter_hands_over_for_free(cells: Cells) -> None:
    engine = cells.engine(cells.lock_both(0, 1), cells.lock_both(0, 1))
    ends = list(engine.schedules(2))
    assert len(ends) > 10
    assert all(end.faults == () and end.leaves is not None for end in ends)


def test_waiting_for_somebody_who_never_comes_is_blocked(cells: Cells) -> None:
    locks = cells.tap.model("locks")
    keep = lambda: locks.spin_lock(cells.at(0)) or 0  # noqa: E731
    ends = list(cells.engine(keep, keep).schedules(0))
    assert [end.faults for end in ends] == [(BLOCKED,)] * 2


def test_a_schedule_replays_to_the_same_end(cells: Cells) -> None:
    engine = cells.engine(cells.lock_both(0, 1), cells.lock_both(1, 0))
    for end in engine.schedules(2):
        text = render(end.turns, NAMES)
        fresh = cells.engine(cells.lock_both(0, 1), cells.lock_both(1, 0))
        again = fresh.replay(parse(text, NAMES))
        assert (again.faults, again.memory, again.turns) == (end.faults, end.memory, end.turns)


@pytest.mark.parametrize(
    ("schedule", "why"),
    [
        ("a:9 b", "turn 1 hands over before its access 9"),
        ("a b a", "ends within turn 2"),
        ("a b:1 a", "the other actor cannot go on"),
        ("a:1 b b", "turn 3"),
    ],
)
def test_a_schedule_of_other_code_is_refused(cells: Cells, schedule: str, why: str) -> None:
    engine = cells.engine(cells.touch(3), cells.touch(3))
    with pytest.raises(ValueError, match=why):
        engine.replay(parse(schedule, NAMES))
