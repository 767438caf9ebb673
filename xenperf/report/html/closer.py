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
            [_details(report, row, (at[row.key], len(rows))) for row in rows],
        )
    ]


_HOW_TO_READ: Final = (
    "Unfold a row to see whether its figure holds: do workers agree, does it matter who went "
    "first, does either side have two modes, did the ratio move with time or load? Ratios: a "
    "large mark is a worker at the time when it began, specks are its rounds, bars below the "
    "machine's load; at the right the same workers by who went first, and the interval, which is "
    "shaded all along. Slices: all slices of each side, in percent of that side's median; two "
    "humps are two modes."
)


def _details(report: Report, row: Row, place: tuple[str, int]) -> Element:
    anchor, nr_rows = place
    shown = figures(row)
    summary = tag(
        "summary",
        tag("b", row.name),
        f" {pair_name(row.sides)} {shown.ratio} {shown.interval} ",
        verdict_tag(row.verdict),
    )
    notes = [tag("p", f"Note: {note}", class_="note") for note in row.notes]
    pictures = tag("div", _pictures(report, row, nr_rows), class_="pictures", id=anchor)
    return tag("details", summary, notes, pictures)


def _pictures(report: Report, row: Row, nr_rows: int) -> list[Element]:
    who = workers.found(report, row)
    every = workers.thinned(who, nr_rows)
    drawing = workers.ratios(report, row, who, every)
    found = [_figure(drawing, "Ratios", _ratios_note(row, who, every))]
    slices = report.slices.get(row.key, ())
    if slices:
        said = f"of {row.sides[0]} above, of {row.sides[1]} below"
        found.append(_figure(histogram.distributions(row, slices), "Slices", said))
    return found


def _figure(drawing: Element, title: str, note: str) -> Element:
    return tag("figure", tag("figcaption", tag("b", title), f" {note}"), drawing)


def _ratios_note(row: Row, who: Sequence[workers.Found], every: int) -> str:
    if all(worker.base_first is None for worker in who):
        return f"of {plural(len(who), 'worker')}; who went first was not kept"
    base, head = row.sides
    thin = f"; one round of {every} drawn" if every > 1 else ""
    return f"○ {base} went first, ◇ {head} did{thin}"
