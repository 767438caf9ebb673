"""The whole page, from a report."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report import selfcheck
from xenperf.report.html import answers, closer, counts, forest, growth, series, strips
from xenperf.report.html.header import header, title
from xenperf.report.html.marks import shapes
from xenperf.report.html.tags import document, tag, wide
from xenperf.report.html.words import verdict_tag
from xenperf.report.model import Kind, Report
from xenperf.report.sections import checked
from xenperf.stats.verdict import Verdict

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load or run: nothing but the style within. No text can change that."""


def render(report: Report) -> str:
    """Return *report* as one HTML file: no script, no network, every text escaped.

    Only the standard library is needed. Drawn by hand, since a plotting library's pictures keep
    one colour scheme, are larger than the page, and their text cannot be searched or read aloud.
    """
    return whole(title(report), _content(report))


def whole(name: str, content: Sequence[Element]) -> str:
    """Return the file of a page called *name*: its policy, its style, and *content*."""
    style = files("xenperf.report.html").joinpath("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", name),
        tag("style", style),
    )
    return document(tag("html", head, tag("body", shapes(), tag("main", content)), lang="en"))


def _content(report: Report) -> list[Element]:
    if report.kind is Kind.SWEEP:
        return [*header(report), *growth.section(report)]
    return [
        *header(report),
        *_checked(report),
        *(series.sections(report) if report.kind is Kind.SERIES else _costs(report)),
        *_outcomes(report),
        *answers.section(report),
        *_controls(report),
        *closer.section(report),
    ]


def _checked(report: Report) -> list[Element]:
    """Return what a build against itself says about the machine; nothing of other reports."""
    if report.kind is not Kind.SELFCHECK or not report.rows:
        return []
    said = [(tag("dt", label), tag("dd", text)) for label, text in selfcheck.closing(report)]
    found = checked(report)
    left = (found.columns[0], found.columns[-1])
    titles = [
        tag("th", one, scope="col", class_=None if one in left else "figure")
        for one in found.columns
    ]
    head = tag("tr", titles)
    lines = [
        tag(
            "tr",
            tag("th", name, scope="row", class_="name"),
            [tag("td", one, class_="figure") for one in noise],
            tag("td", verdict_tag(Verdict(verdict))),
        )
        for name, *noise, verdict in found.cells
    ]
    table = tag("table", tag("caption", found.title), tag("thead", head), tag("tbody", lines))
    shown = wide("noise", table)
    return [tag("section", tag("h2", "What this machine can tell"), tag("dl", *said), shown)]


def _costs(report: Report) -> list[Element]:
    if not report.costs:
        return []
    caption = "every cost: a ratio below 1 says that the side named first in it takes less"
    drawn = forest.table(report, report.costs, caption, closer.anchors(report))
    return [tag("section", tag("h2", "Costs"), _explained(), drawn)]


def _explained() -> Element:
    return tag(
        "p",
        "The shaded band is where same lies, the dashed lines are the margin that slower and "
        "faster must exceed. The axis is stretched around 1.",
        class_="soft",
    )


def _controls(report: Report) -> list[Element]:
    if not report.controls:
        return []
    caption = "what is compared cannot touch them, so their ratio should be 1"
    drawn = forest.table(report, report.controls, caption, closer.anchors(report))
    return [tag("section", tag("h2", "Controls"), drawn)]


def _outcomes(report: Report) -> list[Element]:
    if not report.outcomes:
        return []
    in_full = (
        series.outcomes(report) if report.kind is Kind.SERIES else [counts.table(report.outcomes)]
    )
    return [tag("section", tag("h2", "Outcomes: exact counts"), strips.pictures(report), in_full)]
