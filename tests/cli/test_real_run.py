"""The whole program, as a user starts it."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

XENPERF = (sys.executable, "-m", "xenperf")
PATIENCE_S = 120.0
SETTLED_S = 0.05  # a process is seen a little before its parent has finished starting it
ROW_KEYS = (
    *("benchmark", "variant", "sides", "metric", "unit", "gpa", "hva", "ratio", "ci"),
    *("verdict", "control", "worker_ratios", "wall_ratio", "instructions", "notes"),
)


@pytest.mark.slow
def test_a_quick_run_end_to_end() -> None:
    argv = [*XENPERF, "run", "--quick", "--only", "gpc.*", "--only", "break_apart"]
    done = subprocess.run([*argv, "--format", "json"], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode in (0, 1, 3)
    content = json.loads(done.stdout)
    assert (content["schema"], content["kind"]) == ("xenperf/1", "run")
    assert (content["backend"], content["cut_short"]) == ("model", None)
    assert content["workers_finished"] == content["settings"]["workers"] == 1
    assert all(tuple(row) == ROW_KEYS for row in content["rows"])
    refused = [row for row in content["rows"] if row["metric"] == "refused"]
    assert sum(row["gpa"] for row in refused) > sum(row["hva"] for row in refused) == 0
    (check,) = (row for row in content["rows"] if row["benchmark"] == "gpc.check")
    assert check["ci"][0] <= check["ratio"] <= check["ci"][1]


@pytest.fixture
def interpreted() -> Mapping[str, str]:
    """An environment in which workers are up at once, and can be told from all others."""
    return {**os.environ, "NUMBA_DISABLE_JIT": "1", "XENPERF_TEST_MARK": secrets.token_hex(8)}


def _workers(environ: Mapping[str, str]) -> Iterator[int]:
    """Yield the process of each worker that inherited *environ*."""
    mark = f"XENPERF_TEST_MARK={environ['XENPERF_TEST_MARK']}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_ours = mark in (process / "environ").read_bytes().split(b"\0")
            if is_ours and b"xenperf.measure.worker" in (process / "cmdline").read_bytes():
                yield int(process.name)
        except OSError:
            continue


def _await_workers(environ: Mapping[str, str], nr_wanted: int) -> set[int]:
    """Wait until *nr_wanted* different workers were seen, so that one fewer was finished."""
    seen: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while len(seen) < nr_wanted:
        assert time.monotonic() < deadline, f"only {len(seen)} workers in {PATIENCE_S} s"
        seen.update(_workers(environ))
        time.sleep(0.005)
    time.sleep(SETTLED_S)
    return seen


def _start(environ: Mapping[str, str], *options: str) -> subprocess.Popen[str]:
    argv = [*XENPERF, "run", "--only", "gpc.check", "--workers", "500", *options]
    return subprocess.Popen(
        argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_an_interrupt_keeps_the_result_and_leaves_no_worker(
    interpreted: Mapping[str, str], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    with _start(interpreted, "--rounds", "4", "-o", str(report)) as running:
        _await_workers(interpreted, 3)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE_S)
    assert (running.returncode, out) == (3, "")
    assert list(_workers(interpreted)) == []
    content = json.loads(report.read_text())
    nr_finished = content["workers_finished"]
    assert content["cut_short"] == "interrupted"
    assert 2 <= nr_finished < 500
    assert len(content["rows"][0]["worker_ratios"]) == nr_finished
    assert err.splitlines()[0] == (
        f"interrupted: {nr_finished} of 500 workers finished; the table shows what they measured"
    )


@pytest.mark.slow
def test_an_interrupt_in_the_first_worker_keeps_the_old_report(
    interpreted: Mapping[str, str], tmp_path: Path
) -> None:
    report = tmp_path / "report.txt"
    report.write_text("old")
    with _start(interpreted, "--rounds", "10000", "-o", str(report)) as running:
        _await_workers(interpreted, 1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE_S)
    assert (running.returncode, out) == (2, "")
    assert err == "xenperf: run: interrupted before anything was measured\n"
    assert list(_workers(interpreted)) == []
    assert report.read_text() == "old"
    assert list(tmp_path.iterdir()) == [report]


def test_a_run_into_a_closed_pipe_has_its_own_exit_code(interpreted: Mapping[str, str]) -> None:
    argv = [*XENPERF, "run", "--only", "break_apart", "--workers", "1"]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            argv, env=interpreted, stdout=writer, stderr=subprocess.PIPE, text=True
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
