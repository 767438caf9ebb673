"""Exact counts: a line for each that moved, and what did not move in short."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from xenperf.report.figures import figures
from xenperf.report.html.tags import tag, wide
from xenperf.report.html.words import breakable, verdict_tag
from xenperf.stats.rows import Row


def table(rows: Sequence[Row]) -> Element:
    """Return *rows*, all of the same two sides, in their order: that of the phases."""
    pair = rows[0].sides if rows else ("base", "head")
    titles = ("scenario", "metric", "unit", *pair, "verdict")
    lines = []
    for row in rows:
        shown = figures(row)
        values = [tag("td", figure, class_="figure") for figure in (shown.base, shown.head)]
        verdict = tag("td", verdict_tag(row.verdict))
        what = (tag("td", row.metric), tag("td", row.unit))
        lines.append(
            tag(
                "tr",
                tag("th", breakable(row.name), scope="row", class_="name"),
                what,
                values,
                verdict,
            )
        )
    head = tag("tr", [tag("th", one, scope="col") for one in titles])
    return wide(
        "every count",
        tag("table", tag("thead", head), tag("tbody", lines), class_="counts"),
    )


def in_short(rows: Sequence[Row], what: str) -> list[Element]:
    """Return *rows*, which are *what*, folded: the figures of a name on one line."""
    by_name: dict[str, list[str]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(f"{row.metric} {figures(row).base} {row.unit}")
    lines = [
        tag("tr", tag("th", name, scope="row"), tag("td", ", ".join(said)))
        for name, said in by_name.items()
    ]
    if not lines:
        return []
    shown = tag("table", tag("tbody", lines), class_="conditions")
    return [tag("details", tag("summary", f"{len(rows)} counts that are {what}"), shown)]
