"""The asv suite: every benchmark runs on this commit, none is listed twice, none times its call."""

import importlib
import inspect
import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bench.common as common
from xenperf.jit import INTERPRETED
from xenperf.scenarios import catalogue

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.stem for path in (ROOT / "bench").glob("bench_*.py"))
KINDS = ("time_", "track_", "peakmem_")


def public_classes(module: str) -> list[tuple[str, type[Any]]]:
    """Return what asv would list of *module*: public classes, wherever they were defined."""
    namespace = vars(importlib.import_module(f"bench.{module}"))
    return [
        (f"{module}.{name}", value)
        for name, value in namespace.items()
        if inspect.isclass(value) and not name.startswith("_") and methods(value)
    ]


def methods(cls: type[Any]) -> list[str]:
    return [name for name in dir(cls) if name.startswith(KINDS)]


@pytest.fixture(autouse=True)
def few_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreted, a batch of 65,536 takes minutes and times nothing: let a few operations do."""
    if INTERPRETED:
        monkeypatch.setattr(common, "BATCH", 32)  # a multiple of every cycle
        monkeypatch.setattr(common, "BATCHES", 1)
        monkeypatch.setattr(common, "RATIO_ROUNDS", 2)
        monkeypatch.setattr(common, "RATIO_SLICE_NS", 1)


CLASSES = [pair for module in MODULES for pair in public_classes(module)]


@pytest.mark.parametrize("cls", [cls for _, cls in CLASSES], ids=[name for name, _ in CLASSES])
def test_every_benchmark_runs_with_all_its_parameters(cls: type[Any]) -> None:
    for combination in combinations(cls):
        for method in methods(cls):
            instance = cls()
            if hasattr(instance, "setup"):
                instance.setup(*combination)
            result = getattr(instance, method)(*combination)
            if hasattr(instance, "teardown"):
                instance.teardown(*combination)
            if method.startswith("track_"):
                assert isinstance(result, int | float)


def combinations(cls: type[Any]) -> Iterator[tuple[Any, ...]]:
    """Return every combination of parameters; of long lists only the first and the last."""
    ends = [tuple(dict.fromkeys((axis[0], axis[-1]))) for axis in getattr(cls, "params", ())]
    return itertools.product(*ends)


def test_no_class_is_listed_by_two_modules() -> None:
    assert public_classes("common") == []
    seen = [cls for _, cls in CLASSES]
    assert len(seen) == len(set(seen))


def test_every_class_states_a_version_of_its_own() -> None:
    for name, cls in CLASSES:
        assert re.fullmatch(r"\d+", vars(cls)["version"]), name


def test_every_cost_of_the_catalogue_is_tracked_once() -> None:
    named = sorted(cls.name for _, cls in CLASSES if "time_batch" in dir(cls))
    assert named == sorted(entry.name for entry in catalogue.BENCHMARKS)


@pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is timed")
def test_the_call_itself_is_below_a_twentieth_of_the_cheapest_cost() -> None:
    from bench.bench_slots import SearchBranches

    case = SearchBranches()
    case.setup("gpa", "model")
    for run in (case.time_batch, case.time_floor_empty_batch) * 2:
        run("gpa", "model")

    def best(run: Any) -> int:
        times = []
        for _ in range(30):
            start = time.thread_time_ns()
            run("gpa", "model")
            times.append(time.thread_time_ns() - start)
        return min(times)

    assert best(case.time_floor_empty_batch) < best(case.time_batch) / 20
    case.teardown()


def test_a_commit_without_the_rooms_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(common, "WHY_NOT", "No module named 'xenperf.vmm'")
    with pytest.raises(NotImplementedError, match=r"lacks a room: No module named 'xenperf\.vmm'"):
        common.require("send.delivered")
    monkeypatch.setattr(common, "WHY_NOT", None)
    with pytest.raises(NotImplementedError, match=r"catalogue lacks send\.teleported"):
        common.require("send.teleported")


def test_the_configuration_is_what_asv_reads() -> None:
    lines = (ROOT / "asv.conf.json").read_text().splitlines()
    plain = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    settings = json.loads(plain)
    assert (settings["benchmark_dir"], settings["results_dir"]) == ("bench", "results")
    assert "--no-deps" in settings["build_command"][0]


def test_pyperf_scripts_lie_where_asv_does_not_walk() -> None:
    assert not (ROOT / "bench" / "micro" / "__init__.py").exists()
