"""The geometric mean of a report's ratios, with an interval over the workers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xenperf.stats.paired import MIN_WORKERS
from xenperf.stats.robust import yuen


@dataclass(frozen=True, slots=True)
class Geomean:
    """The mean ratio over all rows, and where it lies."""

    ratio: float
    low: float
    high: float
    nr_rows: int


def geomean(worker_ratios: Sequence[Sequence[float]], confidence: float = 0.95) -> Geomean | None:
    """Return the geometric mean over rows of their workers' ratios; None if it would say little.

    Worker *i* of every row is the same process, so each gives one figure: its mean log ratio over
    the rows. The interval is that of Yuen over these figures; it describes the machine, not what
    other benchmarks would show. Fewer than two rows, fewer workers than an interval needs, or rows
    whose workers do not match have no such mean.

    worker_ratios
        For each row the ratio of each worker, in the order of the workers.
    """
    nr_workers = {len(ratios) for ratios in worker_ratios}
    if len(worker_ratios) < 2 or len(nr_workers) != 1 or min(nr_workers) < MIN_WORKERS:
        return None
    logs = [[math.log(ratio) for ratio in ratios] for ratios in worker_ratios]
    means = [math.fsum(column) / len(column) for column in zip(*logs, strict=True)]
    trimmed = yuen(means)
    bounds = trimmed.interval(confidence)
    low, ratio, high = (math.exp(log) for log in (bounds.low, trimmed.mean, bounds.high))
    return Geomean(ratio, low, high, len(worker_ratios))
