"""Does a cost grow with a size, and how: flat, a line, a logarithm, or not to be told.

A *pass* measured every size once, in one process; it is the unit that spreads. Each figure is made
pass by pass, then trimmed and given Yuen's interval over the passes (``robust.yuen``), so what one
process or one minute did to all sizes alike is in no figure.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xenperf.stats.fits import Fit, line_through
from xenperf.stats.interval import Interval
from xenperf.stats.paired import MIN_WORKERS
from xenperf.stats.robust import median, yuen
from xenperf.stats.verdict import Judgement

RISE_SHARE: Final = 0.1
"""A shape may miss the costs by this share of their whole rise, and by no more than the band."""

FEW: Final = f"fewer than {MIN_WORKERS} workers measured every size"
ONE_SIZE: Final = "one size alone: nothing to grow with"
BOTH_FIT: Final = "a line and log2 both fit"
NONE_FITS: Final = "neither a line nor log2 fits"
WIDE: Final = "the intervals are too wide"


class Shape(StrEnum):
    """What a curve was found to be."""

    FLAT = "flat"
    LINEAR = "linear"
    LOG2 = "log2"
    CHANGES = "changes"
    """It does change with the size, but its shape is another one or cannot be told."""

    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Bounded:
    """A figure and its interval; bounds are infinite where there are too few passes."""

    value: float
    low: float
    high: float

    def beyond(self, reach: float) -> bool:
        """Tell whether the whole interval lies farther than *reach* from 0."""
        return self.low > reach or self.high < -reach


@dataclass(frozen=True, slots=True)
class Growth:
    """The judgement of one curve."""

    sizes: tuple[int, ...]
    cost: tuple[Bounded, ...]
    """Nanoseconds an operation at each size."""

    growth: tuple[Bounded, ...]
    """The cost at each size over that at the smallest; the first is 1."""

    per_unit: Bounded
    """Nanoseconds for each slot or vCPU more, of the line that fits best."""

    per_doubling: Bounded
    """Nanoseconds for each doubling of the size, of the logarithm that fits best."""

    shape: Shape
    reason: str = ""
    """Why the shape cannot be told, where it cannot."""

    nr_passes: int = 0


def judge_curve(
    sizes: Sequence[int], passes: Sequence[Sequence[float]], settings: Judgement, nr_curves: int = 1
) -> Growth:
    """Return what a curve is, as one of *nr_curves* that are judged together.

    sizes
        Rising, each there once.
    passes
        Of each pass the nanoseconds at each size, all above 0.

    Each curve has the same share of ``settings.alpha``, and in it each size; intervals are that
    wide. Flat: every growth lies inside the band. Otherwise it changes where some growth lies
    beyond the margin, and a shape fits unless its miss at some size clearly exceeds the smaller of
    the band and ``RISE_SHARE`` of the rise. One shape that fits where the other does not is named.
    """
    _check(sizes, passes)
    confidence = 1.0 - settings.alpha / (nr_curves * len(sizes))
    cost = tuple(_exp(_bounded(column, confidence)) for column in zip(*_logs(passes), strict=True))
    growth = [_bounded(c, confidence) for c in zip(*_against_first(passes), strict=True)]
    lines = [line_through(axis, passes) for axis in _axes(sizes)]
    per_unit, per_doubling = (_bounded(fit.slopes, confidence) for fit in lines)
    shape, reason = _shape(growth, lines, settings, confidence)
    return Growth(
        sizes=tuple(sizes),
        cost=cost,
        growth=(Bounded(1.0, 1.0, 1.0), *map(_exp, growth[1:])),
        per_unit=per_unit,
        per_doubling=per_doubling,
        shape=shape,
        reason=reason,
        nr_passes=len(passes),
    )


def _shape(
    growth: Sequence[Bounded], lines: Sequence[Fit], settings: Judgement, confidence: float
) -> tuple[Shape, str]:
    """Return the shape, and why it is no better known; *growth* is in logarithms."""
    if len(growth) < 2:
        return Shape.UNDECIDED, ONE_SIZE
    if len(lines[0].slopes) < MIN_WORKERS:
        return Shape.UNDECIDED, FEW
    band = settings.log_band
    if all(-band <= each.low and each.high <= band for each in growth):
        return Shape.FLAT, ""
    if not any(each.beyond(settings.log_margin) for each in growth):
        return Shape.UNDECIDED, WIDE
    fits = [
        shape
        for shape, line in zip((Shape.LINEAR, Shape.LOG2), lines, strict=True)
        if not _is_missed(line, settings.band, confidence)
    ]
    if len(fits) == 1:
        return fits[0], ""
    return Shape.CHANGES, BOTH_FIT if fits else NONE_FITS


def _is_missed(line: Fit, band: float, confidence: float) -> bool:
    """Tell whether *line* clearly misses the cost at some size."""
    rise = max(line.costs) - min(line.costs)
    return any(
        _bounded(misses, confidence).beyond(min(band * cost, RISE_SHARE * rise))
        for cost, misses in zip(line.costs, zip(*line.misses, strict=True), strict=True)
    )


def _bounded(values: Sequence[float], confidence: float) -> Bounded:
    """Return the figure that *values*, one of each pass, give, and its interval."""
    if len(values) < MIN_WORKERS:
        return Bounded(median(values), -math.inf, math.inf)
    trimmed = yuen(values)
    bounds: Interval = trimmed.interval(confidence)
    return Bounded(trimmed.mean, bounds.low, bounds.high)


def _axes(sizes: Sequence[int]) -> tuple[list[float], list[float]]:
    """Return *sizes* as they are, and their logarithms to base 2."""
    return [float(size) for size in sizes], [math.log2(size) for size in sizes]


def _logs(passes: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[math.log(ns) for ns in one] for one in passes]


def _against_first(passes: Sequence[Sequence[float]]) -> list[list[float]]:
    return [[log - one[0] for log in one] for one in _logs(passes)]


def _exp(log: Bounded) -> Bounded:
    high = math.inf if log.high == math.inf else math.exp(log.high)
    return Bounded(math.exp(log.value), math.exp(log.low), high)


def _check(sizes: Sequence[int], passes: Sequence[Sequence[float]]) -> None:
    """Raise ``ValueError`` for what is no curve."""
    if not sizes or sizes[0] < 1 or any(a >= b for a, b in itertools.pairwise(sizes)):
        raise ValueError(f"sizes must rise from 1 or more, not {list(sizes)}")
    if not passes or any(len(one) != len(sizes) for one in passes):
        raise ValueError("every pass needs a cost at every size")
    if not all(0.0 < ns < math.inf for one in passes for ns in one):
        raise ValueError("costs must be positive and finite")
