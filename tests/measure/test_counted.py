"""Counting in turn: single operations, medians that were seen, balanced order."""

from dataclasses import asdict, dataclass, field, fields

import numpy as np
import pytest
from numpy.typing import NDArray

from xenperf.measure.counted import CYCLES, OPERATIONS, WARM_UP_ROUNDS, count_in_turn
from xenperf.measure.schedule import Slices, WrongAnswerError


@dataclass
class Counted:
    """A loop whose operations take what it is told, again and again."""

    name: str
    ticks: tuple[int, ...]
    log: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    misses: int = 0

    def __call__(self, n: int) -> int:
        return n

    def each(self, n: int) -> tuple[int, NDArray[np.int64]]:
        self.log.append(self.name)
        self.sizes.append(n)
        return n - self.misses, np.resize(np.array(self.ticks, np.int64), n)


def test_a_slice_is_the_median_of_single_operations() -> None:
    a = Counted("a", (1824, 1824, 9000, 1824))  # every fourth meets a tick of the timer
    n, (slices,) = count_in_turn([a], rounds=3, start=0, cycle=1)
    assert n == 1
    assert slices.cpu_ns == slices.wall_ns == [1824] * 3
    assert a.sizes == [OPERATIONS] * (3 + WARM_UP_ROUNDS)


def test_every_list_of_a_slice_has_a_figure_for_each_round() -> None:
    _, (slices,) = count_in_turn([Counted("a", (1824,))], rounds=3, start=0, cycle=1)
    assert {name: len(values) for name, values in asdict(slices).items()} == dict.fromkeys(
        (each.name for each in fields(Slices)), 3
    )


def test_an_even_split_gives_a_count_that_was_seen() -> None:
    _, (slices,) = count_in_turn([Counted("a", (10, 11))], rounds=1, start=0, cycle=1)
    assert slices.cpu_ns[0] in (10, 11)


def test_a_cycle_is_counted_as_a_whole() -> None:
    a = Counted("a", (1, 2, 3, 4))
    n, (slices,) = count_in_turn([a], rounds=2, start=0, cycle=4)
    assert (n, slices.cpu_ns) == (4, [10, 10])
    assert a.sizes[-1] == CYCLES * 4


def test_rounds_take_turns_as_slices_do() -> None:
    log: list[str] = []
    sides = [Counted(name, (5,), log) for name in "ab"]
    count_in_turn(sides, rounds=4, start=0, cycle=1)
    assert "".join(log[2 * WARM_UP_ROUNDS :]) == "abbaabba"


def test_a_wrong_answer_is_no_count() -> None:
    with pytest.raises(WrongAnswerError, match="1 of 255 operations"):
        count_in_turn([Counted("a", (5,), misses=1)], rounds=1, start=0, cycle=1)


def test_a_loop_that_cannot_be_looked_at_is_told() -> None:
    with pytest.raises(WrongAnswerError, match="cannot count single operations"):
        count_in_turn([lambda n: n], rounds=1, start=0, cycle=1)
