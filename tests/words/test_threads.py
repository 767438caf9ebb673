"""Shared words among real threads: waiting ends, no update is lost, barriers order."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.words.racing import TRIALS, Race, inlined, native, run_at_once
from xenperf.jit import INTERPRETED
from xenperf.words import (
    bit_test_and_set64,
    compare_exchange64,
    exchange64,
    fetch_add64,
    fetch_add_acquire32,
    fetch_add_release32,
    fetch_and64,
    fetch_or64,
    full_barrier,
    interpreted,
    load64,
    sched_yield,
    store64,
)

ZERO, ONE, TWO, FOUR = (np.uint64(value) for value in (0, 1, 2, 4))
NARROW_ONE = np.uint32(1)
PATIENCE = np.uint64(255)
NR_UPDATES = 1_000 if INTERPRETED else 1_000_000


@pytest.fixture
def memory() -> NDArray[np.uint64]:
    return np.zeros(64, np.uint64)


@pytest.fixture
def eager_switching() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@native
def wait_for_a_store(khva: Any) -> Any:
    turns = ZERO
    while load64(khva) == ZERO:
        turns += ONE
        if turns & PATIENCE == ZERO:
            sched_yield()
    return turns


def test_a_loop_that_waits_on_a_load_ends_when_another_thread_stores(
    memory: NDArray[np.uint64],
) -> None:
    khva, turns = np.uint64(memory.ctypes.data), []
    memory[0] = 1
    wait_for_a_store(khva)  # compiles
    memory[0] = 0

    def store_later() -> None:
        time.sleep(0.05)
        interpreted.store64(khva, 1)

    with np.errstate(over="ignore"):
        assert run_at_once(lambda: turns.append(wait_for_a_store(khva)), store_later)
    assert turns[0] > 0, "it did wait"


@native
def add_64(khva: Any, n: Any) -> None:
    i = ZERO
    while i < n:
        fetch_add64(khva, ONE)
        i += ONE


@native
def add_32(khva: Any, n: Any) -> None:
    i = ZERO
    while i < n:
        fetch_add_acquire32(khva, NARROW_ONE)
        i += TWO
        fetch_add_release32(khva, NARROW_ONE)


@native
def own_bit_on_and_off(khva: Any, n: Any) -> None:
    """Set and clear bit 1; the other thread counts in the bits above."""
    i = ZERO
    while i < n:
        fetch_or64(khva, TWO)
        fetch_and64(khva, ~TWO)
        i += TWO


@native
def count_above_the_bit(khva: Any, n: Any) -> None:
    i = ZERO
    while i < n:
        fetch_add64(khva, FOUR)
        i += ONE


@pytest.mark.parametrize("add", [add_64, add_32])
def test_two_threads_lose_no_update(memory: NDArray[np.uint64], add: Callable[..., Any]) -> None:
    khva, n = np.uint64(memory.ctypes.data), np.uint64(NR_UPDATES)
    assert run_at_once(lambda: add(khva, n), lambda: add(khva, n))
    assert memory[0] == 2 * NR_UPDATES
    assert not memory[1:].any()


def test_different_operations_on_one_word_lose_no_update(memory: NDArray[np.uint64]) -> None:
    khva, n = np.uint64(memory.ctypes.data), np.uint64(NR_UPDATES)
    assert run_at_once(lambda: own_bit_on_and_off(khva, n), lambda: count_above_the_bit(khva, n))
    assert memory[0] == 4 * NR_UPDATES


@pytest.mark.usefixtures("eager_switching")
def test_interpreted_stores_do_not_vanish_in_an_update(memory: NDArray[np.uint64]) -> None:
    """A byte stored beside a count in one word, as a writer leaves a lock that readers count in."""
    khva, lost = memory.ctypes.data, []

    def store_and_look() -> None:
        for value in range(20_000):
            interpreted.store8(khva, value & 0xFF)
            if interpreted.load8(khva) != value & 0xFF:
                lost.append(value)

    def count() -> None:
        for _ in range(20_000):
            interpreted.fetch_add64(khva, 0x100)

    assert run_at_once(store_and_look, count)
    assert lost == []
    assert memory[0] >> np.uint64(8) == 20_000


# Store buffering: each of two threads stores to its own word, then loads the other's. Without
# order between the two, both may load 0, as each store still waits in its processor's buffer.

BOTH_ZERO, BOTH_ONE = (0, 0), (1, 1)
ENOUGH_SEEN, LIMIT_S, FACTOR = 10, 2.0, 5


def _loaded(race: Race) -> Counter[tuple[int, int]]:
    """Run all trials once and count what the two threads loaded."""
    loaded: Counter[tuple[int, int]] = Counter()
    for (first, second, *_), count in race.outcomes().items():
        loaded[first, second] += count
    return loaded


@inlined
def relaxed(mine: Any, other: Any) -> Any:
    store64(mine, ONE)
    return load64(other)


@inlined
def with_full_barrier(mine: Any, other: Any) -> Any:
    store64(mine, ONE)
    full_barrier()
    return load64(other)


@inlined
def with_exchange(mine: Any, other: Any) -> Any:
    exchange64(mine, ONE)
    return load64(other)


@inlined
def with_fetch_or(mine: Any, other: Any) -> Any:
    fetch_or64(mine, ONE)
    return load64(other)


@inlined
def with_bit_test_and_set(mine: Any, other: Any) -> Any:
    bit_test_and_set64(mine, ZERO)
    return load64(other)


@inlined
def with_compare_exchange(mine: Any, other: Any) -> Any:
    compare_exchange64(mine, ZERO, ONE)
    return load64(other)


@pytest.fixture(scope="module")
def nr_rounds() -> int:
    """Return the rounds in which relaxed accesses were reordered many times."""
    if INTERPRETED:
        pytest.skip("the interpreter reorders nothing: NUMBA_DISABLE_JIT is set")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor: two threads never run at once")
    race, seen, rounds = Race(relaxed, relaxed), 0, 0
    deadline = time.monotonic() + LIMIT_S
    while seen < ENOUGH_SEEN and time.monotonic() < deadline:
        seen += _loaded(race)[BOTH_ZERO]
        rounds += 1
    if seen < ENOUGH_SEEN:
        pytest.skip(f"relaxed accesses were reordered {seen} times in {LIMIT_S} s: shows nothing")
    return rounds


@pytest.mark.parametrize(
    "step",
    [
        *(with_full_barrier, with_exchange, with_fetch_or),
        *(with_bit_test_and_set, with_compare_exchange),
    ],
)
def test_a_store_is_seen_before_a_later_load_where_the_order_says_so(
    step: Callable[[Any, Any], Any], nr_rounds: int
) -> None:
    """It could have failed: relaxed accesses were reordered 10 times in as many trials or fewer."""
    race, rounds = Race(step, step), 0
    seen: Counter[tuple[int, int]] = Counter()
    deadline = time.monotonic() + LIMIT_S
    while rounds < nr_rounds * FACTOR and time.monotonic() < deadline:
        seen.update(_loaded(race))
        rounds += 1
    assert BOTH_ZERO not in seen
    assert seen.total() == rounds * TRIALS
    if rounds < nr_rounds or BOTH_ONE not in seen:
        pytest.skip(f"{rounds} rounds, {seen[BOTH_ONE]} times at once: too few to show anything")
