"""What an asv benchmark of a cost must not do: drift, compile while it is timed, time its call."""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asv_runner.discovery import disc_benchmarks

import bench.common as common
from tests.bench.test_asv_suite import ROOT
from xenperf.jit import INTERPRETED, registry

COSTS = {
    benchmark.name.rpartition(".")[0]: type(benchmark._attr_sources[1])
    for benchmark in disc_benchmarks(str(ROOT / "bench"))
    if benchmark.name.endswith("time_batch")
}
TRIALS = 15
SHARE_OF_CALL = 0.05


@pytest.fixture(params=COSTS)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cost by GPA, set up; interpreted over a few operations."""
    if INTERPRETED:
        monkeypatch.setattr(common, "BATCH", 32)
        monkeypatch.setattr(common, "BATCHES", 1)
    made = COSTS[request.param]()
    made.setup("gpa", "model")
    yield made
    made.teardown()


def compiled() -> dict[str, int]:
    """Return how many signatures each kernel is compiled for."""
    return {name: each.nr_signatures for name, each in registry.items() if each.is_compiled}


def test_every_call_does_the_same_and_compiles_nothing(case: Any) -> None:
    before = compiled()
    assert [case.time_batch("gpa", "model") for _ in range(3)] == [case.batch] * 3
    assert case.time_floor_empty_batch("gpa", "model") == 0
    assert compiled() == before
    assert set(before.values()) <= {0, 1}  # 0: interpreted


def test_a_wrong_answer_fails_in_setup(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = case.open

    def one_less(*words: Any) -> Callable[[int], int]:
        loop: Callable[[int], int] = right(*words)
        return lambda n: loop(n) - 1

    monkeypatch.setattr(case, "open", one_less)
    with pytest.raises(ValueError, match=rf"{case.batch - 1} of {case.batch} operations went as"):
        case.setup("gpa", "model")


@pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is timed")
def test_the_call_itself_is_below_a_twentieth_of_what_it_stands_beside(case: Any) -> None:
    def best(run: Callable[[str, str], int]) -> int:
        times = []
        for _ in range(TRIALS):
            start = time.thread_time_ns()
            run("gpa", "model")
            times.append(time.thread_time_ns() - start)
        return min(times)

    case.time_floor_empty_batch("gpa", "model")
    assert best(case.time_floor_empty_batch) < SHARE_OF_CALL * best(case.time_batch)


@pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is compiled")
def test_compiling_is_timed_from_nothing_and_leaves_the_cache_as_it_was() -> None:
    jit = importlib.import_module("xenperf.jit")
    before = jit.CACHE_DIR
    case = importlib.import_module("bench.bench_compile").Send()
    case.setup()
    assert jit.CACHE_DIR is None
    assert not case.kernel.is_compiled
    case.time_compile()
    assert case.kernel.nr_signatures == 1
    case.teardown()
    assert before == jit.CACHE_DIR
