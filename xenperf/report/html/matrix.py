"""A series as a table: a line for each row, a column for each patch."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias
from xml.etree.ElementTree import Element

from xenperf.report.figures import NONE, figures
from xenperf.report.html.tags import tag, wide
from xenperf.report.html.words import SIGNS, breakable
from xenperf.report.order import Series
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

Line: TypeAlias = dict[str, Row]
"""The rows of one line, by patch."""

Place: TypeAlias = Callable[[Row], str | None]
"""Returns the patch in whose column a row stands; None: in no column."""


def matrix(series: Series, rows: Sequence[Row], place: Place) -> Element:
    """Return a line for each name, with the base's own figure and a cell for each patch."""
    lines: dict[tuple[str, str, str], Line] = {}
    for row in rows:
        patch = place(row)
        if patch is not None:
            lines.setdefault((row.name, row.metric, row.unit), {})[patch] = row
    titles = [tag("th", f"{nr} {label}", scope="col") for nr, label in enumerate(series.labels)]
    body = [_line(series, found) for found in lines.values()]
    there = (row.verdict for found in lines.values() for row in found.values())
    return wide(
        "rows by patch",
        tag(
            "table",
            tag("caption", _signs(there)),
            tag("thead", tag("tr", tag("th", "benchmark", scope="col", class_="name"), titles)),
            tag("tbody", body),
            class_="matrix",
        ),
        tall=True,
    )


def _signs(verdicts: Iterable[Verdict]) -> str:
    """Return what the signs in the cells mean, of those that occur."""
    there = set(verdicts)
    return ", ".join(f"{sign} {verdict}" for verdict, sign in SIGNS.items() if verdict in there)


def _line(series: Series, found: Line) -> Element:
    """Return one line: nothing before the base of its variant, the base's figure, the patches."""
    first = next(iter(found.values()))
    own = series.number(series.bases[first.variant])
    said = f"{first.metric} {first.unit}" if first.is_count else first.unit
    cells = [tag("th", breakable(first.name), tag("small", said), scope="row", class_="name")]
    cells += [tag("td", NONE, class_="none", colspan=own)] if own else []
    cells.append(tag("td", _base(first, series), class_="figure"))
    return tag("tr", cells, [_cell(found.get(patch)) for patch in series.labels[own + 1 :]])


def _base(row: Row, series: Series) -> str:
    """Return the figure of the base; a row against another patch does not have it."""
    return figures(row).base if series.against_base(row) is not None else NONE


def _cell(row: Row | None) -> Element:
    """Return one row in a cell: figure, sign of the verdict and, for a cost, interval and count."""
    if row is None:
        return tag("td", NONE, class_="figure")
    shown = figures(row)
    sign = tag("span", f" {SIGNS[row.verdict]}", role="img", aria_label=str(row.verdict))
    kind = f"cell {row.verdict}"
    if row.is_count:
        return tag("td", shown.head, sign, class_=kind)
    said = shown.interval if row.ratio is not None else _alone(row)
    small = [tag("small", said)]
    if row.instructions is not None:
        small.append(tag("small", f"instr {shown.instructions}"))
    return tag("td", shown.ratio, sign, small, class_=kind)


def _alone(row: Row) -> str:
    """Return the figure of a row that has only one side, or nothing."""
    shown = figures(row)
    there = [figure for figure in (shown.base, shown.head) if figure != NONE]
    return f"{there[0]} {row.unit}" if there else ""
