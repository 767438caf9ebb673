"""Rows of instructions, counted on a machine whose clock counts them: no sample, no interval.

A count that repeats needs no test. What is claimed lies beyond the limit stated here, and beyond
three times what the counts of one side lie apart.
"""

import statistics
from collections.abc import Sequence
from typing import Final

from xenperf.stats.instructions import MARGIN, SPREADS
from xenperf.stats.rows import Row, cost_rows
from xenperf.stats.samples import INSTRUCTIONS, CostSample
from xenperf.stats.verdict import DEFAULT, Judgement, Verdict

WIDER: Final = {"slots": 0.02, "notifier": 0.03}
"""Limits of what sleeps, and of what walks lists whose layout differs from boot to boot."""


def judged_rows(samples: Sequence[CostSample], settings: Judgement = DEFAULT) -> list[Row]:
    """Return a row for each cost, in order: by the counts where there are some, else by time."""
    timed = iter(cost_rows([each for each in samples if not _is_counted(each)], settings))
    return [_row(each) if _is_counted(each) else next(timed) for each in samples]


def limit_of(benchmark: str, apart: float) -> float:
    """Return how far the counts of both sides may differ and still be the same: a share.

    apart
        How far the counts of one side lie apart. Where they repeat, a single instruction counts.
    """
    return WIDER.get(benchmark.partition(".")[0], MARGIN if apart else 0.0)


def judge_counts(base: Sequence[float], head: Sequence[float], limit: float) -> Verdict:
    """Return what becomes of a cost, from every count of both sides.

    Slower and faster: the medians differ by more than *limit*, a share of the base, and by more
    than three times what the counts of either side lie apart. Same: they differ by no more than
    the limit. Else undecided.
    """
    before, after = statistics.median_low(base), statistics.median_low(head)
    difference, tolerated = abs(after - before), limit * before
    if difference <= tolerated:
        return Verdict.SAME
    if difference <= SPREADS * _apart(base, head):
        return Verdict.UNDECIDED
    return Verdict.SLOWER if after > before else Verdict.FASTER


def _apart(*sides: Sequence[float]) -> float:
    """Return how far the counts of one side lie apart, of the side where that is more."""
    return max(max(side) - min(side) for side in sides)


def _is_counted(sample: CostSample) -> bool:
    has_both = bool(sample.workers) and not any(sample.lacks)
    return sample.metric == INSTRUCTIONS and sample.invalid is None and has_both


def _row(sample: CostSample) -> Row:
    base = _counts([worker.base_ns for worker in sample.workers])
    head = _counts([worker.head_ns for worker in sample.workers])
    before, after = statistics.median_low(base), statistics.median_low(head)
    medians = [
        statistics.median_low(worker.head_ns or ()) / statistics.median_low(worker.base_ns or ())
        for worker in sample.workers
    ]
    return Row(
        benchmark=sample.benchmark,
        metric=sample.metric,
        unit=sample.unit,
        base=before,
        head=after,
        ratio=after / before,
        ci=(min(head) / max(base), max(head) / min(base)),
        verdict=judge_counts(base, head, limit_of(sample.benchmark, _apart(base, head))),
        is_control=sample.is_control,
        worker_ratios=tuple(medians),
        sides=sample.sides,
        variant=sample.variant,
    )


def _counts(workers: Sequence[tuple[float, ...] | None]) -> list[float]:
    """Return the median of each worker; of a single one every round."""
    there = [counts for counts in workers if counts]
    return list(there[0]) if len(there) == 1 else [statistics.median_low(one) for one in there]
