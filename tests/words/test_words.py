"""Each operation on shared words, in both forms, against what it should do in plain arithmetic."""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import types

from xenperf import words
from xenperf.jit import INTERPRETED
from xenperf.words import compiled, interpreted

NO_JIT = "nothing is compiled: NUMBA_DISABLE_JIT is set"
needs_jit = pytest.mark.skipif(INTERPRETED, reason=NO_JIT)
FORMS = [pytest.param("compiled", marks=needs_jit), "interpreted"]
WORD_TYPES = {bits: getattr(types, f"uint{bits}") for bits in (8, 16, 32, 64)}
NP_TYPES: dict[int, Any] = {bits: getattr(np, f"uint{bits}") for bits in (8, 16, 32, 64)}
NOT_OPERATIONS = {"Flag", "TraceHook", "Word", "traced_by"}

Effect = Callable[..., tuple[int, int | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation on one word does: old value and arguments to new value and result."""

    bits: int
    effect: Effect
    arguments: tuple[int, ...] = ()
    result: int = 0

    @property
    def result_type(self) -> Any:
        return {0: types.none, 1: types.boolean}.get(self.result) or WORD_TYPES[self.result]


def _load(bits: int) -> Operation:
    return Operation(bits, lambda old: (old, old), (), bits)


def _store(bits: int) -> Operation:
    return Operation(bits, lambda old, value: (value, None), (bits,))


def _fetch(bits: int, combine: Callable[[int, int], int]) -> Operation:
    keep = (1 << bits) - 1
    return Operation(bits, lambda old, value: (combine(old, value) & keep, old), (bits,), bits)


def _compare_exchange(bits: int) -> Operation:
    def effect(old: int, expected: int, value: int) -> tuple[int, int]:
        return (value, 1) if old == expected else (old, 0)

    return Operation(bits, effect, (bits, bits), 1)


def _bit_test_and_set(bits: int) -> Operation:
    def effect(old: int, bit: int) -> tuple[int, int]:
        return old | 1 << bit % bits, old >> bit % bits & 1

    return Operation(bits, effect, (64,), 1)


def _add(old: int, value: int) -> int:
    return old + value


OPERATIONS = {
    **{f"load{bits}": _load(bits) for bits in (8, 16, 32, 64)},
    **{f"load_acquire{bits}": _load(bits) for bits in (32, 64)},
    **{f"store{bits}": _store(bits) for bits in (8, 16, 32, 64)},
    **{f"store_release{bits}": _store(bits) for bits in (8, 32, 64)},
    **{f"fetch_or{bits}": _fetch(bits, lambda old, value: old | value) for bits in (32, 64)},
    **{f"fetch_and{bits}": _fetch(bits, lambda old, value: old & value) for bits in (32, 64)},
    **{f"exchange{bits}": _fetch(bits, lambda old, value: value) for bits in (32, 64)},
    "fetch_add64": _fetch(64, _add),
    "fetch_add_acquire32": _fetch(32, _add),
    "fetch_add_release32": _fetch(32, _add),
    **{f"compare_exchange{bits}": _compare_exchange(bits) for bits in (32, 64)},
    "compare_exchange_acquire32": _compare_exchange(32),
    **{f"bit_test_and_set{bits}": _bit_test_and_set(bits) for bits in (32, 64)},
}
WITHOUT_A_WORD = {
    *("full_barrier", "read_barrier", "write_barrier", "pause", "sched_yield"),
    *("trailing_zeros", "leading_zeros", "likely", "unlikely", "select"),
    *("timestamp", "timestamp_ordered"),
}


@functools.cache
def _compiled(name: str, *arguments: Any) -> Any:
    """Return the operation as a function of its own with *arguments* as its types."""
    operation = getattr(compiled, name)
    by_arity: list[Callable[..., Any]] = [
        lambda: operation(),
        lambda a: operation(a),
        lambda a, b: operation(a, b),
        lambda a, b, c: operation(a, b, c),
    ]
    return numba.njit(arguments)(by_arity[len(arguments)])


def _run(form: str, name: str, khva: int, values: list[int]) -> Any:
    operation = OPERATIONS[name]
    if form == "compiled":
        widths = [WORD_TYPES[bits] for bits in operation.arguments]
        return _compiled(name, types.uint64, *widths)(khva, *values)
    scalars = [NP_TYPES[bits](v) for bits, v in zip(operation.arguments, values, strict=True)]
    return getattr(interpreted, name)(np.uint64(khva), *scalars)


def _words(bits: int) -> st.SearchStrategy[int]:
    """Draw words of *bits*, the values at their boundaries most of all."""
    most = (1 << bits) - 1
    near = [0, 1, 2, bits - 1, bits, most, most - 1, most // 2, most // 2 + 1]
    return st.sampled_from(near) | st.integers(0, most) | st.integers(0, bits - 1).map(_bit)


def _bit(bit: int) -> int:
    return 1 << bit


def test_every_exported_operation_is_tested_here() -> None:
    assert set(words.__all__) - NOT_OPERATIONS == set(OPERATIONS) | WITHOUT_A_WORD


def test_both_forms_have_the_same_names() -> None:
    exported = set(words.__all__) - NOT_OPERATIONS
    intrinsics = (type(compiled.load64), types.ExternalFunction)
    assert exported == {k for k, v in vars(compiled).items() if isinstance(v, intrinsics)}
    own = inspect.getmembers(interpreted, inspect.isfunction)
    ours = {k for k, v in own if k[0] != "_" and v.__module__ == interpreted.__name__}
    assert exported == ours - {"traced_by"}


def test_the_form_bound_is_the_one_that_can_run() -> None:
    bound = interpreted if INTERPRETED else compiled
    for name in set(words.__all__) - NOT_OPERATIONS:
        assert getattr(words, name) is getattr(bound, name)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_operation_changes_its_word_as_it_should_and_no_other(
    form: str, name: str, data: st.DataObject
) -> None:
    operation = OPERATIONS[name]
    nr_bytes = operation.bits // 8
    memory = np.zeros(4, np.uint64).view(np.uint8)
    memory[:] = np.frombuffer(data.draw(st.binary(min_size=32, max_size=32)), np.uint8)
    offset = nr_bytes * data.draw(st.integers(0, 32 // nr_bytes - 1))
    old = data.draw(_words(operation.bits))
    memory[offset : offset + nr_bytes] = list(old.to_bytes(nr_bytes, "little"))
    values = [data.draw(_words(bits)) for bits in operation.arguments]
    if name.startswith("compare_exchange") and data.draw(st.booleans()):
        values[0] = old
    new, result = operation.effect(old, *values)
    expected = bytearray(memory.tobytes())
    expected[offset : offset + nr_bytes] = new.to_bytes(nr_bytes, "little")

    told = _run(form, name, memory.ctypes.data + offset, values)

    assert told == result
    assert memory.tobytes() == bytes(expected)
    if form == "interpreted":
        wanted = {0: type(None), 1: bool}.get(operation.result) or NP_TYPES[operation.result]
        assert type(told) is wanted, "the width of a result decides how it wraps"


@needs_jit
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_compiled_result_has_the_width_of_its_word(name: str) -> None:
    operation = OPERATIONS[name]
    widths = [WORD_TYPES[bits] for bits in operation.arguments]
    (signature,) = _compiled(name, types.uint64, *widths).nopython_signatures
    assert signature.return_type == operation.result_type


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(word=_words(64))
def test_zeros_are_counted_from_both_ends(form: str, word: int) -> None:
    for name, text in (("trailing_zeros", f"{word:064b}"[::-1]), ("leading_zeros", f"{word:064b}")):
        count = _call(form, name, (types.uint64,), np.uint64(word))
        assert count == len(text) - len(text.lstrip("0"))


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None)
@given(condition=st.booleans(), chosen=_words(64), other=_words(64))
def test_select_is_a_conditional_expression(
    form: str, condition: bool, chosen: int, other: int
) -> None:
    widths = (types.boolean, types.uint64, types.uint64)
    told = _call(form, "select", widths, condition, np.uint64(chosen), np.uint64(other))
    assert told == (chosen if condition else other)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["likely", "unlikely"])
@pytest.mark.parametrize("condition", [True, False])
def test_a_hint_changes_nothing(form: str, name: str, condition: bool) -> None:
    assert _call(form, name, (types.boolean,), condition) is condition


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["full_barrier", "read_barrier", "write_barrier", "pause"])
def test_barriers_and_pause_return_nothing(form: str, name: str) -> None:
    assert _call(form, name, ()) is None


@pytest.mark.parametrize("form", FORMS)
def test_giving_the_processor_away_succeeds(form: str) -> None:
    assert _call(form, "sched_yield", ()) == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["timestamp", "timestamp_ordered"])
def test_time_runs_forward(form: str, name: str) -> None:
    stamps = [int(_call(form, name, ())) for _ in range(1000)]
    assert stamps == sorted(stamps)
    assert stamps[-1] > stamps[0]


def _call(form: str, name: str, arguments: tuple[Any, ...], *values: Any) -> Any:
    if form == "compiled":
        return _compiled(name, *arguments)(*values)
    return getattr(interpreted, name)(*values)


def _machine_code(func: Callable[..., Any], nr_arguments: int) -> str:
    """Return the instructions that *func* becomes, without the entry from Python."""
    made = numba.njit(
        (types.uint64,) * nr_arguments, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(func)
    return str(made.inspect_asm(made.signatures[0]))


@needs_jit
@pytest.mark.parametrize("bits", [32, 64])
def test_a_bit_is_set_by_lock_bts_however_the_answer_is_used(bits: int) -> None:
    set_bit, one, mask = words.__dict__[f"bit_test_and_set{bits}"], np.uint64(1), np.uint64(31)

    def as_number(khva: int, bit: int) -> Any:
        return np.uint64(set_bit(khva, bit)) + one

    def as_condition(khva: int, bit: int) -> Any:
        return khva if set_bit(khva, bit & mask) else bit

    def ignored(khva: int, bit: int) -> None:
        set_bit(khva, bit)

    for use in (as_number, as_condition, ignored):
        code = _machine_code(use, 2)
        assert len(re.findall(r"\block\s+bts[lq]?\b", code)) == 1
        assert "cmpxchg" not in code
        assert len(re.findall(r"\band[lq]\b", code)) <= 1, "masking twice costs nothing"


@needs_jit
def test_a_search_by_select_has_no_branch_that_depends_on_what_it_reads() -> None:
    load64, select, three = words.load64, words.select, np.uint64(3)
    zero, one = np.uint64(0), np.uint64(1)

    def search(first: Any, left: Any, sought: Any) -> Any:
        low = zero
        while left > one:
            half = left >> one
            low = select(load64(first + ((low + half) << three)) <= sought, low + half, low)
            left -= half
        return low

    code = _machine_code(search, 3)
    branches = re.findall(r"^\s+(?!jmp)j\w+", code, re.MULTILINE)
    assert "cmov" in code
    assert len(branches) <= 2, "one to enter the loop and one to stay in it"
