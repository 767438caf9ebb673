"""A closer look at single rows: the pictures of what their workers measured, folded away."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.figures import figures
from xenperf.report.html import histogram, workers
from xenperf.report.html.tags import tag
from xenperf.report.html.words import pair_name, plural, verdict_tag
from xenperf.report.model import Report, RowKey
from xenperf.report.sections import by_weight
from xenperf.stats.rows import Row

MOST_ROWS: Final = 120
"""Rows drawn at most: a page has to stay small enough to be mailed."""


def drawn_rows(report: Report) -> list[Row]:
    """Return the rows that get pictures, the weightiest first: costs, then controls."""
    rows = [*by_weight(report.costs), *by_weight(report.controls)]
    return [row for row in rows if row.worker_ratios][:MOST_ROWS]


def anchors(report: Report) -> dict[RowKey, str]:
    """Return where on the page each drawn row is; numbered, since names may hold anything."""
    return {row.key: f"row-{idx}" for idx, row in enumerate(drawn_rows(report))}


def section(report: Report) -> list[Element]:
    """Return the rows, folded; nothing where no row has workers to show."""
    rows = drawn_rows(report)
    if not rows:
        return []
    at = anchors(report)
    nr_all = sum(bool(row.worker_ratios) for row in (*report.costs, *report.controls))
    left_out = (
        f" Drawn are {len(rows)} of {nr_all} rows, those with the weightiest verdicts; the "
        "figures of all are in the tables and in the data."
        if nr_all > len(rows)
        else ""
    )
    return [
        tag(
            "section",
            tag("h2", "Row by row"),
            tag("p", _HOW_TO_READ, left_out, class_="soft"),
            [_details(report, row, at[row.key]) for row in rows],
        )
    ]


_HOW_TO_READ: Final = (
    "Unfold a row to see whether its figure holds: do workers agree, does it matter who went "
    "first, does either side have two modes, did the ratio move with time or load?"
)


def _details(report: Report, row: Row, anchor: str) -> Element:
    shown = figures(row)
    summary = tag(
        "summary",
        tag("b", row.name),
        f" {pair_name(row.sides)} {shown.ratio} {shown.interval} ",
        verdict_tag(row.verdict),
    )
    notes = [tag("p", f"Note: {note}", class_="note") for note in row.notes]
    pictures = tag("div", _pictures(report, row), class_="pictures", id=anchor)
    return tag("details", summary, notes, pictures)


def _pictures(report: Report, row: Row) -> list[Element]:
    who = workers.found(report, row)
    found = [_figure(workers.ratios(report, row, who), "Worker ratios", _ratios_note(row, who))]
    slices = report.slices.get(row.key, ())
    if not slices:
        return found
    return [
        *found,
        _figure(
            histogram.distributions(row, slices),
            "Slices",
            f"every slice of {row.sides[0]} and of {row.sides[1]}, in percent of that side's "
            "median; two humps are two modes",
        ),
        _figure(workers.over_time(report, row, who), "Ratio over time, and load", _time_note(who)),
    ]


def _figure(drawing: Element, title: str, note: str) -> Element:
    return tag("figure", tag("figcaption", tag("b", title), f": {note}"), drawing)


def _ratios_note(row: Row, who: Sequence[workers.Found]) -> str:
    if all(worker.base_first is None for worker in who):
        return f"{plural(len(who), 'worker')}; who went first was not kept"
    base, head = row.sides
    return f"○ {base} went first, ◇ {head} did; shaded, where it is near: the band of same"


def _time_note(who: Sequence[workers.Found]) -> str:
    every = workers.thinned(who)
    thin = f", one of {every} drawn" if every > 1 else ""
    return f"large marks are workers, specks their rounds{thin}; shaded: the row's interval"
