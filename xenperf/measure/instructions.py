"""Instructions an operation takes, by GPA and by HVA: exact, and the same on a busy machine.

Fresh processes count the same loops under Valgrind, at two sizes each. Since nothing is timed, they
run side by side.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation
from xenperf.measure import callgrind
from xenperf.measure.count_plan import CountPlan
from xenperf.measure.count_process import Listener, Message, Progress, said_by
from xenperf.scenarios import catalogue
from xenperf.stats.instructions import InstructionRow, Tally, per_operation
from xenperf.stats.robust import median

Key: TypeAlias = tuple[str, Activation]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted, by benchmark and activation, and what could not be."""

    tallies: dict[Key, Tally]
    invalid: dict[str, str]

    def rows(self, names: Sequence[str]) -> list[InstructionRow]:
        """Return a row for each of *names*, in their order."""
        return [self._row(name) for name in names]

    def _row(self, name: str) -> InstructionRow:
        benchmark = catalogue.benchmark(name)
        return InstructionRow(
            benchmark=name,
            operation=benchmark.unit.partition("/")[2],
            gpa=self.tallies.get((name, Activation.GPA)),
            hva=self.tallies.get((name, Activation.HVA)),
            is_control=benchmark.is_control,
            invalid=self.invalid.get(name),
        )


def count(plan: CountPlan, listen: Listener = lambda step: None) -> Counts:
    """Count everything in *plan*, as often as it says.

    ``UnavailableError`` where this machine cannot; ``MeasurementError`` with a dead worker's last
    words. A wrong answer costs only the benchmark that gave it.
    """
    valgrind = callgrind.program()
    callgrind.check_cache()
    return asyncio.run(_count(plan, valgrind, Progress(plan, listen)))


async def _count(plan: CountPlan, valgrind: str, progress: Progress) -> Counts:
    """Rehearse without Valgrind, then count in as many processes at once as there are CPUs."""
    free = asyncio.Semaphore(len(os.sched_getaffinity(0)))

    async def counted(plan: CountPlan, root: str, run_idx: int) -> list[Message]:
        folder = Path(root, str(run_idx))
        folder.mkdir()
        async with free:
            said = await said_by(
                plan, run_idx, folder, progress, callgrind.command(valgrind, folder)
            )
        return with_figures(said, callgrind.totals(folder))

    with tempfile.TemporaryDirectory(prefix="xenperf-count-") as root:
        rehearsed = await said_by(plan, 0, Path(root), progress)
        there = tuple((message["name"], Activation(message["activation"])) for message in rehearsed)
        found = replace(plan, pairs=there)
        try:
            async with asyncio.TaskGroup() as group:
                runs = [group.create_task(counted(found, root, idx)) for idx in range(plan.runs)]
        except ExceptionGroup as failures:  # one dead worker is enough to tell
            raise failures.exceptions[0] from None
    return gathered([run.result() for run in runs])


def with_figures(said: Sequence[Message], totals: dict[str, int]) -> list[Message]:
    """Return what a worker *said* with the instructions that Valgrind counted meanwhile.

    Each size was run several times; the median leaves out what happened once.
    """
    figures = []
    for message in said:
        if "invalid" in message:
            figures.append(message)
            continue
        missing = [label for pair in message["labels"] for label in pair if label not in totals]
        if missing:
            raise MeasurementError("callgrind", f"it wrote no count for {missing[0]}")
        columns = zip(*message["labels"], strict=True)
        at_n, at_twice_n = (median([totals[label] for label in column]) for column in columns)
        figures.append({**message, "instructions": per_operation(at_n, at_twice_n, message["n"])})
    return figures


def gathered(runs: Sequence[Sequence[Message]]) -> Counts:
    """Return the tallies of all *runs*; a benchmark that failed once is invalid."""
    figures: dict[Key, list[float]] = {}
    invalid: dict[str, str] = {}
    for message in (message for run in runs for message in run):
        key = message["name"], Activation(message["activation"])
        if "invalid" in message:
            invalid.setdefault(message["name"], f"by {message['activation']}: {message['invalid']}")
        else:
            figures.setdefault(key, []).append(message["instructions"])
    tallies = {key: Tally(tuple(found)) for key, found in figures.items() if key[0] not in invalid}
    return Counts(tallies, invalid)
