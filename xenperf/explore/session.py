"""Many pairs, spread over processes; what is finished is kept whatever happens to the rest."""

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from xenperf.errors import MeasurementError
from xenperf.explore.pair import Found, Pair
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation
from xenperf.switches import MERGED

MOST_WORKERS: Final = 2
FEWEST_TASKS: Final = 8
"""Below that, starting processes costs more than they save."""


@dataclass(frozen=True, slots=True)
class Task:
    """One pair by one activation."""

    first: str
    second: str
    activation: Activation
    patches: frozenset[str] = frozenset(MERGED)
    """What the model's kernel is built with."""


@dataclass(slots=True)
class Session:
    """What was found so far, in the order asked for, and why no more, if so."""

    tasks: Sequence[Task]
    results: dict[Task, Found] = field(default_factory=dict)
    cut_short: str | None = None

    @property
    def found(self) -> list[Found]:
        """Return the finished tasks."""
        return [self.results[task] for task in self.tasks if task in self.results]


def run(tasks: Sequence[Task], nr_preemptions: int, on_finished: Callable[[Task], None]) -> Session:
    """Explore *tasks*; Ctrl-C keeps those that are finished."""
    session = Session(tasks)
    try:
        for task, found in _each(tasks, nr_preemptions):
            session.results[task] = found
            on_finished(task)
    except KeyboardInterrupt:
        session.cut_short = "interrupted"
    return session


def explore(task: Task, nr_preemptions: int) -> Found:
    """Explore one task in this process."""
    with Pair(task.first, task.second, task.activation, _tap(task.patches)) as pair:
        return pair.explore(nr_preemptions)


@functools.cache
def _tap(patches: frozenset[str]) -> Tap:
    """Load the model of a kernel once in each process."""
    return Tap(patches=patches)


def _each(tasks: Sequence[Task], nr_preemptions: int) -> Iterator[tuple[Task, Found]]:
    nr_workers = min(MOST_WORKERS, len(os.sched_getaffinity(0)))
    if len(tasks) < FEWEST_TASKS or nr_workers < 2:
        for task in tasks:
            yield task, explore(task, nr_preemptions)
        return
    with _workers(nr_workers) as pool:
        waiting: dict[Future[Found], Task] = {
            pool.submit(explore, task, nr_preemptions): task for task in tasks
        }
        for future in as_completed(waiting):
            try:
                found = future.result()
            except BrokenProcessPool as broken:
                remedy = "free some memory and run it again"
                raise MeasurementError("explore", "a worker process died", remedy) from broken
            yield waiting[future], found


@contextmanager
def _workers(number: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool whose processes end with the block, in the middle of a task if need be."""
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), _ignore_interrupts)
    finished = False
    try:
        yield pool
        finished = True
    finally:
        pool.shutdown(wait=finished, cancel_futures=True)
        if not finished:
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()


def _ignore_interrupts() -> None:
    """Leave Ctrl-C, which the terminal sends to all, to the process that keeps the results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
