"""One counting worker, from start to end: what it says, and its last words if it dies."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from xenperf.errors import MeasurementError
from xenperf.measure import callgrind
from xenperf.measure.count_plan import CountPlan

WORKER: Final = (sys.executable, "-m", "xenperf.measure.count_worker")
SILENCE_S: Final = 300.0
"""A worker that says nothing for so long is ended; compiling everything takes half a minute."""

_STDERR: Final = "stderr"
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """How far counting is: for a progress bar."""

    done: int
    total: int
    doing: str


Listener = Callable[[Step], None]


class Progress:
    """Counts what is finished over all workers, the rehearsal included."""

    def __init__(self, plan: CountPlan, listen: Listener) -> None:
        """Tell *listen* whenever a worker says something."""
        self.total = (plan.runs + 1) * len(plan.pairs)
        self.done = 0
        self.listen = listen

    def hear(self, message: Message, stage: str) -> None:
        """Pass on *message* of a worker in *stage*."""
        self.done += message["kind"] == "counted"
        doing = message.get("doing") or f"{message['name']} by {message['activation']}"
        self.listen(Step(self.done, self.total, f"{doing}, {stage}"))


async def said_by(
    plan: CountPlan, run_idx: int, folder: Path, progress: Progress, before: tuple[str, ...] = ()
) -> list[Message]:
    """Run one worker to its end and return what it counted; it may write to *folder*.

    before
        What runs the worker: Valgrind and its options; nothing for the rehearsal.
    """
    stage = f"run {run_idx + 1} of {plan.runs}" if before else "rehearsal"
    worker = await _started(before, folder, run_idx)
    assert worker.stdout is not None
    said = []
    try:
        await _tell(worker, plan)
        while line := await asyncio.wait_for(worker.stdout.readline(), SILENCE_S):
            message = json.loads(line)
            progress.hear(message, stage)
            if message["kind"] == "counted":
                said.append(message)
        if await worker.wait() != 0:
            raise MeasurementError(f"counting worker ended with {worker.returncode}", _why(folder))
    except TimeoutError:
        raise MeasurementError("counting worker", f"silent for {SILENCE_S:g} s: ended") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
        await worker.wait()
    return said


async def _started(before: tuple[str, ...], folder: Path, run_idx: int) -> Process:
    """Start a worker in a session of its own, so that Ctrl-C reaches us first."""
    with (folder / _STDERR).open("wb") as stderr:
        return await asyncio.create_subprocess_exec(
            *before,
            *WORKER,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            env=callgrind.environment(os.environ, run_idx),
            start_new_session=True,
        )


async def _tell(worker: Process, plan: CountPlan) -> None:
    assert worker.stdin is not None
    with contextlib.suppress(ConnectionError):  # it died already: its last words say why
        worker.stdin.write(f"{plan.to_json()}\n".encode())
        await worker.stdin.drain()
    worker.stdin.close()


def _why(folder: Path) -> str:
    """Return a dead worker's last words: its own, or else Valgrind's."""
    said = (folder / _STDERR).read_text(errors="replace").strip().splitlines()
    return said[-1] if said else callgrind.last_words(folder) or "it left no message"
