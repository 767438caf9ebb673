"""One run of pytest in a copy of the checkout, and what it tells."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from xenperf.errors import XenperfError

OPTIONS: Final = ("-x", "-v", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist")
_ENDED: Final = re.compile(r"^(\S+::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL)\b")
_STARTED: Final = re.compile(r"^(\S+::.+?) *$")
_PASSED, _FAILED, _INTERRUPTED, _NOTHING_RUN = 0, 1, 2, 5
_SUMMARY: Final = re.compile(r"^(?:FAILED|ERROR) \S+::.+? - (.*)$")


class Verdict(StrEnum):
    """What a run of the tests came to."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its verdict, and the test that failed, hung or crashed, with the reason."""

    verdict: Verdict
    seconds: float
    test: str = ""
    reason: str = ""


Started = Callable[["subprocess.Popen[bytes]"], object]


def run_tests(tree: Path, tests: Sequence[str], *, timeout: float, started: Started) -> Run:
    """Run *tests* of the checkout at *tree* until one fails, or *timeout* seconds have passed.

    started
        Hears of the process, which leads a process group of its own, so that it can be ended.
    """
    log = tree / "pytest.log"
    begin = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *OPTIONS, *tests],
            cwd=tree,
            env=_environment(tree),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started(process)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            end(process)
            code = None
    return _told(code, log.read_text(errors="replace"), time.monotonic() - begin)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _environment(tree: Path) -> dict[str, str]:
    """Return an environment in which the copy is the package, interpreted: nothing to compile."""
    return os.environ | {"PYTHONPATH": str(tree), "COLUMNS": "400", "NUMBA_DISABLE_JIT": "1"}


def _told(code: int | None, log: str, seconds: float) -> Run:
    """Return what the log and the exit code tell; None for a run that was ended."""
    lines = log.splitlines()
    found = (_ENDED.match(line) for line in lines)
    failed = [match[1] for match in found if match and match[2] in ("FAILED", "ERROR")]
    if failed and (code is None or code in (_FAILED, _INTERRUPTED) or code < 0):
        # what happens after that is of no interest: threads that still wait may crash or hang it
        reasons = [match[1] for line in lines if (match := _SUMMARY.match(line))]
        return Run(Verdict.FAILED, seconds, failed[0], reasons[0] if reasons else "")
    if code is None:
        return Run(Verdict.TIMEOUT, seconds, _last_started(lines))
    if code < 0:
        return Run(Verdict.CRASHED, seconds, _last_started(lines), signal.Signals(-code).name)
    if code == _PASSED:
        return Run(Verdict.PASSED, seconds)
    last = next((line for line in reversed(lines) if line.strip()), "no output")
    what = "no test was found" if code == _NOTHING_RUN else f"pytest ended with {code}"
    raise XenperfError("the tests", f"{what}: {last}")


def _last_started(lines: Sequence[str]) -> str:
    """Return the test that had begun and not ended when the output stopped."""
    match = _STARTED.match(lines[-1]) if lines else None
    return match[1] if match else ""
