"""The undecided rows by name, however many: none is left out, and what is alike is said once."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeAlias

from xenperf.report.model import Kind, Report
from xenperf.report.order import Series, series_of
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

EVERY: Final = "every step"
Variants: TypeAlias = Mapping[str, Sequence[Row]]
"""The costs of one benchmark, by variant."""


def undecided(report: Report) -> tuple[str, list[str]]:
    """Return how many costs are undecided, with their names; and for a series a line for those
    benchmarks that are undecided in the same steps. Both empty if nothing is undecided.

    Steps go by their numbers: ``gpa vs base 1, 4-6, vs previous 2``.
    """
    names = report.named(Verdict.UNDECIDED)
    if not names:
        return "", []
    said = f"{len(names)} of {len(report.costs)}, not the same and not known to differ"
    if report.kind is not Kind.SERIES:
        return f"{said}: {', '.join(dict.fromkeys(names))}", []
    return f"{said}; in these steps, by number:", _lines(series_of(report), report.costs)


def _lines(series: Series, costs: Iterable[Row]) -> list[str]:
    by_name: dict[str, dict[str, list[Row]]] = {}
    for row in costs:
        by_name.setdefault(row.benchmark, {}).setdefault(row.variant, []).append(row)
    alike: dict[str, list[str]] = {}
    for name, variants in by_name.items():
        alike.setdefault(_steps(series, variants), []).append(name)
    alike.pop("", None)
    return [f"{', '.join(names)}: {steps}" for steps, names in alike.items()]


def _steps(series: Series, variants: Variants) -> str:
    """Return in which steps a benchmark is undecided, variant by variant; empty if in none."""
    if all(_is_open(row) for rows in variants.values() for row in rows):
        return EVERY
    found = []
    for variant, rows in variants.items():
        if all(map(_is_open, rows)):
            is_step = variant in series.bases and len(series.patches) > 1
            found.append(f"{variant} {EVERY}" if is_step else variant or EVERY)
        elif any(map(_is_open, rows)):
            found.append(f"{variant} {_some(series, rows)}".lstrip())
    return "; ".join(found)


def _some(series: Series, rows: Sequence[Row]) -> str:
    """Return the steps of a variant of which only some are undecided."""
    still = [row for row in rows if _is_open(row)]
    base = [series.against_base(row) for row in still]
    previous = [series.against_previous(row) for row in still if not series.against_base(row)]
    parts = []
    for what, labels in (("vs base", base), ("vs previous", previous)):
        numbers = [series.number(label) for label in labels if label is not None]
        parts += [f"{what} {ranges(numbers)}"] if numbers else []
    return ", ".join(parts)


def ranges(numbers: Iterable[int]) -> str:
    """Return *numbers* in rising order, those that follow each other as one: ``1, 4-6``."""
    runs = groupby(enumerate(sorted(numbers)), key=lambda found: found[1] - found[0])
    found = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in found)


def _is_open(row: Row) -> bool:
    return row.verdict is Verdict.UNDECIDED
