"""The top of the page: what was compared, how, when not to trust it, and how to do it again."""

import base64
import gzip
import math
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report import boots, distrust, json_
from xenperf.report import header as words
from xenperf.report.html.limits import limit
from xenperf.report.html.tags import tag
from xenperf.report.html.words import percent, plural
from xenperf.report.model import Grade, Kind, Report
from xenperf.report.order import series_of
from xenperf.report.tallies import counted, skipped, summary
from xenperf.report.undecided import undecided

MODEL: Final = "model"


def title(report: Report) -> str:
    """Return what was compared, on one line."""
    if report.kind in (Kind.RUN, Kind.SWEEP, Kind.SELFCHECK):
        return words.title(report)
    what = " and ".join(dict.fromkeys(_compared(report)))
    return f"xenperf {report.kind}: {what}, on {report.backend}"


def _compared(report: Report) -> list[str]:
    if report.kind is Kind.SERIES and report.sides:
        series = series_of(report)
        return [series.base, plural(len(series.patches), "step") + " after it"]
    return list(dict.fromkeys(label for pair in report.sides for label in pair))


def header(report: Report) -> list[Element]:
    """Return the title, the verdicts counted, and everything to know before reading on."""
    return [
        tag("header", tag("h1", title(report)), tag("p", summary(report), class_="tally")),
        *_undecided(report),
        _doubts(report),
        tag("section", tag("h2", "How the figures were obtained"), _facts(report), _all(report)),
        *_sides(report.about),
        _again(report),
    ]


def _undecided(report: Report) -> list[Element]:
    if report.kind is Kind.SWEEP:
        return [tag("p", "What each word means is said below, under verdicts.", class_="soft")]
    said, lines = undecided(report)
    text = f"Undecided: {said}" if said else "No cost is undecided."
    listed = [tag("ul", [tag("li", line) for line in lines], class_="undecided")] if lines else []
    return [tag("p", text, class_="undecided-list"), *listed]


def _doubts(report: Report) -> Element:
    """Return why this report is to be distrusted, and when any such report is."""
    found = list(dict.fromkeys([*distrust.reasons(report), *report.remarks]))
    return tag(
        "section",
        tag("h2", "When not to trust them"),
        tag("ul", [tag("li", reason) for reason in found], class_="doubts") if found else None,
        None if found else tag("p", "Nothing was found that speaks against this report."),
        tag("ul", [tag("li", one) for one in _always(report)], class_="soft"),
        class_="doubt" if found else None,
    )


def _always(report: Report) -> list[str]:
    margin = percent(limit(report, "margin"))
    said = [
        "A control that is slower or faster says that the machine made the difference: then no "
        "cost here should be believed.",
        f"No difference below {margin} is claimed from time: two copies of the same code differ "
        "by as much. Undecided is never to be read as unchanged.",
    ]
    if report.backend == MODEL:
        said.append(
            "Times are those of a model of KVM, not of a real kernel: read ratios and counts."
        )
    if report.grade is Grade.APART:
        said.append("The sides were not interleaved: another day, another ratio.")
    return said


def _facts(report: Report) -> Element:
    told = (*words.conditions(report), ("measured", _extent(report)))
    facts = (*told, *counted(report), *skipped(report))
    return tag("dl", *((tag("dt", name), tag("dd", said)) for name, said in facts))


def _extent(report: Report) -> str:
    took = "" if report.seconds is None else f", {math.ceil(report.seconds)} s of measuring"
    unit = "boot" if boots.BOOTS in report.settings else "worker"
    return f"{plural(len(report.rows), 'row')}; {plural(report.nr_finished, unit)} finished{took}"


def _all(report: Report) -> Element:
    """Return every setting and every condition, folded."""
    pairs = [*report.settings.items(), *report.environment.items()]
    lines = [
        tag("tr", tag("th", name, scope="row"), tag("td", _plain(value))) for name, value in pairs
    ]
    return tag(
        "details",
        tag("summary", "All settings and conditions"),
        tag("table", tag("tbody", lines), class_="conditions"),
    )


def _plain(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)


def _sides(about: Mapping[str, str]) -> list[Element]:
    if not about:
        return []
    lines = [
        tag("tr", tag("td", str(idx)), tag("th", label, scope="row"), tag("td", said))
        for idx, (label, said) in enumerate(about.items())
    ]
    return [
        tag("section", tag("h2", "Sides"), tag("table", tag("tbody", lines), class_="conditions"))
    ]


def _again(report: Report) -> Element:
    """Return the command, and all figures in full as a file within this one.

    Packed, as it would else be most of the page: a series has thousands of rows that repeat.
    """
    packed = gzip.compress(json_.render(report).encode(), mtime=0)
    data = tag(
        "a",
        "Download all figures in full (JSON, packed by gzip)",
        href=f"data:application/gzip;base64,{base64.b64encode(packed).decode()}",
        download="xenperf.json.gz",
    )
    return tag(
        "section",
        tag("h2", "To measure the same again"),
        tag("pre", tag("code", report.command), tabindex="0"),
        tag("p", data, "; it lies within this page.", class_="download"),
    )
