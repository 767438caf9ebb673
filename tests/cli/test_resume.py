"""Files that are filled as a verb goes, and resumed: nothing finished is lost, nothing mixed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from xenperf.cli import saving
from xenperf.measure import session
from xenperf.measure.plan import Plan
from xenperf.record.recorded import read

PATIENCE_S = 120.0
Invoke = Callable[..., Any]
RUN = ("run", "--only", "gpc.check", "--workers", "4", "--rounds", "4", "--seed", "9")


class Workers:
    """Canned workers, of which the one with number ``ends_at`` meets an end."""

    ends_at: int | None = None
    ending: BaseException = KeyboardInterrupt()

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def messages(self, plan: Plan) -> Iterator[dict[str, Any]]:
        if plan.seed % 1000 == self.ends_at:
            raise self.ending
        self.seeds.append(plan.seed)
        yield from canned.messages(plan)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    made = Workers()
    monkeypatch.setattr(session, "messages", made.messages)
    return made


def rows_of(path: Path) -> Any:
    return json.loads(path.read_text())["rows"]


def test_a_resumed_run_is_the_run_that_was_not_stopped(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    whole, stopped = tmp_path / "whole.json", tmp_path / "stopped.json"
    assert invoke(*RUN, "-o", str(whole)).code == 0
    all_seeds = list(workers.seeds)
    workers.ends_at = 2
    found = invoke(*RUN, "-o", str(stopped))
    assert found.code == 3
    assert found.err.startswith("interrupted: 2 of 4 workers finished")
    assert rows_of(stopped) != rows_of(whole)
    workers.ends_at, workers.seeds = None, []
    found = invoke("resume", str(stopped))
    assert (found.code, found.out) == (0, "")
    assert found.err.startswith(f"{stopped}: written; ")
    assert workers.seeds == all_seeds[2:]
    assert rows_of(stopped) == rows_of(whole)


def test_a_finished_file_is_left_alone(workers: Workers, invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    invoke(*RUN, "-o", str(path))
    before, workers.seeds = path.read_bytes(), []
    found = invoke("resume", str(path))
    assert (found.code, found.err) == (0, f"{path}: finished; there is nothing to resume\n")
    assert (workers.seeds, path.read_bytes()) == ([], before)


def test_each_finished_worker_is_in_the_file_before_the_next_begins(
    workers: Workers, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    seen: list[tuple[int, str]] = []

    def look(plan: Plan) -> Iterator[dict[str, Any]]:
        if path.exists():
            content = json.loads(path.read_text())
            seen.append((content["workers_finished"], content["cut_short"]))
        yield from canned.messages(plan)

    monkeypatch.setattr(session, "messages", look)
    invoke(*RUN, "-o", str(path))
    assert seen == [(nr, saving.STOPPED) for nr in (1, 2, 3)]
    assert json.loads(path.read_text())["cut_short"] is None


@pytest.mark.parametrize("nr_writes", [0, 1, 4])
def test_a_full_disk_keeps_what_was_written_and_says_how_to_go_on(
    nr_writes: int,
    workers: Workers,
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fill_up: Callable[[int], None],
) -> None:
    path = tmp_path / "r.json"
    fill_up(nr_writes)
    found = invoke(*RUN, "-o", str(path))
    monkeypatch.undo()
    assert found.err.count("\n") == 1
    assert f"{path}: cannot write: no space left on device" in found.err
    if nr_writes == 0:
        assert found.code == 2
        assert os.listdir(tmp_path) == []
        return
    assert found.code == 3
    assert f"it holds {nr_writes} finished workers; free some space" in found.err
    assert f"then xenperf resume {path}\n" in found.err
    assert json.loads(path.read_text())["workers_finished"] == nr_writes
    assert os.listdir(tmp_path) == ["r.json"]


@pytest.fixture
def stopped(workers: Workers, invoke: Invoke, tmp_path: Path) -> Path:
    """Return a file with two of four workers."""
    path = tmp_path / "stopped.json"
    workers.ends_at = 2
    invoke(*RUN, "-o", str(path))
    workers.ends_at = None
    return path


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda c: c["environment"].update(numba="0.1"), "numba was 0.1, now it is "),
        (lambda c: c["environment"].update(cpu="other"), "cpu was other, now it is "),
        (lambda c: c["environment"].update(more="x"), "more was x, now it is None"),
        (lambda c: c["environment"].pop("kernel"), "kernel was None, now it is "),
        (lambda c: c["raw"].update(sources="0"), "sources or compiler settings have changed"),
    ],
)
def test_other_conditions_are_not_mixed(
    change: Callable[[Any], None], named: str, stopped: Path, invoke: Invoke
) -> None:
    content = json.loads(stopped.read_text())
    change(content)
    stopped.write_text(json.dumps(content))
    found = invoke("resume", str(stopped))
    assert found.code == 2
    assert f"{stopped}: cannot be resumed: {named}" in found.err
    assert "; measure from the start: xenperf run --workers 4" in found.err


def test_compiled_and_interpreted_workers_are_not_mixed(
    stopped: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(saving.INTERPRETED, "" if os.environ.get(saving.INTERPRETED) else "1")
    found = invoke("resume", str(stopped))
    assert found.code == 2
    assert "sources or compiler settings have changed" in found.err


def test_a_file_cannot_have_the_code_of_any_folder_run(
    stopped: Path, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))
    content = json.loads(stopped.read_text())
    build = content["raw"]["plan"]["comparisons"][0]["sides"][1]["build"]
    for tree in (tmp_path, tmp_path / "xenperf", tmp_path / ("a" * 40) / "xenperf"):
        tree.mkdir(parents=True, exist_ok=True)
        build["tree"] = str(tree)
        stopped.write_text(json.dumps(content))
        found = invoke("resume", str(stopped))
        assert found.code == 2
        assert f"{tree} is no exported revision" in found.err
    good = tmp_path / "cache" / "trees" / ("a" * 40) / "xenperf"
    good.mkdir(parents=True)
    build["tree"] = str(good)
    stopped.write_text(json.dumps(content))
    assert invoke("resume", str(stopped)).code == 0


def test_a_report_can_be_shown_again_in_any_form(
    stopped: Path, invoke: Invoke, tmp_path: Path
) -> None:
    shown = invoke("report", str(stopped))
    assert shown.code == 3
    assert shown.out.startswith("xenperf run: ")
    assert "interrupted: 2 of 4 workers finished" in shown.out
    as_json = json.loads(invoke("report", str(stopped), "--format", "json").out)
    assert as_json["rows"] == rows_of(stopped)
    assert "raw" not in as_json
    copy = tmp_path / "copy.json"
    invoke("report", str(stopped), "-o", str(copy))
    assert copy.read_bytes() == stopped.read_bytes()


@pytest.mark.parametrize("verb", ["report", "resume"])
def test_what_cannot_be_read_is_one_line(verb: str, invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    for content in ("", "[]", '{"version": "1.0", "benchmarks": []}', '{"schema": "xenperf/1"}'):
        path.write_text(content)
        found = invoke(verb, str(path))
        assert (found.code, found.out) == (2, "")
        assert found.err.startswith(f"xenperf: {path}: cannot read: ")
        assert found.err.count("\n") == 1


def test_the_load_may_be_another(stopped: Path, invoke: Invoke) -> None:
    content = json.loads(stopped.read_text())
    content["environment"].update(load_1min=99.5, pressure_cpu=None, steal_share=0.5)
    stopped.write_text(json.dumps(content))
    assert invoke("resume", str(stopped)).code == 0


@pytest.mark.slow
def test_even_a_killed_run_keeps_its_finished_workers(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    argv = ["run", "--only", "gpc.check", "--workers", "900", "--rounds", "2", "-o", str(path)]
    environ = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    process = subprocess.Popen([sys.executable, "-m", "xenperf", *argv], env=environ)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    found = read(path)
    assert 1 <= found.session.nr_finished < 900
    assert found.session.cut_short == saving.STOPPED
    assert not found.is_finished
