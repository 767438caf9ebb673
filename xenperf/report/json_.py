"""The report as one JSON object, for programs: every figure in full."""

import json
import math
from collections.abc import Sequence

from xenperf.report import distrust
from xenperf.report.model import SCHEMA, Report
from xenperf.stats.rows import Row


def render(report: Report) -> str:
    """Return the object and a newline; what is infinite or no number becomes null."""
    return json.dumps(content(report), indent=2, allow_nan=False) + "\n"


def content(report: Report) -> dict[str, object]:
    """Return the object: the conditions, then the rows, then how to measure again."""
    rows = [_row(row) for row in report.rows]
    return {**conditions(report), "rows": rows, "command": report.command}


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
        "notes": list(row.notes),
    }


def _figure(row: Row, value: float | None) -> float | int | None:
    return int(value) if row.is_count and value is not None else _number(value)


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [_number(value) for value in values]


def _plain(value: str | int | float | None) -> str | int | float | None:
    return _number(value) if isinstance(value, float) else value
