"""A sweep as lines for a program: each size of each curve, under one line of titles."""

import math
from collections.abc import Iterator
from typing import Final

from xenperf.report.model import Report
from xenperf.stats.curves import GrowthRow
from xenperf.stats.growth import Bounded

COLUMNS: Final = (
    *("benchmark", "axis", "at", "machine", "activation", "unit", "size"),
    *("cost", "cost_low", "cost_high", "growth", "growth_low", "growth_high"),
    *("hva_over_gpa", "ratio_low", "ratio_high", "shape"),
    *("per_unit", "unit_low", "unit_high", "per_doubling", "doubling_low", "doubling_high"),
)


def render(report: Report) -> str:
    """Return a line for each size of each curve; a figure that is not there is empty."""
    ratios = {(row.benchmark, row.variant): (row.ratio, row.ci) for row in report.rows}
    lines = [COLUMNS, *(line for row in report.growth for line in _lines(row, ratios))]
    return "".join("\t".join(line) + "\n" for line in lines)


Ratios = dict[tuple[str, str], tuple[float | None, tuple[float, float] | None]]


def _lines(row: GrowthRow, ratios: Ratios) -> Iterator[tuple[str, ...]]:
    curve, found = row.curve, row.growth
    if found is None:
        return
    what = (curve.benchmark, curve.axis, curve.fixed, curve.machine, curve.side, curve.unit)
    slopes = (*_figures(found.per_unit), *_figures(found.per_doubling))
    for idx, size in enumerate(curve.sizes):
        variant = f"{curve.cells[idx]}, {curve.machine}".strip(", ")
        ratio, ci = ratios.get((curve.benchmark, variant), (None, None))
        figures = (*_figures(found.cost[idx]), *_figures(found.growth[idx]))
        against = map(_number, (ratio, *(ci or (None, None))))
        yield (*what, str(size), *figures, *against, str(found.shape), *slopes)


def _figures(found: Bounded) -> tuple[str, str, str]:
    return _number(found.value), _number(found.low), _number(found.high)


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"
