"""Sessions: real workers, and what is left when they die, lie or are interrupted."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from xenperf.errors import MeasurementError
from xenperf.measure import process as process_module
from xenperf.measure import session as session_module
from xenperf.measure.plan import Plan
from xenperf.measure.session import Progress, Session, run
from xenperf.stats.verdict import Verdict

VARIANT = {"comparison": "", "variant": ""}
NAMES = ("gpc.check", "lock.read", "break_apart")


def quick(**changes: Any) -> Plan:
    settings: dict[str, Any] = {"workers": 2, "rounds": 4, "slice_ns": 100_000}
    return Plan(NAMES, compile_all=False, **{**settings, **changes})


@pytest.fixture(scope="module")
def finished() -> Session:
    return run(quick())


def test_every_worker_reports_every_name(finished: Session) -> None:
    assert finished.nr_finished == 2
    assert finished.cut_short is None
    rows = finished.rows()
    assert [row.benchmark for row in rows][:3] == [
        "gpc.check",
        "lock.read",
        "break_apart.overlay_in",
    ]
    assert len(rows[0].worker_ratios) == 2
    assert rows[1].is_control


def test_counts_of_all_workers_agree(finished: Session) -> None:
    counts = [row for row in finished.rows() if row.is_count]
    assert len(counts) == 18
    assert all(row.verdict is not Verdict.INVALID for row in counts)


def test_nothing_is_compiled_while_a_slice_runs(finished: Session) -> None:
    for message in (m for worker in finished.workers for m in worker if m["kind"] == "cost"):
        sides = message["sides"]
        assert max(sides["gpa"]["cpu_ns"] + sides["hva"]["cpu_ns"]) < 50e6


def test_each_slice_has_the_cpus_it_began_and_ended_on(finished: Session) -> None:
    for message in (m for worker in finished.workers for m in worker if m["kind"] == "cost"):
        for side in message["sides"].values():
            assert len(side["first_cpu"]) == len(side["last_cpu"]) == 4
            assert {*side["first_cpu"], *side["last_cpu"]} <= os.sched_getaffinity(0)


def test_each_worker_has_its_data_elsewhere_and_both_sides_of_it_at_the_same_place(
    finished: Session,
) -> None:
    placed = []
    for said in finished.workers:
        (check,) = [m["page_offsets"] for m in said if m.get("name") == "gpc.check"]
        data = [{k: v for k, v in check[s].items() if k != "code"} for s in ("gpa", "hva")]
        assert data[0] == data[1]
        assert all(offset % 64 == 0 for offset in data[0].values())
        placed.append(data[0])
    assert placed[0] != placed[1]


def test_progress_counts_up_to_the_whole() -> None:
    seen: list[Progress] = []
    run(quick(workers=1), seen.append)
    assert [p.done for p in seen] == [0, 1, 2, 3, 3]
    assert {p.total for p in seen} == {3}
    assert [p.doing for p in seen] == [*NAMES, "next worker", "next worker"]


def fake_worker(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(process_module, "WORKER", (sys.executable, "-c", script))


def test_a_worker_that_dies_is_named_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(monkeypatch, "import sys; sys.exit('no memory left')")
    with pytest.raises(MeasurementError, match="worker ended with 1: no memory left"):
        run(quick())


def test_a_worker_that_dies_later_costs_only_what_it_had_not_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = json.dumps(run(quick(workers=1)).workers[0][1])
    fake_worker(monkeypatch, f"import sys; print({first!r}, flush=True); sys.exit('killed')")
    session = run(quick())
    assert session.cut_short == "worker ended with 1: killed"
    assert session.nr_finished == 0
    assert session.rows()[0].base is not None
    assert session.rows()[1].verdict is Verdict.INVALID


def test_an_interrupt_keeps_what_was_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    def messages(plan: Plan) -> Iterator[dict[str, Any]]:
        if plan.seed % 1000 == 1:
            raise KeyboardInterrupt
        yield from finished_messages

    finished_messages = run(quick(workers=1)).workers[0]
    monkeypatch.setattr(session_module, "messages", messages)
    session = run(quick(workers=3))
    assert session.cut_short == "interrupted"
    assert session.nr_finished == 1
    assert [row.benchmark for row in session.rows()][:2] == ["gpc.check", "lock.read"]


def test_an_interrupted_run_leaves_no_worker_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_worker(monkeypatch, "import time; time.sleep(600)")
    started: list[int] = []
    popen = subprocess.Popen

    def remember(*args: Any, **options: Any) -> subprocess.Popen[str]:
        process = popen(*args, **options)
        started.append(process.pid)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        return process

    monkeypatch.setattr(process_module.subprocess, "Popen", remember)
    session = run(quick())
    assert session.cut_short == "interrupted"
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_a_benchmark_that_answers_wrong_is_invalid_and_the_rest_is_kept() -> None:
    session = Session(quick(workers=1))
    session.workers = [
        [
            {
                "kind": "cost",
                "name": "gpc.check",
                "invalid": "3 of 8 operations went wrong",
                **VARIANT,
            },
            {
                "kind": "cost",
                "name": "lock.read",
                "n": 10,
                **VARIANT,
                "sides": {
                    "gpa": {"cpu_ns": [100] * 8, "wall_ns": [110] * 8},
                    "hva": {"cpu_ns": [101] * 8, "wall_ns": [110] * 8},
                },
            },
            {"kind": "count", "name": "break_apart", "invalid": "memslot 1: failed", **VARIANT},
        ]
    ]
    check, read, outcome = session.rows()
    assert check.verdict is outcome.verdict is Verdict.INVALID
    assert check.notes == ("3 of 8 operations went wrong",)
    assert read.base == 10.0
