"""The asv suite: it covers the catalogue, asv lists each benchmark once, every one of them runs."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import asv.runner
import pytest
from asv_runner.discovery import disc_benchmarks

import bench.common as common
from bench import bench_outcomes, bench_ratios, bench_sources
from tests.bench import drive
from xenperf.measure.schedule import Slices
from xenperf.scenarios import catalogue
from xenperf.scenarios.controls import CONTROLS
from xenperf.scenarios.hot_paths import HOT_PATHS

ROOT = Path(__file__).parents[2]
BENCHMARKS = list(disc_benchmarks(str(ROOT / "bench")))
MODULES = sorted({benchmark.name.partition(".")[0] for benchmark in BENCHMARKS})
SLOW = frozenset({"bench_instructions"})  # Valgrind; its counting has quick tests of its own
LEAVES = {type(benchmark._attr_sources[1]) for benchmark in BENCHMARKS}


@pytest.fixture
def few_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreted, a batch of 65,536 takes minutes and times nothing: let a few operations do."""
    for module, constants in drive.FEW.items():
        for name, few in constants.items():
            monkeypatch.setattr(importlib.import_module(f"bench.{module}"), name, few)


@pytest.mark.usefixtures("few_operations")
@pytest.mark.parametrize(
    "module", [pytest.param(m, marks=[pytest.mark.slow] * (m in SLOW)) for m in MODULES]
)
def test_every_benchmark_runs_with_all_its_parameters(module: str) -> None:
    caches: dict[str, Any] = {}
    for benchmark in BENCHMARKS:
        if benchmark.name.startswith(f"{module}."):
            for parameters in drive.combinations(benchmark):
                found = drive.outcome(benchmark, parameters, caches)
                assert found["became"] in ("ran", "skipped"), (benchmark.name, parameters, found)
                if found["became"] == "skipped":
                    assert re.match("backend live|NUMBA_DISABLE_JIT|valgrind", found["why"])
                elif benchmark.type == "track":
                    assert isinstance(found["value"], int | float)


def test_every_cost_of_the_catalogue_is_tracked_once() -> None:
    costs = {leaf.name: leaf for leaf in LEAVES if issubclass(leaf, common._Cost)}
    assert sorted(costs) == sorted(entry.name for entry in catalogue.BENCHMARKS)
    for entry in catalogue.BENCHMARKS:
        may_be_live = not entry.needs and not entry.sleeps
        assert issubclass(costs[entry.name], common._Request) == may_be_live, entry.name


def test_every_ratio_and_every_scenario_of_the_catalogue_is_tracked() -> None:
    assert bench_ratios.HotPaths.params == (tuple(entry.name for entry in HOT_PATHS),)
    assert bench_ratios.Controls.params == (tuple(entry.name for entry in CONTROLS),)
    names = {"event_sources", *bench_outcomes.SCENARIOS}
    assert names == {scenario.name for scenario in catalogue.SCENARIOS}
    assert {leaf.name for leaf in LEAVES if issubclass(leaf, bench_outcomes._Outcome)} == {
        *bench_outcomes.SCENARIOS
    }
    assert bench_sources.EventSources in LEAVES


def test_asv_lists_each_benchmark_once(tmp_path: Path) -> None:
    listed = tmp_path / "listed.json"
    script = asv.runner.BENCHMARK_RUN_SCRIPT
    command = [sys.executable, script, "discover", str(ROOT / "bench"), str(listed)]
    env = {**os.environ, "ASV_PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=env, cwd=tmp_path)
    names = Counter(entry["name"] for entry in json.loads(listed.read_text()))
    assert set(names) == {benchmark.name for benchmark in BENCHMARKS}
    assert [name for name, times in names.items() if times > 1] == []
    assert all(name.startswith("bench_") and "-" not in name for name in names)


def test_every_class_states_a_version_of_its_own() -> None:
    for leaf in LEAVES:
        assert re.fullmatch(r"\d+", vars(leaf)["version"]), leaf


def test_parameters_are_strings() -> None:
    for benchmark in BENCHMARKS:
        assert all(type(value) is str for axis in benchmark._params for value in axis)


def test_a_batch_is_long_and_timed_by_the_cpu_time_of_its_thread() -> None:
    timed = [benchmark for benchmark in BENCHMARKS if benchmark.type == "time"]
    assert {benchmark.timer.__name__ for benchmark in timed} == {"thread_time"}
    assert min(common.BATCH, common.BATCH * common.BATCHES) >= 4096


def test_a_ratio_is_the_median_of_pairs_in_both_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, firsts = [], []

    def fake(gpa: Any, hva: Any, *, rounds: int, a_first: bool, **_: Any) -> Any:
        assert (gpa, hva) == common.ACTIVATIONS
        firsts.append(a_first)
        costs = [100, 100] * (rounds // 2)
        second_costs_more = [220, 180] if a_first else [180, 220]  # whoever runs second: 10 % more
        hva_ns = second_costs_more * (rounds // 2 - 1) + [9999, 9999]  # and once something happened
        return 1, Slices(cpu_ns=costs), Slices(cpu_ns=hva_ns)

    def opening(self: Any, backend: str, activation: str, entry: Any) -> str:
        opened.append(activation)
        return activation

    monkeypatch.setattr(bench_ratios, "alternate", fake)
    monkeypatch.setattr(common._Machines, "open", opening)
    found = bench_ratios.HotPaths().track_hva_over_gpa("gpc.check")
    assert found == pytest.approx(2, rel=0.01)
    assert opened == ["gpa", "hva", "hva", "gpa"]
    assert firsts == [True, False]


def test_a_commit_without_the_rooms_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(common, "WHY_NOT", "No module named 'xenperf.vmm'")
    with pytest.raises(NotImplementedError, match=r"lacks a room: No module named 'xenperf\.vmm'"):
        common.require("send.delivered")
    assert "lacks a room" in common.observed("break_apart")["lacks"]
    monkeypatch.setattr(common, "WHY_NOT", None)
    with pytest.raises(NotImplementedError, match=r"catalogue lacks send\.teleported"):
        common.require("send.teleported")


def test_counts_that_are_not_there_skip_and_wrong_ones_fail() -> None:
    assert common.picked({"gpa": {"all.lost": 3}}, "gpa", "all.lost") == 3
    with pytest.raises(common.SkipNotImplemented, match=r"counts no all\.late"):
        common.picked({"gpa": {"all.lost": 3}}, "gpa", "all.late")
    with pytest.raises(common.SkipNotImplemented, match="before that"):
        common.picked({"lacks": "from before that"}, "gpa")
    with pytest.raises(ValueError, match="64 sends, but 63"):
        common.picked({"failed": "64 sends, but 63 found"}, "gpa")


@pytest.fixture
def settings() -> Any:
    lines = (ROOT / "asv.conf.json").read_text().splitlines()
    return json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))


def test_the_configuration_is_what_asv_reads(settings: Any) -> None:
    assert (settings["benchmark_dir"], settings["results_dir"]) == ("bench", "results")
    assert "--no-deps" in settings["build_command"][0]
    needed = (ROOT / "pyproject.toml").read_text().partition("\ndependencies = [")[2]
    for name in re.findall(r'"([a-z]+)>=', needed.partition("]\n")[0]):
        assert name in settings["matrix"]["req"]


def test_a_step_in_an_exact_count_is_a_regression_and_one_in_time_is_coarse(settings: Any) -> None:
    thresholds = settings["regressions_thresholds"]  # where several match, asv takes the largest
    for benchmark in BENCHMARKS:
        found = [most for regex, most in thresholds.items() if re.match(regex, benchmark.name)]
        is_ratio = benchmark.name.endswith("track_hva_over_gpa")
        wanted = {"time": [0.1], "track": [0.03 if is_ratio else 0.001], "peakmemory": []}
        assert found == wanted[benchmark.type], benchmark.name


def test_digests_and_floors_are_never_told_as_regressions(settings: Any) -> None:
    ignored = [regex for regex, first in settings["regressions_first_commits"].items() if not first]
    for benchmark in BENCHMARKS:
        means_nothing = "digest" in benchmark.name or ".time_floor_" in benchmark.name
        found = any(re.match(regex, benchmark.name) for regex in ignored)
        assert found == means_nothing, benchmark.name


def test_pyperf_scripts_lie_where_asv_does_not_walk() -> None:
    for folder in ("micro", "evidence"):
        assert not (ROOT / "bench" / folder / "__init__.py").exists()
