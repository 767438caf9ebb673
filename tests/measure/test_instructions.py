"""Instruction counts: gathered from workers, and counted for real where there is Valgrind."""

import json
import os
import platform
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from xenperf.errors import MeasurementError, UnavailableError
from xenperf.hypervisor import Activation
from xenperf.measure import client_requests, count_process
from xenperf.measure.client_requests import ClientRequests
from xenperf.measure.count_plan import CountPlan
from xenperf.measure.count_process import Step
from xenperf.measure.instructions import count, gathered, with_figures
from xenperf.measure.sides import Build
from xenperf.model.patches import GPA_ONLY, KERNELS
from xenperf.scenarios import catalogue
from xenperf.stats.verdict import Verdict
from xenperf.vmm.machine import Shape

NAMES = ("gpc.check", "lock.read")
PLAN = CountPlan.of(NAMES, runs=2)
x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="no x86-64: unknown requests")
under_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is missing")
PLANTED = """
import sys
from dataclasses import replace
from xenperf.hypervisor import Activation
from xenperf.measure import count_worker
from xenperf.scenarios import catalogue

def one_in_a_hundred_more(prepare):
    def prepared(setting):
        loop = prepare(setting)
        if setting.activation is Activation.GPA:
            return loop
        return lambda n: loop(n) + loop(n // 100) - n // 100
    return prepared

catalogue.BENCHMARKS = tuple(
    replace(each, prepare=one_in_a_hundred_more(each.prepare)) for each in catalogue.BENCHMARKS
)
count_worker.main(sys.stdin.readline, lambda line: print(line, end="", flush=True))
"""


def said(name: str, activation: str, **more: Any) -> dict[str, Any]:
    return {"kind": "counted", "name": name, "activation": activation, **more}


def fake_worker(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(count_process, "WORKER", (sys.executable, "-c", script))


@pytest.fixture
def no_valgrind_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let a program stand in that skips Valgrind's options and runs the worker."""
    program = tmp_path / "valgrind"
    program.write_text('#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_plan_survives_the_way_to_a_worker() -> None:
    pairs = (("gpc.check", Activation.HVA), ("lock.read", Activation.GPA))
    for patches in (None, (), ("read-lock-first",)):
        build = Build(tree="/a", patches=patches, copy=1)
        plan = CountPlan(pairs, Shape(8, 2, False, 9), build, runs=5)
        assert plan.names == NAMES
        assert CountPlan.from_json(plan.to_json()) == plan


def test_figures_are_the_difference_of_the_two_sizes_without_what_happens_once() -> None:
    labels = [["a0", "b0"], ["a1", "b1"], ["a2", "b2"]]
    totals = {"a0": 1_050, "a1": 1_050, "a2": 9_050, "b0": 7_850, "b1": 1_850, "b2": 1_850}
    message = said("lock.read", "gpa", n=100, labels=labels)
    (found,) = with_figures([message], totals)
    assert found["instructions"] == 8.0
    with pytest.raises(MeasurementError, match="it wrote no count for b2"):
        with_figures([message], {name: totals[name] for name in totals if name != "b2"})


def test_runs_are_gathered_and_one_failure_makes_a_benchmark_invalid() -> None:
    good = [said("lock.read", side, instructions=8.0) for side in ("gpa", "hva")]
    bad = said("gpc.check", "hva", invalid="went wrong")
    fine = said("gpc.check", "gpa", instructions=29.0)
    counts = gathered([[*good, fine], [*good, fine, bad]])
    check, read = counts.rows(NAMES)
    assert (check.verdict, check.gpa, check.invalid) == (
        Verdict.INVALID,
        None,
        "by hva: went wrong",
    )
    assert (read.verdict, read.operation, read.is_control) == (Verdict.SAME, "pair", True)
    assert read.gpa is not None
    assert read.gpa.runs == (8.0, 8.0)


@x86_64
def test_requests_do_nothing_without_valgrind() -> None:
    with ClientRequests() as requests:
        assert not requests.is_valgrind_there
        with requests.instrumented():
            requests.forget()
            assert requests.counted(lambda n: n, 7) == 7
            requests.write_down("nothing")


def test_a_processor_whose_requests_are_unknown_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_requests.platform, "machine", lambda: "riscv64")
    with pytest.raises(UnavailableError, match="not known how to ask Valgrind on riscv64"):
        ClientRequests()


@pytest.mark.usefixtures("no_valgrind_needed")
def test_a_dead_worker_is_named_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(monkeypatch, "import sys; sys.exit('no memory left')")
    with pytest.raises(MeasurementError, match="counting worker ended with 1: no memory left"):
        count(PLAN)


@pytest.mark.usefixtures("no_valgrind_needed")
def test_a_silent_worker_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_process, "SILENCE_S", 0.5)
    fake_worker(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(MeasurementError, match=r"silent for 0\.5 s"):
        count(PLAN)


@pytest.mark.usefixtures("no_valgrind_needed")
def test_a_worker_that_dies_in_a_later_run_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import os, sys; sys.exit('killed' if os.environ['PYTHONHASHSEED'] == '1' else 0)"
    fake_worker(monkeypatch, script)
    with pytest.raises(MeasurementError, match="counting worker ended with 1: killed"):
        count(PLAN)


@pytest.mark.usefixtures("no_valgrind_needed")
def test_an_interrupt_leaves_no_worker_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rehearsal, the first to start, ends at once; whoever comes later would wait."""
    said_hello = f"""
import os, time
path = {str(tmp_path)!r} + f"/pid-{{os.getpid()}}"
open(path, "w").close()
if len([n for n in os.listdir({str(tmp_path)!r}) if n.startswith("pid-")]) > 1:
    time.sleep(600)
"""
    fake_worker(monkeypatch, said_hello)
    waiting = threading.Thread(target=_interrupt_when, args=(tmp_path, 2))
    waiting.start()
    with pytest.raises(KeyboardInterrupt):
        count(PLAN)
    waiting.join()
    for path in tmp_path.glob("pid-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name.removeprefix("pid-")), 0)


def _interrupt_when(folder: Path, nr_started: int) -> None:
    """Send ourselves what Ctrl-C sends, once so many workers have started."""
    end = time.monotonic() + 60
    while len(list(folder.glob("pid-*"))) < nr_started and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("no_valgrind_needed")
def test_progress_counts_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [said(n, a, invalid="x") for n in NAMES for a in Activation]
    lines = "\n".join(map(json.dumps, wrong))
    fake_worker(monkeypatch, f"print({lines!r})")
    steps: list[Step] = []
    counts = count(PLAN, steps.append)
    assert [step.done for step in steps] == list(range(1, 13))
    assert {step.total for step in steps} == {12}
    assert steps[0].doing == "gpc.check by gpa, rehearsal"
    assert set(counts.invalid) == set(NAMES)


@pytest.mark.slow
@x86_64
@under_valgrind
def test_real_counts_repeat_and_controls_are_the_same() -> None:
    counts = count(PLAN)
    assert counts.invalid == {}
    check, read = counts.rows(NAMES)
    assert read.verdict is Verdict.SAME
    assert check.verdict is Verdict.FEWER  # no generation to compare
    for tally in counts.tallies.values():
        assert tally.spread <= 0.001 * tally.mean


@pytest.mark.slow
@x86_64
@under_valgrind
def test_one_per_cent_more_work_is_found_in_every_control(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(monkeypatch, PLANTED)
    names = tuple(each.name for each in catalogue.BENCHMARKS if each.is_control)
    for row in count(CountPlan.of(names, runs=1)).rows(names):
        assert row.verdict is Verdict.MORE, row
        assert row.difference == pytest.approx(0.01, abs=0.0005), row


@pytest.mark.slow
@x86_64
@under_valgrind
def test_a_kernel_without_activation_by_hva_has_one_side() -> None:
    plan = CountPlan.of(("gpc.check",), build=Build(patches=tuple(KERNELS[GPA_ONLY])), runs=1)
    (row,) = count(plan).rows(plan.names)
    assert row.verdict is Verdict.GONE
    assert row.gpa is not None
    assert row.gpa.mean > 10


def test_every_cost_says_what_its_operation_is() -> None:
    assert all(each.unit.partition("/")[2] for each in catalogue.BENCHMARKS)
