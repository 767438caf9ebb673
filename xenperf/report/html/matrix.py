"""A series as a table: a line for each row, a column for each patch."""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from xenperf.report.figures import NONE, figures
from xenperf.report.html.order import Series
from xenperf.report.html.tags import tag
from xenperf.report.html.words import SIGNS, breakable
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict


def matrix(series: Series, rows: Sequence[Row], pairs: Sequence[tuple[str, str]]) -> Element:
    """Return a line for each row and a column for each of *pairs*; counts begin with the base."""
    wanted = set(pairs)
    lines: dict[tuple[str, str, str], dict[tuple[str, str], Row]] = {}
    for row in rows:
        if row.sides in wanted:
            lines.setdefault((row.name, row.metric, row.unit), {})[row.sides] = row
    counts = bool(rows) and rows[0].is_count
    head = ["benchmark", "metric"] if counts else ["benchmark"]
    titles = [tag("th", title, scope="col", class_="name") for title in head]
    titles += [tag("th", f"0 {series.base}", scope="col")] if counts else []
    titles += [tag("th", f"{series.numbered(pair[1])} {pair[1]}", scope="col") for pair in pairs]
    body = [_line(key, found, pairs) for key, found in lines.items()]
    return tag(
        "div",
        tag(
            "table",
            tag(
                "caption", _signs(row.verdict for found in lines.values() for row in found.values())
            ),
            tag("thead", tag("tr", titles)),
            tag("tbody", body),
            class_="matrix",
        ),
        class_="wide tall",
        tabindex="0",
        role="region",
        aria_label="rows by patch",
    )


def _signs(verdicts: Iterable[Verdict]) -> str:
    """Return what the signs in the cells mean, of those that occur."""
    there = set(verdicts)
    return ", ".join(f"{sign} {verdict}" for verdict, sign in SIGNS.items() if verdict in there)


def _line(
    key: tuple[str, str, str],
    found: dict[tuple[str, str], Row],
    pairs: Sequence[tuple[str, str]],
) -> Element:
    name, metric, unit = key
    first = next(iter(found.values()))
    cells = [tag("th", breakable(name), scope="row", class_="name")]
    if first.is_count:
        cells += [tag("td", f"{metric} {unit}"), tag("td", figures(first).base, class_="figure")]
    return tag("tr", cells, _cells(found, pairs))


def _cells(found: dict[tuple[str, str], Row], pairs: Sequence[tuple[str, str]]) -> list[Element]:
    """Return a cell for each of *pairs*; one for all, where a count is the base's in all."""
    there = [found.get(pair) for pair in pairs]
    if len(there) > 1 and all(
        row and row.is_count and row.verdict is Verdict.SAME for row in there
    ):
        said = f"{SIGNS[Verdict.SAME]} the same in all {len(there)}"
        return [tag("td", said, class_="cell same all", colspan=len(there))]
    return [_cell(row) for row in there]


def _cell(row: Row | None) -> Element:
    """Return one row in a cell: figure, sign of the verdict and, for a cost, the interval."""
    if row is None:
        return tag("td", NONE)
    shown = figures(row)
    sign = tag("span", f" {SIGNS[row.verdict]}", role="img", aria_label=str(row.verdict))
    kind = f"cell {row.verdict}"
    if row.is_count:
        return tag("td", shown.head, sign, class_=kind)
    said = shown.interval if row.ratio is not None else _alone(row)
    return tag("td", shown.ratio, sign, tag("small", said), class_=kind)


def _alone(row: Row) -> str:
    """Return the figure of a row that has only one side, or nothing."""
    shown = figures(row)
    there = [figure for figure in (shown.base, shown.head) if figure != NONE]
    return f"{there[0]} {row.unit}" if there else ""
