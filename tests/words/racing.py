"""Litmus runs: two native threads do one short step each, at once, thousands of times over.

In each trial both threads meet and then do their step on words that nobody touched before. A step
takes the khva of its own line and of the other's, and returns a word.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from xenperf.words import fetch_add64, load64, pause, sched_yield, store64

Step = Callable[[Any, Any], Any]
Outcome = tuple[int, ...]
"""What the first thread returned and what the second did; then, at the end, the first two words of
the first thread's line and the first two of the second's."""

ZERO, ONE, TWO = (np.uint64(value) for value in (0, 1, 2))
TRIALS, TRIAL_WORDS = 4096, 32
TRIAL_BYTES, MEETING, RESULTS, LINE, WORD_BYTES = (np.uint64(v) for v in (256, 128, 192, 64, 8))
TIMEOUT_S = 60.0
PATIENCE = np.uint64(1023)
_SHOWN = [24, 25, 0, 1, 8, 9]


def native(func: Callable[..., Any]) -> Callable[..., Any]:
    """Compile when first called, where there is a compiler, for threads that run at once."""
    made: Callable[..., Any] = numba.njit(nogil=True)(func)
    return made


def inlined(step: Step) -> Step:
    made: Step = numba.njit(forceinline=True)(step)
    return made


def run_at_once(*calls: Callable[[], object]) -> bool:
    """Run each of *calls* in a thread; tell whether all ended in time."""
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        together.wait()
        call()

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    deadline = time.monotonic() + TIMEOUT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def on_own_cpus(*calls: Callable[[], object]) -> list[Callable[[], object]]:
    """Return *calls*, each on a CPU of its own when a thread runs it; neither waits for another."""
    cpus = sorted(os.sched_getaffinity(0))

    def pinned(cpu: int, call: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            os.sched_setaffinity(0, {cpu})  # this thread's alone
            call()

        return run

    return [pinned(cpu, call) for cpu, call in zip(cpus, calls, strict=False)]


class Race:
    """Two steps that meet, the words of a trial being zero before, or *start*."""

    def __init__(
        self, first: Step, second: Step, start: tuple[int, int, int, int] = (0, 0, 0, 0)
    ) -> None:
        """Let *start* be the first two words of the first's line, then of the second's."""
        self.parts = _part(first), _part(second)
        self.start = start
        for part in self.parts:
            part(ZERO, ZERO, ZERO)  # compiles: the threads must not wait for that

    def outcomes(self) -> Counter[Outcome]:
        """Run all trials once and count how they ended."""
        memory = np.zeros((TRIALS + 1) * TRIAL_WORDS, np.uint64)
        first = -(-memory.ctypes.data // 256) * 256
        skipped = (first - memory.ctypes.data) // 8
        table = memory[skipped : skipped + TRIALS * TRIAL_WORDS].reshape(TRIALS, TRIAL_WORDS)
        table[:, [0, 1, 8, 9]] = self.start
        trials, n = np.uint64(first), np.uint64(TRIALS)
        first_part, second_part = self.parts
        assert run_at_once(
            *on_own_cpus(
                lambda: first_part(trials, ZERO, n),
                lambda: second_part(trials, ONE, n),
            )
        )
        rows, counts = np.unique(table[:, _SHOWN], axis=0, return_counts=True)
        return Counter(
            {
                tuple(int(word) for word in row): int(count)
                for row, count in zip(rows, counts, strict=True)
            }
        )


def _part(step: Step) -> Callable[..., Any]:
    """Return a thread's part: meet the other in every trial, then do *step* at once."""

    @native
    def part(trials: Any, me: Any, n: Any) -> None:
        mine, other, result = me * LINE, (ONE - me) * LINE, RESULTS + me * WORD_BYTES
        i = ZERO
        while i < n:
            trial = trials + i * TRIAL_BYTES
            fetch_add64(trial + MEETING, ONE)
            turns = ZERO
            while load64(trial + MEETING) < TWO:
                pause()
                turns += ONE
                if turns & PATIENCE == ZERO:  # the other one is not running
                    sched_yield()
            store64(trial + result, step(trial + mine, trial + other))
            i += ONE

    return part
