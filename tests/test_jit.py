"""Kernels and steps: words in, a word out, the same with and without the compiler."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenperf import jit
from xenperf.jit import INTERPRETED, Kernel, op

WORDS = st.integers(0, 2**64 - 1)
ONE = np.uint64(1)


@op
def sum_of(first: Any, second: Any) -> Any:
    return first + second


def add(first: Any, second: Any) -> Any:
    """Add two words."""
    return sum_of(first, second)


def below(first: Any, second: Any) -> Any:
    return ONE if first < second else first - first


@pytest.fixture(scope="module")
def added() -> Kernel:
    return Kernel(add)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Kernel]:
    registry: dict[str, Kernel] = {}
    monkeypatch.setattr(jit, "registry", registry)
    return registry


@pytest.fixture(scope="module")
def compared() -> Kernel:
    return Kernel(below)


@settings(deadline=None)  # the first call compiles
@given(first=WORDS, second=WORDS)
def test_words_wrap_around(added: Kernel, first: int, second: int) -> None:
    total = added(first, second)
    assert total == (first + second) % 2**64
    assert type(total) is int


def test_the_address_of_a_kernel_is_that_of_code_that_may_run() -> None:
    made = Kernel(add)
    assert made.address is None
    made(1, 2)
    if INTERPRETED:
        assert made.address is None
        return
    assert made.address is not None
    maps = [line.split(maxsplit=2) for line in Path("/proc/self/maps").read_text().splitlines()]
    spans = [([int(end, 16) for end in span.split("-")], rights) for span, rights, _ in maps]
    (rights,) = [rights for (low, high), rights in spans if low <= made.address < high]
    assert "x" in rights


@pytest.mark.parametrize("word", [2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1])
def test_words_from_two_to_the_63rd_on_are_words(
    added: Kernel, compared: Kernel, word: int
) -> None:
    assert added(word, 0) == word
    assert added(np.uint64(word), 0) == word
    assert compared(1, word) == 1, "and compare as unsigned"


@pytest.mark.parametrize("number", [-1, -(2**63), -(2**63) - 1, 2**64, 2**70, np.int64(-1)])
def test_what_is_no_word_overflows_with_and_without_the_compiler(
    added: Kernel, number: int
) -> None:
    with pytest.raises(OverflowError):
        added(number, 0)
    assert added(1, 2) == 3


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3)])
def test_the_count_of_words_is_fixed(added: Kernel, arguments: tuple[int, ...]) -> None:
    with pytest.raises(TypeError, match="argument"):
        added(*arguments)


def test_a_kernel_is_described_by_its_function(added: Kernel) -> None:
    assert (added.name, added.nr_arguments) == ("add", 2)
    assert added.__doc__ == "Add two words."


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled: NUMBA_DISABLE_JIT is set")
def test_whatever_is_passed_there_is_one_specialisation(added: Kernel) -> None:
    for word in (0, 2**63, True, np.uint8(3), np.int64(3), np.uint64(3)):
        added(word, word)
    assert added.nr_signatures == 1
    word = numba.types.uint64
    (signature,) = added.entry.nopython_signatures  # type: ignore[attr-defined]
    assert signature == word(word, word)


def test_a_kernel_is_compiled_when_first_used_and_once() -> None:
    made = Kernel(add)
    assert (made.is_compiled, made.nr_signatures) == (False, 0)
    made.compile()
    entry = made.entry
    assert made.is_compiled
    made(1, 2)
    made.compile()
    assert made.entry is entry


def test_threads_that_come_at_once_get_one_entry() -> None:
    made, entries = Kernel(add), []
    threads = [threading.Thread(target=lambda: entries.append(made.entry)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries) == 4
    assert len(set(map(id, entries))) == 1


def test_the_options_of_numba_are_as_before() -> None:
    names = ("CACHE_DIR", "CACHE_LOCATOR_CLASSES")
    before = [getattr(numba.config, name, None) for name in names]
    Kernel(add).compile()
    assert [getattr(numba.config, name, None) for name in names] == before


def test_a_defined_kernel_is_found_by_its_name(own_registry: dict[str, Kernel]) -> None:
    made = jit.kernel(add)
    assert own_registry == {"add": made}


def test_defining_a_kernel_twice_is_refused(own_registry: dict[str, Kernel]) -> None:
    made = jit.kernel(add)
    again: Callable[..., Any] = add
    with pytest.raises(ValueError, match=r"^kernel add: defined twice; give one of them another"):
        jit.kernel(again)
    assert own_registry == {"add": made}


def test_compile_all_makes_every_kernel_ready() -> None:
    kernels = [Kernel(add), Kernel(below)]
    jit.compile_all(kernels)
    jit.compile_all(kernels)
    assert all(kernel.is_compiled for kernel in kernels)
    assert [kernel(2, 3) for kernel in kernels] == [5, 1]


def test_a_step_is_a_plain_function_where_nothing_is_compiled() -> None:
    if INTERPRETED:
        assert sum_of(ONE, ONE) == 2
    else:
        assert isinstance(sum_of, numba.core.registry.CPUDispatcher)
        assert sum_of.targetoptions["forceinline"]
