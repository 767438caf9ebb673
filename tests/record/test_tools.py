"""The other tools themselves: pyperf and asv read what is written for them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cli import canned
from xenperf.cli.main import main
from xenperf.cli.saving import save
from xenperf.errors import UsageError
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session
from xenperf.record.asv import Target, export
from xenperf.record.figures import source_of
from xenperf.record.files import compare_files, source
from xenperf.record.recorded import Recorded
from xenperf.stats.verdict import Verdict

pytestmark = pytest.mark.slow
CONF = {
    "version": 1,
    "project": "xenperf",
    "project_url": "",
    "repo": ".",
    "branches": ["main"],
    "results_dir": "results",
    "html_dir": "html",
}


def run_of(seed: int, factor: int = 1, **environment: Any) -> Recorded:
    """Return a run of ten canned workers, in which everything takes *factor* times as long."""
    plan = Plan(("gpc.check", "send.delivered"), workers=10, rounds=4, seed=seed)
    workers = [
        [_slower(message, factor) for message in canned.messages(plan.for_worker(idx))]
        for idx in range(plan.workers)
    ]
    for said in workers:
        said[0]["at"] = 0.0
        said.insert(3, _counted(Random(seed).randrange(2)))
    plan = replace(plan, names=(*plan.names, "break_apart"))
    known = {"cpu": "a CPU", "machine": "x86_64", "cpus": 2, "python": "3.11.7", "kernel": "6.9"}
    return Recorded(
        Session(plan, workers),
        {**known, **environment},
        "xenperf run",
        "run",
        begun="2026-01-02T03:04:05+00:00",
    )


def _slower(message: dict[str, Any], factor: int) -> dict[str, Any]:
    for slices in message.get("sides", {}).values():
        slices["cpu_ns"] = [factor * ns for ns in slices["cpu_ns"]]
    return message


def _counted(value: int) -> dict[str, Any]:
    figure = {"subject": "phase", "metric": "refused", "unit": "of 64 sends", "value": value}
    named = {"name": "break_apart", "comparison": "", "variant": ""}
    return {"kind": "count", **named, "sides": {"gpa": [figure], "hva": [figure]}}


def command(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(cwd), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", *argv],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("show", "-q", "a.json"), "gpc.check [gpa]: Mean +- std dev: 1.00 us +- 0.0"),
        (("stats", "a.json"), "Start date: 2026-01-02 03:04:05+00:00"),
        (("metadata", "a.json"), "cpu_model_name: a CPU"),
        (("hist", "-q", "a.json"), "send.delivered [hva]"),
        (("check", "-q", "a.json"), ""),
        (("compare_to", "a.json", "b.json"), "Geometric mean: 2.00x slower"),
    ],
)
def test_pyperf_reads_a_recorded_file(argv: tuple[str, ...], shown: str, tmp_path: Path) -> None:
    for name, factor in (("a", 1), ("b", 2)):
        save(str(tmp_path / f"{name}.json"), run_of(1, factor))
    done = command("pyperf", *argv, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown in done.stdout


@pytest.fixture
def history(tmp_path: Path) -> list[str]:
    """Return two commits of a repository that asv is set up for."""

    def git(*words: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        argv = ["git", "-C", str(tmp_path), *who, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-b", "main")
    commits = []
    for subject in ("Begin", "Go on"):
        git("commit", "--allow-empty", "-m", subject)
        commits.append(git("rev-parse", "HEAD"))
    (tmp_path / "asv.conf.json").write_text(json.dumps(CONF))
    return commits


def converted(tmp_path: Path, commits: list[str]) -> None:
    """Convert a run of each commit, the second of which is twice as slow."""
    for nr, commit in enumerate(commits, start=1):
        path = tmp_path / f"{nr}.json"
        save(str(path), run_of(nr, nr, commit=commit[:12]))
        argv = ["convert", str(path), str(tmp_path / "results"), "--repo", str(tmp_path)]
        with open(os.devnull, "w") as nowhere:
            assert main([*argv, "--machine", "box"], nowhere, nowhere) == 0


def test_asv_compares_and_publishes_converted_runs(tmp_path: Path, history: list[str]) -> None:
    converted(tmp_path, history)
    done = command("asv", "compare", "--machine", "box", *history, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "xenperf.send.delivered('gpa')" in line]
    assert len(lines) == 1
    assert lines[0].split("|")[1].strip() == "+"  # asv's mark of what got slower
    assert lines[0].split("|")[4].strip() == "2.00"
    done = command("asv", "publish", "--no-pull", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    index = json.loads((tmp_path / "html" / "index.json").read_text())
    assert set(index["benchmarks"]) == {
        "xenperf.gpc.check",
        "xenperf.send.delivered",
        "xenperf.break_apart.phase.refused",
    }
    assert len(index["revision_to_hash"]) == 2


def test_what_asv_got_can_be_compared_here(tmp_path: Path, history: list[str]) -> None:
    converted(tmp_path, history)
    paths = [next((tmp_path / "results" / "box").glob(f"{one[:8]}-*.json")) for one in history]
    figures = {figure.key: figure for figure in source(paths[0]).figures}
    ours = {figure.key: figure for figure in source_of(run_of(1), "r.json").figures}
    times = sorted(ours["gpc.check", "gpa"].workers_ns)
    found = figures["xenperf.gpc.check", "'gpa'"]
    assert found.workers_ns == pytest.approx(((times[4] + times[5]) / 2,))
    assert found.interval_ns is not None
    assert times[0] * 0.999 <= found.interval_ns.low <= found.interval_ns.high <= times[-1] * 1.001
    rows = compare_files(*map(str, paths)).rows
    assert {row.verdict for row in rows} == {Verdict.UNDECIDED}
    assert [round(row.ratio or 0.0, 1) for row in rows] == [2.0] * 4


def test_what_asv_has_already_is_kept(tmp_path: Path) -> None:
    target = Target(tmp_path, "box", "ab" * 20, 1_700_000_000)
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "machine.json").write_text('{"machine": "box", "version": 1}')
    (tmp_path / "benchmarks.json").write_text('{"bench.time_it": {"name": "x"}, "version": 2}')
    export(source_of(run_of(1), "r.json"), target)
    listed = json.loads((tmp_path / "benchmarks.json").read_text())
    assert set(listed) == {
        *("bench.time_it", "version", "xenperf.gpc.check", "xenperf.send.delivered"),
        "xenperf.break_apart.phase.refused",
    }
    assert "arch" not in json.loads((tmp_path / "box" / "machine.json").read_text())


def test_few_workers_give_asv_a_figure_without_statistics(tmp_path: Path) -> None:
    run = run_of(1)
    few = replace(run, session=Session(run.session.plan, run.session.workers[:3]))
    target = Target(tmp_path, "box", "ab" * 20, 1_700_000_000)
    content = json.loads(export(source_of(few, "r.json"), target).read_text())
    assert len(content["results"]["xenperf.gpc.check"]) == 3


@pytest.mark.parametrize("machine", ["", "..", "a/b", "-x", "a b"])
def test_a_machine_that_is_no_folder_is_refused(machine: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no name of a folder"):
        export(source_of(run_of(1), "r.json"), Target(tmp_path, machine, "ab" * 20, 0))
    assert list(tmp_path.iterdir()) == []
