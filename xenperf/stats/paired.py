"""Two sides measured in turn inside the same processes: their ratio and its interval.

The process is the unit of replication (Kalibera and Jones 2013, "Rigorous benchmarking in
reasonable time", ISMM): rounds of one process share its layout and its luck. So every
worker gives one figure, and the interval describes how the workers spread.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from xenperf.stats.interval import Interval, checked_confidence
from xenperf.stats.robust import median, sign_interval, sign_p_beyond, yuen

MIN_WORKERS: Final = 4  # fewer say nothing about the spread between processes
TRUSTED_WORKERS: Final = 8


class Method(StrEnum):
    """How an estimate and its interval were made."""

    TRIMMED = "trimmed mean of worker medians"
    SIGN = "median of rounds"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row: log(b / a) with its interval; above zero, side b takes longer."""

    log_ratio: float
    low: float
    high: float
    nr_workers: int
    nr_rounds: int  # of each worker
    method: Method
    warnings: tuple[str, ...] = ()
    rounds: tuple[tuple[float, ...], ...] = field(default=(), repr=False)

    @property
    def ratio(self) -> float:
        """Return b over a."""
        return math.exp(self.log_ratio)

    @property
    def ratio_low(self) -> float:
        """Return the lower bound of ``ratio``; 0 if there is none."""
        return math.exp(self.low)

    @property
    def ratio_high(self) -> float:
        """Return the upper bound of ``ratio``; infinite if there is none."""
        return math.exp(self.high)

    @property
    def half_width(self) -> float:
        """Return the noise figure: 0.03 is an interval of about +-3 % of the ratio."""
        return math.expm1(0.5 * (self.high - self.low))

    @property
    def points(self) -> tuple[float, ...]:
        """Return the values that the method treats as independent."""
        return _points(self.rounds, self.method)

    def interval(self, confidence: float) -> Interval:
        """Return the interval of ``log_ratio`` at another *confidence*."""
        if self.method is Method.TRIMMED:
            return yuen(self.points).interval(confidence)
        return sign_interval(self.points, confidence)

    def p_beyond(self, log_margin: float) -> float:
        """Return p of the interval null |true log ratio| <= *log_margin*.

        The distance counts from the nearer edge of the margin, so p < alpha exactly if the
        interval of confidence 1 - alpha lies beyond the margin (Hodges and Lehmann 1954,
        "Testing the approximate validity of statistical hypotheses", JRSS B 16).
        """
        if self.method is Method.TRIMMED:
            return yuen(self.points).p_beyond(log_margin)
        return sign_p_beyond(self.points, log_margin)


def round_log_ratios(a_ns: Sequence[float], b_ns: Sequence[float]) -> tuple[float, ...]:
    """Return log(b / a) of every round of one worker.

    Raise ``ValueError`` on unequal or empty sides, or a time that is not positive: nothing
    is paired that did not run together.
    """
    if len(a_ns) != len(b_ns):
        raise ValueError(f"sides must have run equally often, not {len(a_ns)} and {len(b_ns)}")
    if not a_ns:
        raise ValueError("a worker without rounds supports no figure")
    if not all(0.0 < time_ns < math.inf for time_ns in (*a_ns, *b_ns)):
        raise ValueError("times must be positive and finite")
    return tuple(math.log(b) - math.log(a) for a, b in zip(a_ns, b_ns, strict=True))


def worker_estimate(a_ns: Sequence[float], b_ns: Sequence[float]) -> float:
    """Return the figure of one worker: the median over rounds of log(b / a)."""
    return median(round_log_ratios(a_ns, b_ns))


def estimate(worker_rounds: Sequence[Sequence[float]], confidence: float = 0.95) -> Estimate:
    """Return the ratio of two sides from the log ratios of each worker's rounds.

    From ``MIN_WORKERS`` workers on: the 20 % trimmed mean of the worker medians with the t
    interval of Yuen (1974). With fewer: the median of all rounds with its sign-test
    interval, and a warning that the spread between processes is not in it.
    """
    checked_confidence(confidence)
    rounds = tuple(tuple(map(float, worker)) for worker in worker_rounds)
    nr_rounds = _common_length(rounds)
    method = Method.TRIMMED if len(rounds) >= MIN_WORKERS else Method.SIGN
    points = _points(rounds, method)
    if method is Method.TRIMMED:
        trimmed = yuen(points)
        centre, bounds = trimmed.mean, trimmed.interval(confidence)
    else:
        centre, bounds = median(points), sign_interval(points, confidence)
    return Estimate(
        log_ratio=centre,
        low=bounds.low,
        high=bounds.high,
        nr_workers=len(rounds),
        nr_rounds=nr_rounds,
        method=method,
        warnings=_warnings(len(rounds), bounds, confidence),
        rounds=rounds,
    )


def _points(rounds: tuple[tuple[float, ...], ...], method: Method) -> tuple[float, ...]:
    """Return one median per worker, or all rounds."""
    if method is Method.TRIMMED:
        return tuple(median(worker) for worker in rounds)
    return tuple(value for worker in rounds for value in worker)


def _common_length(rounds: tuple[tuple[float, ...], ...]) -> int:
    """Return how many rounds every worker has, or raise ``ValueError``."""
    lengths = {len(worker) for worker in rounds}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(
            f"every worker needs the same number of rounds, at least one; got {sorted(lengths)}"
        )
    return lengths.pop()


def _warnings(nr_workers: int, bounds: Interval, confidence: float) -> tuple[str, ...]:
    """Return what weakens the evidence, a sentence each."""
    found = []
    if nr_workers < MIN_WORKERS:
        count = "one worker" if nr_workers == 1 else f"{nr_workers} workers"
        found.append(f"{count}: the spread between processes was not measured")
    elif nr_workers < TRUSTED_WORKERS:
        found.append(
            f"{nr_workers} workers: fewer than the {TRUSTED_WORKERS} a verdict should have"
        )
    if math.isinf(bounds.high):
        found.append(f"too few rounds for an interval of {confidence:.4g} confidence")
    elif bounds.low == bounds.high:
        found.append("no spread at all: the clock may be too coarse")
    return tuple(found)
