"""How the slices of both sides are distributed, so that a second mode can be seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.figures import figures
from xenperf.report.html.marks import picture, rules, words
from xenperf.report.html.scale import Linear
from xenperf.report.html.tags import number, tag
from xenperf.report.model import WorkerSlices
from xenperf.stats.robust import median
from xenperf.stats.rows import Row

WIDTH: Final = 360.0
LEFT: Final = 20.0
RIGHT: Final = 350.0
LANE: Final = 70.0
MOST_BINS: Final = 48
LEAST_REACH: Final = 0.01
"""The axis reaches at least so far to either side of the median, relative to it."""

_INNER: Final = (0.01, 0.97)  # the share of slices that the axis must hold


@dataclass(frozen=True, slots=True)
class Lane:
    """One side's slices, each relative to their median."""

    label: str
    shares: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Return the slice that *share* of all slices do not exceed."""
        return sorted(self.shares)[round(share * (len(self.shares) - 1))]


def distributions(row: Row, workers: Sequence[WorkerSlices]) -> Element:
    """Return base above head, on one axis: the distance from each side's own median."""
    shown = figures(row)
    lanes = [
        _lane(
            f"{row.sides[0]}: {shown.base} {row.unit}",
            [ns for one in workers for ns in one.base_ns],
        ),
        _lane(
            f"{row.sides[1]}: {shown.head} {row.unit}",
            [ns for one in workers for ns in one.head_ns],
        ),
    ]
    low = min(-LEAST_REACH, *(lane.quantile(_INNER[0]) for lane in lanes))
    high = max(LEAST_REACH, *(lane.quantile(_INNER[1]) for lane in lanes))
    room = 0.06 * (high - low)
    axis = Linear(low - room, high + room, LEFT, RIGHT)
    marks = _drawn(lanes[0], axis, LANE, "base") + _drawn(lanes[1], axis, 2 * LANE, "head")
    at = {axis.at(value): f"{100.0 * value:+.3g} %" for value, _ in axis.ticks(5)}
    ticks = rules(at, (2 * LANE, 2 * LANE + 4), "tick")
    floors = rules((LANE, 2 * LANE), (LEFT, RIGHT), "tick", lying=True)
    x, floor = number(axis.at(0.0)), (LANE, 2 * LANE)
    strokes = "".join(f"M{x} {number(y - LANE + 20)}V{number(y)}" for y in floor)
    medians = tag("path", d=strokes, class_="one")
    label = "how the slices of both sides are distributed"
    named = [words(x, 2 * LANE + 16, text) for x, text in at.items()]
    return picture(WIDTH, 2 * LANE + 20, label, marks, medians, floors, ticks, named)


def _lane(label: str, slices: Sequence[float]) -> Lane:
    middle = median(slices)
    return Lane(label, tuple(ns / middle - 1.0 for ns in slices))


def _drawn(lane: Lane, axis: Linear, floor: float, kind: str) -> list[Element]:
    """Return *lane* as one outline that stands on *floor*, and what it shows."""
    counts = binned(lane.shares, axis.low, axis.high)
    tall = Linear(0.0, max(1, *counts), floor, floor - LANE + 22)
    edges = [LEFT + idx * (RIGHT - LEFT) / len(counts) for idx in range(1, len(counts) + 1)]
    steps = "".join(
        f"V{tall.at(count):.0f}H{edge:.0f}" for count, edge in zip(counts, edges, strict=True)
    )
    shape = tag("path", d=f"M{number(LEFT)} {number(floor)}{steps}V{number(floor)}z", class_=kind)
    marks = [shape]
    marks.append(words(LEFT, floor - LANE + 14, lane.label, "start"))
    nr_beyond = len(lane.shares) - sum(counts)
    if nr_beyond:
        marks.append(words(RIGHT, floor - LANE + 14, f"{nr_beyond} outside", "end", "soft"))
    return marks


def binned(values: Sequence[float], low: float, high: float) -> list[int]:
    """Return how many of *values* lie in each bin from *low* to *high*; what is outside in none.

    Twice as many bins as the square root of their number: fine enough for a second mode.
    """
    counts = [0] * min(MOST_BINS, max(8, round(2 * math.sqrt(len(values)))))
    for value in values:
        place = int((value - low) / (high - low) * len(counts))
        if value >= low and place < len(counts):
            counts[place] += 1
    return counts
