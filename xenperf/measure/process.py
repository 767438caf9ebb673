"""One worker process: gets its plan, is listened to, and is never left behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from xenperf.errors import MeasurementError
from xenperf.measure.plan import Plan

WORKER: Final = (sys.executable, "-m", "xenperf.measure.worker")


def messages(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield what one worker says. It has a session of its own, so that Ctrl-C reaches us first.

    ``MeasurementError`` with its last words if it dies.
    """
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
