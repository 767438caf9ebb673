"""The trace hook of interpreted words: what a scheduler sees, and when."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xenperf.words import interpreted
from xenperf.words.interpreted import traced_by

Seen = list[tuple[str, int]]

ACCESSES: dict[str, tuple[str, tuple[int, ...]]] = {
    **{f"load{bits}": ("load", ()) for bits in (8, 16, 32, 64)},
    **{f"load_acquire{bits}": ("load", ()) for bits in (32, 64)},
    **{f"store{bits}": ("store", (1,)) for bits in (8, 16, 32, 64)},
    **{f"store_release{bits}": ("store", (1,)) for bits in (8, 32, 64)},
    **{f"fetch_or{bits}": ("or", (1,)) for bits in (32, 64)},
    **{f"fetch_and{bits}": ("and", (1,)) for bits in (32, 64)},
    **{f"exchange{bits}": ("exchange", (1,)) for bits in (32, 64)},
    "fetch_add64": ("add", (1,)),
    "fetch_add_acquire32": ("add", (1,)),
    "fetch_add_release32": ("add", (1,)),
    **{f"compare_exchange{bits}": ("compare_exchange", (0, 1)) for bits in (32, 64)},
    "compare_exchange_acquire32": ("compare_exchange", (0, 1)),
    **{f"bit_test_and_set{bits}": ("or", (5,)) for bits in (32, 64)},
}
AT_NO_WORD = ("full_barrier", "read_barrier", "write_barrier", "pause")
UNSEEN: dict[str, tuple[Any, ...]] = {
    "sched_yield": (),
    "trailing_zeros": (1,),
    "leading_zeros": (1,),
    "likely": (True,),
    "unlikely": (True,),
    "select": (True, 1, 2),
    "timestamp": (),
    "timestamp_ordered": (),
}


@pytest.fixture
def memory() -> Any:
    return np.zeros(2, np.uint64)


def _recorder(seen: Seen) -> Callable[[str, int], None]:
    return lambda operation, khva: seen.append((operation, khva))


def test_every_interpreted_operation_is_listed_here() -> None:
    from xenperf import words

    listed = {*ACCESSES, *AT_NO_WORD, *UNSEEN}
    assert listed == set(words.__all__) - {"Flag", "TraceHook", "Word", "traced_by"}


@pytest.mark.parametrize("name", ACCESSES)
def test_every_access_is_seen_once_with_its_name_and_khva(name: str, memory: Any) -> None:
    operation, arguments = ACCESSES[name]
    khva, seen = memory.ctypes.data + 8, Seen()
    with traced_by(_recorder(seen)):
        getattr(interpreted, name)(np.uint64(khva), *map(np.uint64, arguments))
    assert seen == [(operation, khva)]
    assert all(type(address) is int for _, address in seen)


@pytest.mark.parametrize("name", AT_NO_WORD)
def test_barriers_and_pause_are_seen_by_their_own_names(name: str) -> None:
    seen = Seen()
    with traced_by(_recorder(seen)):
        getattr(interpreted, name)()
    assert seen == [(name, 0)]


@pytest.mark.parametrize("name", UNSEEN)
def test_what_touches_no_word_is_not_seen(name: str) -> None:
    seen = Seen()
    with traced_by(_recorder(seen)):
        getattr(interpreted, name)(*UNSEEN[name])
    assert seen == []


def test_the_hook_runs_before_the_access(memory: Any) -> None:
    khva, before = memory.ctypes.data, []
    with traced_by(lambda operation, address: before.append(int(memory[0]))):
        interpreted.store64(khva, 7)
        interpreted.fetch_add64(khva, 1)
    assert before == [0, 7]
    assert memory[0] == 8


def test_the_hook_may_itself_change_the_word(memory: Any) -> None:
    khva = memory.ctypes.data

    def another_actor(operation: str, address: int) -> None:
        if operation == "add":
            interpreted.store64(address, 100)

    with traced_by(another_actor):
        assert interpreted.fetch_add64(khva, 1) == 100
    assert memory[0] == 101


def test_hooks_nest_and_only_the_innermost_sees(memory: Any) -> None:
    khva, outer, inner = memory.ctypes.data, Seen(), Seen()
    with traced_by(_recorder(outer)):
        interpreted.load8(khva)
        with traced_by(_recorder(inner)):
            interpreted.load16(khva)
        interpreted.store32(khva, 1)
    interpreted.load64(khva)
    assert outer == [("load", khva), ("store", khva)]
    assert inner == [("load", khva)]


def test_a_hook_is_removed_when_its_block_fails(memory: Any) -> None:
    khva, outer, inner = memory.ctypes.data, Seen(), Seen()
    with traced_by(_recorder(outer)):
        with pytest.raises(ZeroDivisionError), traced_by(_recorder(inner)):
            raise ZeroDivisionError
        interpreted.load8(khva)
    interpreted.load8(khva)
    assert (outer, inner) == ([("load", khva)], [])


def test_a_hook_that_raises_prevents_the_access(memory: Any) -> None:
    def refuse(operation: str, khva: int) -> None:
        raise InterruptedError(operation)

    for name, (operation, arguments) in ACCESSES.items():
        with pytest.raises(InterruptedError, match=operation), traced_by(refuse):
            getattr(interpreted, name)(memory.ctypes.data, *arguments)
    assert not memory.any()
    interpreted.fetch_add64(memory.ctypes.data, 1)
    assert memory[0] == 1, "and the words are left unlocked"
