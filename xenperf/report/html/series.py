"""A series of patches, where other reports have their table of costs and of counts."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from xenperf.report.html import counts, forest
from xenperf.report.html.closer import anchors
from xenperf.report.html.matrix import matrix
from xenperf.report.html.multiples import multiples
from xenperf.report.html.tags import Child, tag
from xenperf.report.model import Report
from xenperf.report.order import Series, series_of
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict


def sections(report: Report) -> list[Element]:
    """Return the pictures, the matrices, and what it all bought; nothing without rows."""
    if not report.sides:
        return []
    series = series_of(report)
    found = [_section("Across the patches", multiples(report, series))]
    whole = [row for row in series.elsewhere() if not row.is_count]
    if whole:
        caption = "the base against the last step, each by the activation that is named with it"
        table = forest.table(report, whole, caption, anchors(report))
        found.append(_section("What the whole series buys", table))
    against_base = matrix(series, report.costs, series.against_base)
    found.append(_section("Costs, each patch against the base", [_bases(series), against_base]))
    if series.has_steps:
        title = "Costs, each patch against the one before it"
        found.append(_section(title, matrix(series, report.costs, series.against_previous)))
    return found


def outcomes(report: Report) -> list[Element]:
    """Return the exact counts of every side, and what the whole series does to them."""
    if not report.outcomes:
        return []
    series = series_of(report)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in report.outcomes:
        if series.against_base(row) is not None:
            groups.setdefault((row.name, row.metric), []).append(row)
    still = [rows[0] for rows in groups.values() if all(map(_is_same, rows))]
    moved = [row for rows in groups.values() if not all(map(_is_same, rows)) for row in rows]
    found = [matrix(series, moved, series.against_base)] if moved else []
    found += counts.in_short(still, "the base's after every patch")
    whole = [row for row in series.elsewhere() if row.is_count]
    if whole:
        found.append(tag("h3", "What the whole series does to them"))
        found.append(counts.table([row for row in whole if not _is_same(row)]))
        found += counts.in_short([row for row in whole if _is_same(row)], "the same on both sides")
    return found


def _is_same(row: Row) -> bool:
    return row.verdict is Verdict.SAME


def _bases(series: Series) -> Element | None:
    """Return what a variant is compared with whose base is a patch; None if there is none."""
    later = [f"{name} {base}" for name, base in series.bases.items() if base != series.base]
    if not later:
        return None
    said = f"The base of a row is the first that has it: {', '.join(later)}."
    return tag("p", said, class_="soft")


def _section(title: str, *content: Child | Sequence[Child]) -> Element:
    return tag("section", tag("h2", title), *content)
