"""What a sweep found, as cells of tables: each curve in a line, then each size of each cost."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from xenperf.report.figures import NONE, UNBOUNDED, WITHOUT_INTERVAL, figures
from xenperf.report.model import Report
from xenperf.stats.curves import Curve, GrowthRow
from xenperf.stats.growth import RISE_SHARE, Bounded, Growth, Shape
from xenperf.stats.rounding import round_figure, round_with_interval
from xenperf.stats.rows import WALL_BAND, WALL_MARGIN, Row
from xenperf.stats.samples import WALL_TIME
from xenperf.stats.verdict import Verdict

Cells: TypeAlias = tuple[tuple[str, ...], ...]
Table: TypeAlias = tuple[str, str, tuple[str, ...], Cells]
"""Name, title, columns, and a line of cells for each row."""

UNITS: Final = {"slots": "slot", "vCPUs": "vCPU"}
TITLE: Final = "GROWTH: the cost at the largest size over that at the smallest"
COLUMNS: Final = ("benchmark", "over", "by", "sizes", "growth", "interval", "it is")
LEAST_SPREAD: Final = 5e-5
"""Of a figure: an interval that is narrower still, as of counted time, shows no more digits."""

NOBODY: Final = "no worker measured all of its sizes"


def rule(report: Report, margin: str, band: str, alpha: str) -> str:
    """Return what the words of a sweep mean."""
    by_wall = any(row.curve.metric == WALL_TIME for row in report.growth)
    wall = f"; wall time: flat within {100 * WALL_BAND:g} %, changed beyond {100 * WALL_MARGIN:g} %"
    return (
        f"flat: at every size within {band} of the smallest; it changes where that is beyond "
        f"{margin}; linear or log2: that shape alone misses no cost clearly by more than {band} or "
        f"{100 * RISE_SHARE:g} % of the rise; all words and intervals of growth hold together, but "
        f"for a chance of {alpha}{wall if by_wall else ''}"
    )


def tally(report: Report) -> list[tuple[str, str]]:
    """Return how many curves have which shape; nothing where there are none."""
    shapes = Counter(row.growth.shape for row in report.growth if row.growth is not None)
    if not report.growth:
        return []
    parts = [f"{shapes[shape]} {shape}" for shape in Shape]
    missing = sum(row.growth is None for row in report.growth)
    parts += [f"{missing} not measured"] if missing else []
    return [("growth", ", ".join(parts))]


def tables(report: Report) -> list[Table]:
    """Return the tables of a sweep, empty ones left out."""
    found = [_growth(report), *_sizes(report), _counts(report)]
    return [table for table in found if table[-1]]


def verdict(row: GrowthRow) -> str:
    """Return what the curve is, in a few words, with its slope where the shape has one."""
    found = row.growth
    if found is None:
        return NOBODY
    if found.shape is Shape.LINEAR:
        return f"linear: {_slope(found.per_unit)} {measure(row)} per {UNITS[row.curve.axis]}"
    if found.shape is Shape.LOG2:
        return f"log2: {_slope(found.per_doubling)} {measure(row)} per doubling"
    if found.shape is Shape.CHANGES:
        word = "grows" if found.growth[-1].value > 1.0 else "changes"
        return f"{word}: {found.reason}"
    return f"{found.shape}: {found.reason}" if found.reason else str(found.shape)


def measure(row: GrowthRow) -> str:
    """Return what the cost is a number of: ns, or instr where instructions are counted."""
    return row.curve.unit.partition("/")[0]


def groups(report: Report) -> Iterator[tuple[str, list[GrowthRow]]]:
    """Yield the curves that belong in one picture, under a title: the sides of one cost."""
    by_key: dict[tuple[str, str, str, str], list[GrowthRow]] = {}
    for row in report.growth:
        curve = row.curve
        key = curve.benchmark, curve.axis, curve.fixed, curve.machine
        by_key.setdefault(key, []).append(row)
    for (benchmark, axis, fixed, machine), rows in by_key.items():
        where = f", {machine}" if machine else ""
        yield f"{benchmark} over {axis} at {fixed}{where}: {rows[0].curve.unit}", rows


def _growth(report: Report) -> Table:
    lines = []
    for row in report.growth:
        curve = row.curve
        over = f"{curve.axis} at {curve.fixed}" + (f", {curve.machine}" if curve.machine else "")
        sizes = f"{curve.sizes[0]}-{curve.sizes[-1]}"
        shown = (NONE, NONE) if row.growth is None else _bounded(row.growth.growth[-1])
        lines.append((curve.benchmark, over, curve.side, sizes, *shown, verdict(row)))
    return "growth", TITLE, COLUMNS, tuple(lines)


def _sizes(report: Report) -> list[Table]:
    """Return a table for each cost along each line of cells."""
    judged = {(row.benchmark, row.variant): row for row in report.rows if not row.is_count}
    return [
        ("sizes", title, _size_columns(rows), tuple(_size_lines(rows, judged)))
        for title, rows in groups(report)
    ]


def _size_columns(rows: Sequence[GrowthRow]) -> tuple[str, ...]:
    sides = [
        part for row in rows for part in (f"{row.curve.side} {measure(row)}", "interval", "growth")
    ]
    return (rows[0].curve.axis, *sides, "hva/gpa", "verdict")


def _size_lines(
    rows: Sequence[GrowthRow], judged: dict[tuple[str, str], Row]
) -> Iterator[tuple[str, ...]]:
    curve = rows[0].curve
    for idx, size in enumerate(curve.sizes):
        parts: list[str] = []
        for row in rows:
            parts += (NONE, NONE, NONE) if row.growth is None else _at(row.growth, idx)
        row_of_cell = judged.get((curve.benchmark, _variant(curve, idx)))
        yield (str(size), *parts, *_ratio(row_of_cell))


def _variant(curve: Curve, idx: int) -> str:
    """Return what the cell is called in the rows, which name the machine where there are more."""
    return f"{curve.cells[idx]}, {curve.machine}".strip(", ")


def _at(found: Growth, idx: int) -> tuple[str, str, str]:
    growth = f"{found.growth[idx].value:.3f}" if idx else "1"
    return (*_bounded(found.cost[idx]), growth)


def _ratio(row: Row | None) -> tuple[str, str]:
    if row is None:
        return NONE, str(Verdict.INVALID)
    return figures(row).ratio, str(row.verdict)


def _bounded(found: Bounded) -> tuple[str, str]:
    """Return a figure and its interval, with no digit that the interval does not support."""
    if not all(map(math.isfinite, (found.low, found.high))):
        second_digit = 10.0 ** (math.floor(math.log10(abs(found.value) or 1.0)) - 1)
        return round_figure(found.value, WITHOUT_INTERVAL * second_digit), UNBOUNDED
    least = LEAST_SPREAD * abs(found.value)
    low, high = min(found.low, found.value - least), max(found.high, found.value + least)
    shown = round_with_interval(found.value, low, high)
    return shown.value, f"[{shown.low}, {shown.high}]"


def _slope(found: Bounded) -> str:
    value, interval = _bounded(found)
    return f"{'' if value.startswith('-') else '+'}{value} {interval}"


def _counts(report: Report) -> Table:
    """Return every count: one figure where it is the same in each cell, else what each has."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in report.outcomes:
        found.setdefault((row.benchmark, row.metric, row.unit), []).append(row)
    lines = [
        (*key, _over_cells([(row.variant, row.base) for row in rows]), _heads(rows))
        for key, rows in found.items()
    ]
    nr_cells = len({row.variant for row in report.outcomes})
    title = f"OUTCOMES: exact counts in {nr_cells} cells; one figure where all have the same"
    return "outcomes", title, ("scenario", "metric", "unit", "by gpa", "by hva"), tuple(lines)


def _heads(rows: Sequence[Row]) -> str:
    return _over_cells([(row.variant, row.head) for row in rows])


def _over_cells(figures_of: Sequence[tuple[str, float | None]]) -> str:
    """Return the one figure of all cells, or each with its cells."""
    cells: dict[str, list[str]] = {}
    for cell, value in figures_of:
        cells.setdefault(NONE if value is None else str(int(value)), []).append(cell)
    if len(cells) == 1:
        return next(iter(cells))
    return "; ".join(f"{value} ({' / '.join(where)})" for value, where in cells.items())
