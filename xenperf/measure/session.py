"""A whole run: fresh workers one after another, what each measured, and what was left undone."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from xenperf.errors import MeasurementError
from xenperf.measure.plan import Plan
from xenperf.scenarios import catalogue
from xenperf.stats.rows import CostSample, CountSample, Row, WorkerTimes, cost_rows, count_rows

WORKER: Final = (sys.executable, "-m", "xenperf.measure.worker")
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: for a progress bar."""

    worker_idx: int
    done: int
    total: int
    doing: str


@dataclass(slots=True)
class Session:
    """The messages of every worker, finished or not."""

    plan: Plan
    workers: list[list[Message]] = field(default_factory=list)
    cut_short: str | None = None
    """Why not every worker ran to its end: "interrupted", or a dead worker's last words."""

    @property
    def nr_finished(self) -> int:
        """How many workers measured everything."""
        return sum(len(messages) == len(self.plan.names) for messages in self.workers)

    def rows(self) -> list[Row]:
        """Return the judged rows, in the order of the catalogue: costs, then counts."""
        costs = [self._cost(name) for name in self.plan.names if not catalogue.is_scenario(name)]
        counts = [
            sample
            for name in self.plan.names
            if catalogue.is_scenario(name)
            for sample in self._counts(name)
        ]
        return cost_rows(costs) + count_rows(counts)

    def _of(self, name: str) -> list[Message]:
        return [m for messages in self.workers for m in messages if m["name"] == name]

    def _cost(self, name: str) -> CostSample:
        benchmark, messages = catalogue.benchmark(name), self._of(name)
        return CostSample(
            benchmark=name,
            unit=benchmark.unit,
            workers=tuple(_times(m) for m in messages if "invalid" not in m),
            is_control=benchmark.is_control,
            invalid=next((m["invalid"] for m in messages if "invalid" in m), None),
        )

    def _counts(self, name: str) -> list[CountSample]:
        messages = self._of(name)
        invalid = next((m["invalid"] for m in messages if "invalid" in m), None)
        if invalid is not None or not messages:
            return [CountSample(name, "outcome", "", (), (), invalid)]
        return [
            CountSample(
                benchmark=f"{name}.{first['subject']}",
                metric=first["metric"],
                unit=first["unit"],
                gpa=tuple(m["counts"][idx]["gpa"] for m in messages),
                hva=None
                if first["hva"] is None
                else tuple(m["counts"][idx]["hva"] for m in messages),
            )
            for idx, first in enumerate(messages[0]["counts"])
        ]


def run(plan: Plan, on_progress: Callable[[Progress], None] = lambda progress: None) -> Session:
    """Run every worker of *plan*; what ends the run early is kept as ``cut_short``.

    ``MeasurementError`` when a worker dies before anything was measured.
    """
    session = Session(plan)
    total = plan.workers * len(plan.names)
    try:
        for worker_idx in range(plan.workers):
            messages: list[Message] = []
            session.workers.append(messages)
            for message in _messages(plan.for_worker(worker_idx)):
                doing = message.get("doing") or message["name"]
                if message["kind"] != "progress":
                    messages.append(message)
                done = sum(map(len, session.workers))
                on_progress(Progress(worker_idx, done, total, doing))
    except KeyboardInterrupt:
        session.cut_short = "interrupted"
    except MeasurementError as death:
        if not any(session.workers):
            raise
        session.cut_short = str(death)
    return session


def _times(message: Message) -> WorkerTimes:
    n = message["n"]
    return WorkerTimes(
        gpa_ns=tuple(ns / n for ns in message["gpa"]["cpu_ns"]),
        hva_ns=None if message["hva"] is None else tuple(ns / n for ns in message["hva"]["cpu_ns"]),
    )


def _messages(plan: Plan) -> Iterator[Message]:
    """Yield what one worker says. It has a session of its own, so that Ctrl-C reaches us first."""
    worker = subprocess.Popen(
        WORKER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    try:
        with contextlib.suppress(BrokenPipeError):  # it died already: its last words say why
            worker.stdin.write(plan.to_json() + "\n")
            worker.stdin.close()
        for line in worker.stdout:
            yield json.loads(line)
        last_words = worker.stderr.read().strip().splitlines()
        if worker.wait() != 0:
            reason = last_words[-1] if last_words else "it left no message"
            raise MeasurementError(f"worker ended with {worker.returncode}", reason)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        for pipe in (worker.stdin, worker.stdout, worker.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        worker.wait()
