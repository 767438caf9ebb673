"""What each worker found: its ratio against time with the machine's load, and by who went first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.limits import limits
from xenperf.report.html.marks import box, dot, group, line, picture, rules, specks, words
from xenperf.report.html.scale import Linear, padded
from xenperf.report.html.tags import number, tag
from xenperf.report.html.words import plural
from xenperf.report.model import Report, WorkerSlices
from xenperf.stats.paired import round_log_ratios
from xenperf.stats.robust import median
from xenperf.stats.rows import Row

WIDTH: Final = 460.0
LEFT: Final = 64.0
RIGHT: Final = 330.0
"""From LEFT to here the workers stand in the order of time."""

END: Final = 450.0
INTERVAL: Final = 425.0
"""Where the interval stands."""

FLOOR: Final = 112.0
COLUMNS: Final = {True: 350.0, False: 380.0, None: 365.0}
"""Where the workers stand that have who went first in common."""

MOST_SPECKS: Final = 400
"""Rounds drawn of one row; of more, every second or third is."""

MOST_ON_PAGE: Final = 10_000
"""Rounds drawn of all rows together."""

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
        parts = [f"{self.ratio:.4g}"]
        parts += [] if self.seconds is None else [f"at {self.seconds:.0f} s"]
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


def ratios(report: Report, row: Row, workers: Sequence[Found], every: int = 1) -> Element:
    """Return the ratios in the order of time over the load, and at the right by who went first.

    The rounds stand faint around their worker; the interval is shaded, and drawn at the right end.

    every
        Of how many rounds one is drawn.
    """
    down = _axis(row, _shown_rounds(workers), (FLOOR, 8.0))
    across = _across(workers)
    shade = [box((LEFT, END), _pixels(down, row.ci), "ci")] if _bounded(row) else []
    marks = [*shade, *limits(report, down, (LEFT, END)), *_scale(down)]
    marks.append(specks(_specks(workers, across, down, every), "speck"))
    marks += group(
        [
            dot(x, down.at(worker.ratio), SHAPES[worker.base_first], title=worker.title)
            for x, worker in zip(across, workers, strict=True)
        ],
        "worker",
    )
    marks += [*_by_who(workers, down), *_interval(row, down)]
    marks += [*_load(workers, across), *_times(workers, across)]
    label = f"ratio of {plural(len(workers), 'worker')} over time and by who went first, and load"
    return picture(WIDTH, 182.0, label, marks)


def thinned(workers: Sequence[Found], nr_rows: int) -> int:
    """Return of how many rounds one is to be drawn on a page with *nr_rows* rows."""
    most = min(MOST_SPECKS, MOST_ON_PAGE // nr_rows)
    return max(1, math.ceil(sum(len(worker.rounds) for worker in workers) / most))


def _scale(down: Linear) -> list[Element]:
    """Return the figures left of the axis of ratios."""
    ticks = down.ticks(5)
    marks = rules([down.at(value) for value, _ in ticks], (LEFT - 4, LEFT), "tick", lying=True)
    return [
        *([] if marks is None else [marks]),
        *(words(LEFT - 8, down.at(value) + 4, text, "end") for value, text in ticks),
    ]


def _by_who(workers: Sequence[Found], down: Linear) -> list[Element]:
    """Return a column of strokes for workers whose base went first, and one for the others."""
    found: list[Element] = []
    for first, x in COLUMNS.items():
        at = [down.at(worker.ratio) for worker in workers if worker.base_first is first]
        strokes = rules(at, (x - 9, x + 9), "stroke", lying=True)
        found += [] if strokes is None else [strokes, dot(x, FLOOR + 14, SHAPES[first], "worker")]
    return found


def _axis(row: Row, values: Sequence[float], pixels: tuple[float, float]) -> Linear:
    bounds = row.ci if _bounded(row) and row.ci else ()
    return padded([*values, *bounds], pixels, least=0.01 * (row.ratio or 1.0))


def _bounded(row: Row) -> bool:
    return row.ci is not None and math.isfinite(row.ci[1])


def _pixels(axis: Linear, ci: tuple[float, float] | None) -> tuple[float, float]:
    low, high = ci or (axis.low, axis.high)
    return axis.at(low), axis.at(high)


def _interval(row: Row, down: Linear) -> list[Element]:
    named = words(INTERVAL, FLOOR + 18, "interval", kind="soft")
    if not _bounded(row) or row.ratio is None:
        return [named, words(INTERVAL, (FLOOR + 8) / 2, "unbounded", kind="soft")]
    low, high = _pixels(down, row.ci)
    x, ends = number(INTERVAL), (number(low), number(high))
    caps = "".join(f"M{number(INTERVAL - 4)} {end}h8" for end in ends)
    drawn = tag("path", d=f"M{x} {ends[0]}V{ends[1]}{caps}", class_="interval")
    middle = dot(INTERVAL, down.at(row.ratio), "circle", "mark")
    return [named, *group([drawn, middle], str(row.verdict))]


def _across(workers: Sequence[Found]) -> list[float]:
    """Return the workers' places: by the time they began or, where that is not known, in order."""
    times = [worker.seconds for worker in workers if worker.seconds is not None]
    known = len(times) == len(workers) and len(set(times)) == len(times)
    at = times if known else [float(idx) for idx in range(len(workers))]
    axis = Linear(min(at), max(max(at), min(at) + 1e-9), LEFT + 14, RIGHT - 14)
    return [axis.at(value) for value in at]


def _shown_rounds(workers: Sequence[Found]) -> list[float]:
    """Return what the axis has to hold: all workers, and all rounds but the few wildest."""
    rounds = sorted(ratio for worker in workers for ratio in worker.rounds)
    few = len(rounds) // 50
    return [worker.ratio for worker in workers] + rounds[few : len(rounds) - few]


def _specks(
    workers: Sequence[Found], across: Sequence[float], down: Linear, every: int
) -> list[tuple[float, float]]:
    """Return where the rounds are drawn: beside their worker, in their order."""
    room = min(20.0, 0.7 * (RIGHT - LEFT) / len(workers))
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
    bars = [
        f"M{number(x)} 156V{number(height.at(worker.load))}"
        for x, worker in zip(across, workers, strict=True)
        if worker.load is not None
    ]
    return [
        line((LEFT, RIGHT), (156.0, 156.0), "tick"),
        words(LEFT - 8, 156.0, "load 0", "end"),
        words(LEFT - 8, 133.0, f"{height.high:.2g}", "end"),
        tag("path", d="".join(bars), class_="load"),
    ]


def _times(workers: Sequence[Found], across: Sequence[float]) -> list[Element]:
    last = workers[-1].seconds
    if last is None or len(workers) < 2:
        return [words((LEFT + RIGHT) / 2, 174.0, "workers in their order", kind="soft")]
    begun = [words(across[0], 174.0, f"{workers[0].seconds or 0.0:.0f} s")]
    return [*begun, words(across[-1], 174.0, f"{last:.0f} s")]
