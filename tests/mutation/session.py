"""Planting every fault in turn and letting the tests look for it, several at a time."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Final

from tests.mutation.fault import ROOT, Fault
from tests.mutation.planting import check, planted, snapshot_of
from tests.mutation.trial import Run, Verdict, end, run_tests
from xenperf.errors import XenperfError

NEAR: Final = "near"
"""The stage of a fault's own tests."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Tests that run when those before have not noticed."""

    name: str
    tests: tuple[str, ...]


RULES: Final = Stage(
    "rules",
    ("tests/model", "tests/conformance", "tests/scenarios", "tests/vmm", "tests/explore"),
)
TWIN: Final = Stage("twin", ("tests/peer",))
"""The same steps in C: notices whatever differs, and does not know which of the two is right."""

WIDER: Final = (RULES, TWIN)
LONGER: Final = 10
"""A wider stage may take so many times as long as a fault's own tests."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one fault."""

    fault: Fault
    stage: str
    """Whose tests noticed; empty if none did."""

    run: Run
    seconds: float

    @property
    def is_caught(self) -> bool:
        """Whether a test failed, hung or crashed."""
        return self.run.verdict is not Verdict.PASSED


@dataclass(frozen=True, slots=True)
class Session:
    """All that was found, in the order of the faults."""

    results: tuple[Result, ...]
    nr_faults: int
    seconds: float

    @property
    def is_cut_short(self) -> bool:
        """Whether faults are left that were not tried."""
        return len(self.results) < self.nr_faults


@dataclass(slots=True)
class Runner:
    """Runs stages on copies of the checkout at *root*, all of them made from one snapshot."""

    root: Path = ROOT
    timeout: float = 60.0
    """Seconds for the tests of a fault; generous, as a timeout counts as caught."""

    wider: tuple[Stage, ...] = WIDER
    _running: set["Popen[bytes]"] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sound: set[Stage] = field(default_factory=set)
    _soundness: threading.Lock = field(default_factory=threading.Lock)
    _is_stopped: bool = False

    def run(self, faults: Sequence[Fault], jobs: int, heard: Callable[[Result], object]) -> Session:
        """Try *faults*, *jobs* at a time; Ctrl-C keeps what is finished.

        Raises ``MisfitError`` before the first run if a fault does not fit the code, and
        ``XenperfError`` if the tests fail with nothing planted, as then a catch means nothing.
        """
        begin = time.monotonic()
        for fault in faults:
            check(fault, self.root)
        results: dict[Fault, Result] = {}
        with snapshot_of(self.root) as snapshot, ThreadPoolExecutor(jobs) as pool:
            try:
                pool.submit(self._expect_sound_near, snapshot, faults).result()
                tried = [pool.submit(self._try, snapshot, fault) for fault in faults]
                for done in as_completed(tried):
                    results[done.result().fault] = done.result()
                    heard(done.result())
            except KeyboardInterrupt:
                self._stop(pool)
            except BaseException:
                self._stop(pool)
                raise
        found = tuple(results[fault] for fault in faults if fault in results)
        return Session(found, len(faults), time.monotonic() - begin)

    def _try(self, snapshot: Path, fault: Fault) -> Result:
        """Plant *fault* and run its own tests, then the wider stages, until one notices."""
        begin = time.monotonic()
        run = Run(Verdict.PASSED, 0.0)
        with planted(snapshot, fault) as tree:
            for stage in (Stage(NEAR, fault.tests), *self.wider):
                if stage.name != NEAR:
                    self._expect_sound(snapshot, stage)
                run = self._run(tree, stage)
                if run.verdict is not Verdict.PASSED:
                    return Result(fault, stage.name, run, time.monotonic() - begin)
        return Result(fault, "", run, time.monotonic() - begin)

    def _expect_sound_near(self, snapshot: Path, faults: Sequence[Fault]) -> None:
        """Run the faults' own tests with nothing planted: they have to pass."""
        tests = dict.fromkeys(test for fault in faults for test in fault.tests)
        self._expect_passing(snapshot, Stage("own", tuple(tests)))

    def _expect_sound(self, snapshot: Path, stage: Stage) -> None:
        """Run *stage* with nothing planted the first time that a fault comes to it."""
        with self._soundness:
            if stage not in self._sound:
                with planted(snapshot, None) as tree:
                    self._expect_passing(tree, stage)
                self._sound.add(stage)

    def _expect_passing(self, tree: Path, stage: Stage) -> None:
        run = self._run(tree, stage)
        if run.verdict is not Verdict.PASSED and not self._is_stopped:
            thing = f"with nothing planted {run.test or ' '.join(stage.tests)}"
            raise XenperfError(thing, f"{run.verdict} {run.reason}", "mend that first")

    def _run(self, tree: Path, stage: Stage) -> Run:
        timeout = self.timeout * (1 if stage.name == NEAR else LONGER)
        processes: list[Popen[bytes]] = []

        def started(process: "Popen[bytes]") -> None:
            processes.append(process)
            with self._lock:
                self._running.add(process)
                is_stopped = self._is_stopped
            if is_stopped:
                end(process)

        try:
            return run_tests(tree, stage.tests, timeout=timeout, started=started)
        finally:
            with self._lock:
                self._running.difference_update(processes)

    def _stop(self, pool: ThreadPoolExecutor) -> None:
        """Let nothing more begin and end what runs."""
        pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._is_stopped = True
            running = list(self._running)
        for process in running:
            end(process)
