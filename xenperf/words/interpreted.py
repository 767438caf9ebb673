"""Shared words, interpreted: the same operations in plain Python, for NUMBA_DISABLE_JIT=1.

Each access first calls the trace hook, which is where a scheduler may hand over to another actor.
Results are NumPy scalars of the right width: a Python int would go negative where a word wraps.
"""

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

TraceHook = Callable[[str, int], None]

_C_TYPES = {8: ctypes.c_uint8, 16: ctypes.c_uint16, 32: ctypes.c_uint32, 64: ctypes.c_uint64}
_NP_TYPES: dict[int, Any] = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}
_COMBINE: dict[str, Callable[[int, int], int]] = {
    "or": lambda old, value: old | value,
    "and": lambda old, value: old & value,
    "add": lambda old, value: old + value,
    "exchange": lambda old, value: value,
}
_locked = threading.Lock()  # makes a read-modify-write one step, whatever another thread stores
_hook: list[TraceHook | None] = [None]


@contextlib.contextmanager
def traced_by(hook: TraceHook) -> Iterator[None]:
    """Call *hook* with the operation's name and khva before every shared access in the block."""
    previous, _hook[0] = _hook[0], hook
    try:
        yield
    finally:
        _hook[0] = previous


def _trace(operation: str, khva: int) -> None:
    if _hook[0] is not None:
        _hook[0](operation, khva)


def _load(bits: int) -> Any:
    c_type, np_type = _C_TYPES[bits], _NP_TYPES[bits]

    def load(khva: int) -> Any:
        _trace("load", int(khva))
        return np_type(c_type.from_address(int(khva)).value)

    return load


def _store(bits: int) -> Any:
    c_type = _C_TYPES[bits]

    def store(khva: int, value: int) -> None:
        _trace("store", int(khva))
        with _locked:
            c_type.from_address(int(khva)).value = int(value)

    return store


def _fetch(operation: str, bits: int) -> Any:
    c_type, np_type, combine = _C_TYPES[bits], _NP_TYPES[bits], _COMBINE[operation]

    def fetch(khva: int, value: int) -> Any:
        _trace(operation, int(khva))
        with _locked:
            word = c_type.from_address(int(khva))
            old = word.value
            word.value = combine(old, int(value))  # ctypes keeps the low bits, as the machine does
        return np_type(old)

    return fetch


def _compare_exchange(bits: int) -> Any:
    c_type = _C_TYPES[bits]

    def compare_exchange(khva: int, expected: int, value: int) -> bool:
        _trace("compare_exchange", int(khva))
        with _locked:
            word = c_type.from_address(int(khva))
            if word.value != int(expected):
                return False
            word.value = int(value)
        return True

    return compare_exchange


def _bit_test_and_set(bits: int) -> Any:
    fetch_or = _fetch("or", bits)

    def bit_test_and_set(khva: int, bit: int) -> bool:
        position = int(bit) & (bits - 1)
        return bool(int(fetch_or(khva, 1 << position)) >> position & 1)

    return bit_test_and_set


def _fence(name: str) -> Any:
    def fence() -> None:
        _trace(name, 0)

    return fence


def pause() -> None:
    """Tell the hook that this actor waits for another one."""
    _trace("pause", 0)


def sched_yield() -> int:
    """Give the processor away, as the waiting loops do."""
    os.sched_yield()
    return 0


def trailing_zeros(word: Any) -> Any:
    """Count the zeros below the lowest set bit; 64 for zero."""
    value = int(word)
    return np.uint64(64 if value == 0 else (value & -value).bit_length() - 1)


def leading_zeros(word: Any) -> Any:
    """Count the zeros above the highest set bit; 64 for zero."""
    return np.uint64(64 - int(word).bit_length())


def likely(condition: Any) -> Any:
    """Return *condition*: the interpreter takes no hints."""
    return condition


unlikely = likely


def select(condition: Any, chosen: Any, other: Any) -> Any:
    """Return *chosen* where *condition* holds, else *other*."""
    return chosen if condition else other


def timestamp() -> Any:
    """Return a clock that runs forward: nanoseconds here, ticks when compiled."""
    return np.uint64(time.perf_counter_ns())


timestamp_ordered = timestamp
load8, load16, load32, load64 = _load(8), _load(16), _load(32), _load(64)
load_acquire32, load_acquire64 = load32, load64
store8, store16, store32, store64 = _store(8), _store(16), _store(32), _store(64)
store_release8, store_release32, store_release64 = store8, store32, store64
fetch_or64, fetch_and64, fetch_add64, exchange64 = (
    _fetch(operation, 64) for operation in ("or", "and", "add", "exchange")
)
fetch_or32, fetch_and32, exchange32 = (
    _fetch(operation, 32) for operation in ("or", "and", "exchange")
)
fetch_add_acquire32 = fetch_add_release32 = _fetch("add", 32)
compare_exchange32 = compare_exchange_acquire32 = _compare_exchange(32)
compare_exchange64 = _compare_exchange(64)
bit_test_and_set32, bit_test_and_set64 = _bit_test_and_set(32), _bit_test_and_set(64)
full_barrier, read_barrier, write_barrier = (
    _fence("full_barrier"),
    _fence("read_barrier"),
    _fence("write_barrier"),
)
