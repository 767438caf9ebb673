"""What each worker found: its ratio by who went first, and against time with the machine's load."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.limits import limits
from xenperf.report.html.marks import box, dot, line, picture, specks, words
from xenperf.report.html.scale import Linear, padded
from xenperf.report.html.words import pair_name, plural
from xenperf.report.model import Report, WorkerSlices
from xenperf.stats.paired import round_log_ratios
from xenperf.stats.robust import median
from xenperf.stats.rows import Row

WIDTH: Final = 360.0
LEFT: Final = 64.0
RIGHT: Final = 350.0
LANE: Final = 26.0
MOST_SPECKS: Final = 400
"""Rounds drawn of one row; of more, every second or third is."""

SHAPES: Final = {True: "circle", False: "diamond", None: "square"}
"""A worker's mark: base went first, head did, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Found:
    """One worker of a row."""

    ratio: float
    rounds: tuple[float, ...]
    base_first: bool | None
    load: float | None
    seconds: float | None
    nr_moved: int = 0

    @property
    def title(self) -> str:
        """What a pointer that rests on the mark is told."""
        parts = [f"ratio {self.ratio:.4g}"]
        parts += [] if self.seconds is None else [f"after {self.seconds:.0f} s"]
        parts += [] if self.load is None else [f"load {self.load:.2f}"]
        parts += [plural(self.nr_moved, "slice") + " changed CPU"] if self.nr_moved else []
        return ", ".join(parts)


def found(report: Report, row: Row) -> list[Found]:
    """Return the workers of *row*, from its slices or, without them, from their ratios alone."""
    slices = report.slices.get(row.key, ())
    if slices:
        return [_from_slices(worker) for worker in slices]
    return [Found(ratio, (), None, None, None) for ratio in row.worker_ratios]


def _from_slices(worker: WorkerSlices) -> Found:
    logs = round_log_ratios(worker.base_ns, worker.head_ns)
    rounds = tuple(math.exp(log) for log in logs)
    return Found(
        math.exp(median(logs)),
        rounds,
        worker.base_first,
        worker.load_1min,
        worker.seconds,
        worker.nr_moved,
    )


def ratios(report: Report, row: Row, workers: Sequence[Found]) -> Element:
    """Return a lane of dots for those whose base went first, and one for the others."""
    axis = _axis(row, [worker.ratio for worker in workers], (LEFT, RIGHT))
    lanes = [first for first in (True, False, None) if any(w.base_first is first for w in workers)]
    bottom = LANE * (len(lanes) + 1)
    marks = limits(report, axis, (0.0, bottom))
    for idx, first in enumerate(lanes):
        y = LANE * (idx + 0.5)
        marks.append(words(LEFT - 8, y + 4, _who(row, first), "end"))
        group = [worker for worker in workers if worker.base_first is first]
        marks += [dot(axis.at(w.ratio), y, SHAPES[first], "worker", w.title) for w in group]
    marks += [
        words(LEFT - 8, bottom - LANE / 2 + 4, "interval", "end"),
        *_interval(row, axis, bottom),
    ]
    for value, text in axis.ticks(5):
        marks.append(line((axis.at(value),) * 2, (bottom, bottom + 4), "tick"))
        marks.append(words(axis.at(value), bottom + 16, text))
    label = f"{row.name}: ratio {pair_name(row.sides)} of {len(workers)} workers, by who went first"
    return picture(WIDTH, bottom + 20, label, marks)


def over_time(report: Report, row: Row, workers: Sequence[Found]) -> Element:
    """Return the ratios in the order of time, the rounds faint behind them, the load below."""
    across = _across(workers)
    down = _axis(row, _shown_rounds(workers), (112.0, 8.0))
    shade = [box((LEFT, RIGHT), _pixels(down, row.ci), "ci")] if _bounded(row) else []
    marks = [*shade, *limits(report, down, (LEFT, RIGHT), upright=True)]
    for value, text in down.ticks(5):
        marks.append(line((LEFT - 4, LEFT), (down.at(value),) * 2, "tick"))
        marks.append(words(LEFT - 8, down.at(value) + 4, text, "end"))
    marks.append(specks(_specks(workers, across, down), "speck"))
    for x, worker in zip(across, workers, strict=True):
        marks.append(
            dot(x, down.at(worker.ratio), SHAPES[worker.base_first], "worker", worker.title)
        )
    marks += _load(workers, across)
    marks += _times(workers, across)
    label = f"{row.name}: ratio {pair_name(row.sides)} of each worker against time, and the load"
    return picture(WIDTH, 182.0, label, marks)


def thinned(workers: Sequence[Found]) -> int:
    """Return of how many rounds one is drawn."""
    return max(1, math.ceil(sum(len(worker.rounds) for worker in workers) / MOST_SPECKS))


def _who(row: Row, base_first: bool | None) -> str:
    if base_first is None:
        return "workers"
    return _short(f"{row.sides[0 if base_first else 1]}") + " first"


def _short(label: str) -> str:
    return label if len(label) <= 6 else label[:5] + "…"


def _axis(row: Row, values: Sequence[float], pixels: tuple[float, float]) -> Linear:
    bounds = row.ci if _bounded(row) and row.ci else ()
    return padded([*values, *bounds], pixels, least=0.01 * (row.ratio or 1.0))


def _bounded(row: Row) -> bool:
    return row.ci is not None and math.isfinite(row.ci[1])


def _pixels(axis: Linear, ci: tuple[float, float] | None) -> tuple[float, float]:
    low, high = ci or (axis.low, axis.high)
    return axis.at(low), axis.at(high)


def _interval(row: Row, axis: Linear, bottom: float) -> list[Element]:
    y = bottom - LANE / 2
    if not _bounded(row) or row.ratio is None:
        return [words((LEFT + RIGHT) / 2, y + 4, "unbounded", kind="soft")]
    kind = str(row.verdict)
    ends = _pixels(axis, row.ci)
    caps = [line((x, x), (y - 4, y + 4), f"interval {kind}") for x in ends]
    middle = dot(axis.at(row.ratio), y, "circle", f"mark {kind}")
    return [line(ends, (y, y), f"interval {kind}"), *caps, middle]


def _across(workers: Sequence[Found]) -> list[float]:
    """Return the workers' places: by the time they began or, where that is not known, in order."""
    times = [worker.seconds for worker in workers if worker.seconds is not None]
    known = len(times) == len(workers) and len(set(times)) == len(times)
    at = times if known else [float(idx) for idx in range(len(workers))]
    axis = Linear(min(at), max(max(at), min(at) + 1e-9), LEFT + 14, RIGHT - 24)
    return [axis.at(value) for value in at]


def _shown_rounds(workers: Sequence[Found]) -> list[float]:
    """Return what the axis has to hold: all workers, and all rounds but the few wildest."""
    rounds = sorted(ratio for worker in workers for ratio in worker.rounds)
    few = len(rounds) // 50
    return [worker.ratio for worker in workers] + rounds[few : len(rounds) - few]


def _specks(
    workers: Sequence[Found], across: Sequence[float], down: Linear
) -> list[tuple[float, float]]:
    """Return where the rounds are drawn: beside their worker, in their order."""
    room = min(20.0, 0.7 * (RIGHT - LEFT) / len(workers))
    every = thinned(workers)
    return [
        (x + room * (idx + 0.5) / len(worker.rounds) - room / 2, down.at(ratio))
        for x, worker in zip(across, workers, strict=True)
        for idx, ratio in enumerate(worker.rounds)
        if idx % every == 0
    ]


def _load(workers: Sequence[Found], across: Sequence[float]) -> list[Element]:
    """Return a bar for each worker: what else the machine was doing when it began."""
    loads = [worker.load for worker in workers if worker.load is not None]
    if not loads:
        return [words((LEFT + RIGHT) / 2, 146.0, "load not recorded", kind="soft")]
    height = Linear(0.0, max([*loads, 1.0]), 156.0, 126.0)
    marks = [line((LEFT, RIGHT), (156.0, 156.0), "tick"), words(LEFT - 8, 156.0, "load 0", "end")]
    marks.append(words(LEFT - 8, 133.0, f"{height.high:.2g}", "end"))
    for x, worker in zip(across, workers, strict=True):
        if worker.load is not None:
            marks.append(box((x - 3, x + 3), (156.0, height.at(worker.load)), "load", worker.title))
    return marks


def _times(workers: Sequence[Found], across: Sequence[float]) -> list[Element]:
    last = workers[-1].seconds
    if last is None or len(workers) < 2:
        return [words((LEFT + RIGHT) / 2, 174.0, "workers in their order", kind="soft")]
    begun = [words(across[0], 174.0, f"{workers[0].seconds or 0.0:.0f} s")]
    return [*begun, words(across[-1], 174.0, f"{last:.0f} s")]
