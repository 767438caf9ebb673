"""The report as one JSON object, for programs: every figure in full."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from xenperf.report import distrust, selfcheck
from xenperf.report.growth import NOBODY
from xenperf.report.model import SCHEMA, Kind, Report
from xenperf.stats.curves import GrowthRow
from xenperf.stats.growth import Bounded
from xenperf.stats.rows import Row


def render(report: Report) -> str:
    """Return the object and a newline; what is infinite or no number becomes null."""
    return json.dumps(content(report), indent=2, allow_nan=False) + "\n"


def content(report: Report) -> dict[str, object]:
    """Return the object: the conditions, then the rows, then how to measure again."""
    rows = [_row(row) | _noise(report, row) for row in report.rows]
    found = _checked(report) if report.kind is Kind.SELFCHECK else {}
    found = {**conditions(report), **found, "rows": rows, "command": report.command}
    if report.growth:
        found["growth"] = [_growth(row) for row in report.growth]
    if report.answers:
        found["answers"] = [{**asdict(one), "is": one.what} for one in report.answers]
    return found


def conditions(report: Report) -> dict[str, object]:
    """Return what every object begins with: what it is, and how its figures came about."""
    return {
        "schema": SCHEMA,
        "kind": str(report.kind),
        "backend": report.backend,
        "environment": {name: _plain(value) for name, value in report.environment.items()},
        "settings": dict(report.settings),
        "about": dict(report.about),
        "grade": str(report.grade),
        "seconds": report.seconds,
        "workers_finished": report.nr_finished,
        "cut_short": report.cut_short,
        "distrust": distrust.reasons(report),
        "uncounted": dict(report.uncounted),
        "skipped": dict(report.skipped),
        "slices_moved": None if report.moved is None else list(report.moved),
    }


def _row(row: Row) -> dict[str, object]:
    return {
        "benchmark": row.benchmark,
        "variant": row.variant,
        "sides": list(row.sides),
        "metric": row.metric,
        "unit": row.unit,
        row.sides[0]: _figure(row, row.base),
        row.sides[1]: _figure(row, row.head),
        "ratio": _number(row.ratio),
        "ci": None if row.ci is None else _numbers(row.ci),
        "verdict": str(row.verdict),
        "control": row.is_control,
        "worker_ratios": _numbers(row.worker_ratios),
        "wall_ratio": _number(row.wall_ratio),
        "instructions": None if row.instructions is None else _numbers(row.instructions),
        "notes": list(row.notes),
    }


def _growth(row: GrowthRow) -> dict[str, object]:
    curve, found = row.curve, row.growth
    return {
        "benchmark": curve.benchmark,
        "activation": curve.side,
        "machine": curve.machine or None,
        "unit": curve.unit,
        "metric": curve.metric,
        "axis": curve.axis,
        "at": curve.fixed,
        "sizes": list(curve.sizes),
        "cells": list(curve.cells),
        "shape": None if found is None else str(found.shape),
        "reason": NOBODY if found is None else found.reason,
        "passes": 0 if found is None else found.nr_passes,
        "cost": [] if found is None else [_bounded(each) for each in found.cost],
        "growth": [] if found is None else [_bounded(each) for each in found.growth],
        "per_unit": None if found is None else _bounded(found.per_unit),
        "per_doubling": None if found is None else _bounded(found.per_doubling),
    }


def _bounded(found: Bounded) -> list[float | None]:
    """Return a figure and its bounds."""
    return _numbers((found.value, found.low, found.high))


def _checked(report: Report) -> dict[str, object]:
    """Return what a build against itself comes to."""
    return {
        "comparisons": selfcheck.nr_compared(report),
        "same": selfcheck.nr_same(report),
        "false_verdicts": selfcheck.false_verdicts(report),
    }


def _noise(report: Report, row: Row) -> dict[str, object]:
    """Return what *row* says about its benchmark's noise; nothing outside a selfcheck."""
    found = report.noise.get(row.key)
    return {} if found is None else dict(asdict(found))


def _figure(row: Row, value: float | None) -> float | int | None:
    return int(value) if row.is_count and value is not None else _number(value)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _plain(value: str | int | float | None) -> str | int | float | None:
    return _number(value) if isinstance(value, float) else value
