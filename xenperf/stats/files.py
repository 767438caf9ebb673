"""Rows of two recordings that were made apart: a difference has to be large to be believed.

What drifts between two recordings is in their ratio, and no interval shows it. Hence a verdict only
beyond 10 %, with p below 0.002 and at least 10 workers a side; all else is undecided, never "same".
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.apart import shift, u_p_value
from xenperf.stats.interval import Interval
from xenperf.stats.robust import median
from xenperf.stats.rows import Row
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS
from xenperf.stats.verdict import Verdict

MARGIN: Final = 0.10
P_LIMIT: Final = 0.002
LEAST_WORKERS: Final = 10
ALPHA: Final = 0.05
SIDES: Final = ("base", "head")
ONLY_ONE: Final = "only one of the two files has it"
FEW: Final = f"fewer than {LEAST_WORKERS} processes on a side: no verdict"
COUNTED: Final = "counted, not timed: boot both in one series, where counts are judged as such"
WALL: Final = "wall time, or an unknown clock: no verdict between files"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one file says of one cost."""

    benchmark: str
    variant: str
    unit: str
    metric: str
    """``CPU_TIME`` where the file says so, else ``WALL_TIME``."""

    workers_ns: tuple[float, ...]
    """The median of each process, in nanoseconds an operation."""

    interval_ns: Interval | None = None
    """Where a file has an interval instead of processes."""

    instructions: float | None = None
    """Of one operation, where they were counted."""

    @property
    def key(self) -> tuple[str, str]:
        """What has to be equal in both files."""
        return self.benchmark, self.variant


def file_rows(base: Sequence[Figure], head: Sequence[Figure]) -> list[Row]:
    """Return a row for each cost of either file, in the order of *base*, then of *head*."""
    bases, heads = ({figure.key: figure for figure in side} for side in (base, head))
    nr_both = len(bases.keys() & heads.keys())
    return [_row(bases.get(key), heads.get(key), nr_both) for key in {**bases, **heads}]


def _row(base: Figure | None, head: Figure | None, nr_both: int) -> Row:
    if base is None or head is None:
        return _lone(base, head)
    logs = [[math.log(ns) for ns in one.workers_ns] for one in (base, head)]
    found = shift(logs[0], logs[1], 1.0 - ALPHA / nr_both)
    ci = _combined(base, head) or (_exp(found.bounds.low), _exp(found.bounds.high))
    notes = _notes(base, head)
    is_sure = not notes and u_p_value(logs[0], logs[1]) < P_LIMIT
    verdict = Verdict.UNDECIDED
    if is_sure and abs(found.centre) > math.log1p(MARGIN):
        verdict = Verdict.SLOWER if found.centre > 0.0 else Verdict.FASTER
    return Row(
        benchmark=base.benchmark,
        metric=base.metric,
        unit=base.unit,
        base=median(base.workers_ns),
        head=median(head.workers_ns),
        ratio=math.exp(found.centre),
        ci=ci,
        verdict=verdict,
        notes=notes,
        sides=SIDES,
        variant=base.variant,
        instructions=_instructions(base, head),
    )


def _lone(base: Figure | None, head: Figure | None) -> Row:
    """Return the row of what only one file has."""
    there = base or head
    assert there is not None
    return Row(
        benchmark=there.benchmark,
        metric=there.metric,
        unit=there.unit,
        base=None if base is None else median(base.workers_ns),
        head=None if head is None else median(head.workers_ns),
        ratio=None,
        ci=None,
        verdict=Verdict.NEW if base is None else Verdict.GONE,
        notes=(ONLY_ONE,),
        sides=SIDES,
        variant=there.variant,
    )


def _instructions(base: Figure, head: Figure) -> tuple[float, float] | None:
    """Return the instructions of both: exact, so no drift between the recordings is in them."""
    if base.instructions is None or head.instructions is None:
        return None
    return base.instructions, head.instructions


def _notes(base: Figure, head: Figure) -> tuple[str, ...]:
    """Return why there can be no verdict."""
    found = []
    if min(len(base.workers_ns), len(head.workers_ns)) < LEAST_WORKERS:
        found.append(FEW)
    if base.metric == head.metric == INSTRUCTIONS:
        return (COUNTED,)
    if not base.metric == head.metric == CPU_TIME:
        found.append(WALL)
    if base.unit != head.unit:
        found.append(f"the files have different units: {base.unit} and {head.unit}")
    return tuple(found)


def _combined(base: Figure, head: Figure) -> tuple[float, float] | None:
    """Return the ratios that the files' own intervals leave open; None unless both have one."""
    if base.interval_ns is None or head.interval_ns is None:
        return None
    low = head.interval_ns.low / base.interval_ns.high
    return low, head.interval_ns.high / base.interval_ns.low


def _exp(log_ratio: float) -> float:
    return math.inf if log_ratio == math.inf else math.exp(log_ratio)
