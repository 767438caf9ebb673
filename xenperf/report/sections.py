"""The tables of a report as cells, whatever form they are then given."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.report import boots, growth, selfcheck
from xenperf.report.figures import change, figures
from xenperf.report.model import Kind, Report
from xenperf.stats.rows import Row
from xenperf.stats.samples import INSTRUCTIONS
from xenperf.stats.verdict import Verdict

VERDICT: Final = "verdict"
NONE: Final = "-"
_BY_WEIGHT: Final = (Verdict.INVALID, Verdict.SLOWER, Verdict.FASTER, Verdict.UNDECIDED)
_WHAT: Final = {
    Kind.RUN: "{head}/{base} below 1 means that {HEAD} takes less",
    Kind.COMPARE: "{head}/{base} below 1 means that {head} takes less",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One table: its title, its columns, and a line of cells for each row."""

    name: str
    title: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]

    def verdict_of(self, line: Sequence[str]) -> Verdict | None:
        """Return the verdict that a line shows; None for one that has none."""
        if VERDICT not in self.columns:
            return None
        word = line[self.columns.index(VERDICT)]
        return None if word in (NONE, "") else Verdict(word)


def sections(report: Report) -> list[Section]:
    """Return the tables of *report*, empty ones left out."""
    if report.kind is Kind.SWEEP:
        return [Section(*table) for table in growth.tables(report)]
    if report.kind is Kind.SELFCHECK:
        return [checked(report)] if report.rows else []
    found = [
        *(_steps(report) if report.kind is Kind.SERIES else [_costs(report)]),
        *_outcomes(report),
        _answers(report),
        _controls(report),
    ]
    return [section for section in found if section.cells]


def checked(report: Report) -> Section:
    """Return every row of a build against itself, with its noise; false verdicts come first."""
    lines = tuple(selfcheck.cells(report, row) for row in by_weight(report.rows))
    return Section("costs", selfcheck.TITLE, selfcheck.COLUMNS, lines)


def _costs(report: Report) -> Section:
    rows = by_weight(report.costs)
    base, head = rows[0].sides if rows else ("base", "head")
    what = _WHAT.get(report.kind, _WHAT[Kind.COMPARE])
    title = f"COSTS: {boots.clock(report)}; {what.format(base=base, head=head, HEAD=head.upper())}"
    return _timed("costs", title, rows)


def _controls(report: Report) -> Section:
    rows = by_weight(report.controls)
    if report.kind is Kind.RUN:
        title = "CONTROLS: the activation cannot touch them; hva/gpa should be 1"
    else:
        title = "A/A: the base against itself, loaded twice; the ratio should be 1"
    return _timed("controls", title, rows)


def _timed(name: str, title: str, rows: Sequence[Row]) -> Section:
    """Return rows of one pair of sides, the weightiest verdict and the largest change first."""
    base, head = rows[0].sides if rows else ("base", "head")
    short = f"{head}/{base}" if " " not in head else "ratio"
    counted = any(row.instructions for row in rows)
    walls = () if _are_counts(rows) else ("wall",)
    extra = (*walls, "instr") if counted else walls
    columns = ("benchmark", "unit", base, head, short, _bounds(rows), *extra, VERDICT)
    cells: list[tuple[str, ...]] = []
    for row in rows:
        shown = figures(row)
        times = (shown.base, shown.head, shown.ratio, shown.interval, *(shown.wall for _ in walls))
        counts = (shown.instructions,) if counted else ()
        cells.append((row.name, row.unit, *times, *counts, str(row.verdict)))
    return Section(name, title, columns, tuple(cells))


def _steps(report: Report) -> list[Section]:
    """Return a table for each cost of a series: a line for each step, and for what it all bought.

    A step is compared with the base of the series, and in the last columns with the step before.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in report.costs:
        groups.setdefault((row.benchmark, row.variant), []).append(row)
    numbers = {name: f"{number} {name}" for number, name in enumerate(report.about)}
    found = []
    for (benchmark, variant), rows in groups.items():
        title = f"{benchmark}, {variant}: {rows[0].unit}" if variant else benchmark
        found.append(_steps_of(title, rows, numbers))
    return found


def _steps_of(title: str, rows: Sequence[Row], numbers: Mapping[str, str]) -> Section:
    base = rows[0].sides[0]
    before = {row.sides[1]: row for row in rows if row.sides[0] != base}
    if before:
        before[rows[0].sides[1]] = rows[0]  # the step before the first one is the base
    figure = "count" if _are_counts(rows) else "time"
    extra = ("instr",) if any(row.instructions for row in rows) else ()
    columns = (
        *("step", figure, "vs previous", "that is", "vs base", _bounds(rows)),
        *(*extra, VERDICT),
    )
    first = figures(rows[0]).base
    named = numbers.get(base, base)
    cells: list[tuple[str, ...]] = [(named, first, *[NONE] * (len(columns) - 2))]
    for row in (row for row in rows if row.sides[0] == base):
        shown, previous = figures(row), before.get(row.sides[1])
        step = (NONE, NONE)
        if previous is not None:
            step = change(previous), str(previous.verdict)
        counts = (shown.instructions,) if extra else ()
        against_base = (change(row), shown.change_interval, *counts, str(row.verdict))
        cells.append((numbers.get(row.sides[1], row.sides[1]), shown.head, *step, *against_base))
    return Section("costs", title, columns, tuple(cells))


def _are_counts(rows: Sequence[Row]) -> bool:
    """Tell whether *rows* are instructions of a clock that counts them, and no times."""
    return bool(rows) and all(row.metric == INSTRUCTIONS for row in rows)


def _bounds(rows: Sequence[Row]) -> str:
    """Return what the bounds beside a ratio are: counts have no interval, only a range."""
    return "range" if _are_counts(rows) else "95% interval"


def _outcomes(report: Report) -> list[Section]:
    """Return the counts, in their order: that of the phases; between builds what changed, by sides.

    Those that are the same are counted only: a series has thousands of them.
    """
    rows = report.outcomes
    if report.kind is Kind.RUN or not rows:
        base, head = rows[0].sides if rows else ("gpa", "hva")
        return [_exact("OUTCOMES: exact counts", (base, head), rows)]
    groups: dict[tuple[str, tuple[str, str]], list[Row]] = {}
    for row in rows:
        if row.verdict is not Verdict.SAME:
            groups.setdefault((row.variant, row.sides), []).append(row)
    left_out = len(rows) - sum(map(len, groups.values()))
    suffix = f"; the same on both sides and left out: {left_out}" if left_out else ""
    found = []
    for (variant, sides), changed in groups.items():
        title = f"OUTCOMES{', ' if variant else ''}{variant}: {sides[0]} -> {sides[1]}"
        found.append(_exact(f"{title}; exact counts{suffix}", ("before", "after"), changed))
        suffix = ""  # said once
    return found


def _exact(title: str, sides: tuple[str, str], rows: Sequence[Row]) -> Section:
    columns = ("scenario", "metric", "unit", *sides, VERDICT)
    cells = [(r.benchmark, r.metric, r.unit, *_counts(r), str(r.verdict)) for r in rows]
    return Section("outcomes", title, columns, tuple(cells))


def _answers(report: Report) -> Section:
    """Return the cases that a kernel answered differently than the one before it."""
    title = "ANSWERS: cases that a kernel answered differently than the one before it"
    columns = ("case", "by", "sides", "it was", "it became", "that is", VERDICT)
    cells = [
        (one.case, one.activation, " -> ".join(one.sides), one.before, one.after, one.what, NONE)
        for one in report.answers
    ]
    return Section("answers", title, columns, tuple(cells))


def instructions(report: Report) -> Section:
    """Return what was counted in full, for where the tables have no room for a column."""
    rows = [row for row in (*report.costs, *report.controls) if row.instructions is not None]
    base, head = rows[0].sides if len({row.sides for row in rows}) == 1 else ("base", "head")
    cells = []
    for row in rows:
        sides = () if row.sides == (base, head) else (f"{row.sides[0]} -> {row.sides[1]}",)
        counted = [f"{each:.2f}" for each in row.instructions or ()]
        cells.append((" ".join((row.name, *sides)), *counted, figures(row).instructions))
    title = "INSTRUCTIONS: of one operation, its share of the loop included"
    return Section("instructions", title, ("benchmark", base, head, "change"), tuple(cells))


def _counts(row: Row) -> tuple[str, str]:
    shown = figures(row)
    return shown.base, shown.head


def by_weight(rows: Sequence[Row]) -> list[Row]:
    """Return *rows*, the weightiest verdict first and in it the largest change."""
    return sorted(rows, key=_weight)


def _weight(row: Row) -> tuple[int, float]:
    rank = _BY_WEIGHT.index(row.verdict) if row.verdict in _BY_WEIGHT else len(_BY_WEIGHT)
    return rank, -abs(math.log(row.ratio)) if row.ratio else 0.0
