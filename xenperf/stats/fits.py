"""Straight lines through costs, pass by pass: slopes, and what the lines miss."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from xenperf.stats.robust import median


@dataclass(frozen=True, slots=True)
class Fit:
    """A line through each pass."""

    slopes: tuple[float, ...]
    """One of each pass: nanoseconds for each step of the axis."""

    misses: tuple[tuple[float, ...], ...]
    """Of each pass, at each size: cost less line, in nanoseconds."""

    costs: tuple[float, ...]
    """At each size the median over the passes."""


def line_through(axis: Sequence[float], passes: Sequence[Sequence[float]]) -> Fit:
    """Return the line of least squares of each pass over *axis*.

    A size weighs with the inverse square of its median cost over all passes, as noise is
    proportional to what is measured. With one size the line is level.
    """
    costs = tuple(median(column) for column in zip(*passes, strict=True))
    weights = [cost**-2 for cost in costs]
    slopes, misses = [], []
    for one in passes:
        slope, level = _line(axis, one, weights)
        slopes.append(slope)
        misses.append(tuple(y - level - slope * x for x, y in zip(axis, one, strict=True)))
    return Fit(tuple(slopes), tuple(misses), costs)


def _line(
    axis: Sequence[float], costs: Sequence[float], weights: Sequence[float]
) -> tuple[float, float]:
    """Return slope and level of the line with the least weighted squares."""
    total = math.fsum(weights)
    centre = math.fsum(w * x for w, x in zip(weights, axis, strict=True)) / total
    middle = math.fsum(w * y for w, y in zip(weights, costs, strict=True)) / total
    away = [x - centre for x in axis]
    squares = math.fsum(w * dx * dx for w, dx in zip(weights, away, strict=True))
    if squares == 0.0:
        return 0.0, middle
    slope = math.fsum(w * dx * y for w, dx, y in zip(weights, away, costs, strict=True)) / squares
    return slope, middle - slope * centre
