"""Every order that fences leave open, in every schedule: what a weakly ordered machine may show.

A thread is a list of loads, stores and fences. Between two fences its accesses may happen in any
order, but for those to the same word; two threads of them run on the deterministic engine of
``xenperf.explore`` with as many preemptions as there are accesses.
"""

from collections.abc import Iterator
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np

from xenperf.explore.actor import Actor, Run, Sharing, Touched
from xenperf.explore.engine import Engine
from xenperf.explore.tap import Tap


class Access(NamedTuple):
    """A load of a word, or a store of *value* to it."""

    word: str
    value: int | None = None


FENCE = Access("")
Thread = list[Access]
Loaded = tuple[int, ...]
"""What the loads of a thread found, in program order; values below 16."""


def without_fences(thread: Thread) -> Thread:
    return [access for access in thread if access != FENCE]


def orders(thread: Thread) -> Iterator[list[int]]:
    """Yield the places of *thread* in every order that its fences leave open."""
    groups: list[list[int]] = [[]]
    for idx, access in enumerate(thread):
        if access == FENCE:
            groups.append([])
        else:
            groups[-1].append(idx)
    allowed = [
        [order for order in permutations(group) if _keeps_words_in_order(thread, order)]
        for group in groups
    ]
    for chosen in product(*allowed):
        yield [idx for order in chosen for idx in order]


def _keeps_words_in_order(thread: Thread, order: tuple[int, ...]) -> bool:
    """Tell whether accesses to one word stay as they are written: no machine swaps those."""
    return all(
        first < second or thread[first].word != thread[second].word
        for place, first in enumerate(order)
        for second in order[place + 1 :]
    )


def outcomes(tap: Tap, first: Thread, second: Thread, **start: int) -> Iterator[Loaded]:
    """Yield what both threads' loads found, in every order and every schedule; words begin as 0."""
    names = sorted({access.word for access in (*first, *second)} - {""})
    cells = np.array([start.get(name, 0) for name in names], np.uint64)
    khvas = {name: np.uint64(cells.ctypes.data + 8 * idx) for idx, name in enumerate(names)}
    sharing = Sharing(set(), set(), everything=True)

    def actor(thread: Thread, order: list[int]) -> Actor:
        def act() -> int:
            return _perform(tap.words, thread, order, khvas)

        return Actor(lambda: Run(tap, act, sharing, Touched(), frozenset()))

    for first_order, second_order in product(orders(first), orders(second)):
        engine = Engine((actor(first, first_order), actor(second, second_order)), {})
        for end in engine.schedules(len(first) + len(second)):
            assert end.leaves is not None
            yield tuple(
                found
                for thread, (packed, _) in zip((first, second), end.leaves, strict=True)
                for found in _unpacked(thread, packed)
            )


def _perform(words: Any, thread: Thread, order: list[int], khvas: dict[str, np.uint64]) -> int:
    """Make the accesses in *order* and return what the loads found, four bits each."""
    found = 0
    for idx in order:
        word, value = thread[idx]
        if value is None:
            found |= int(words.load64(khvas[word])) << 4 * idx
        else:
            words.store64(khvas[word], np.uint64(value))
    return found


def _unpacked(thread: Thread, packed: int) -> Iterator[int]:
    for idx, access in enumerate(thread):
        if access.value is None and access != FENCE:
            yield packed >> 4 * idx & 15
