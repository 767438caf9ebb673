"""A series of patches, where other reports have their table of costs and of counts."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from xenperf.report.html.matrix import matrix
from xenperf.report.html.multiples import multiples
from xenperf.report.html.order import series_of
from xenperf.report.html.tags import Child, tag
from xenperf.report.model import Report


def sections(report: Report) -> list[Element]:
    """Return the pictures and the matrices; nothing where there are no rows."""
    if not report.sides:
        return []
    series = series_of(report)
    found = [
        _section("Across the patches", multiples(report, series)),
        _section(
            "Costs, each patch against the base", matrix(series, report.costs, series.against_base)
        ),
    ]
    if series.steps:
        title = "Costs, each patch against the one before it"
        found.append(_section(title, matrix(series, report.costs, series.steps)))
    return found


def outcomes(report: Report) -> list[Element]:
    """Return the exact counts of every side."""
    if not report.outcomes:
        return []
    series = series_of(report)
    return [matrix(series, report.outcomes, series.against_base)]


def _section(title: str, *content: Child | Sequence[Child]) -> Element:
    return tag("section", tag("h2", title), *content)
