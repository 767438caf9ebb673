"""A history as one page: what changed, and a small picture beside the figures of each benchmark."""

from collections.abc import Callable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.history import content
from xenperf.report.history.content import CHANGE_COLUMNS, Grid, HistoryReport
from xenperf.report.history.text import LEFT, NOTHING
from xenperf.report.html.marks import dot, picture
from xenperf.report.html.page import whole
from xenperf.report.html.tags import Child, number, tag, wide
from xenperf.report.html.words import breakable
from xenperf.stats.history import Kind, State, Track

WIDTH: Final = 160.0
HEIGHT: Final = 26.0
EDGE: Final = 5.0
LEAST_RANGE: Final = 0.05
"""Relative: a picture shows no less, or noise would fill it."""


def render(report: HistoryReport) -> str:
    """Return the history as one HTML file: no script, no network, every text escaped."""
    facts = [
        each
        for label, text in content.facts(report)
        for each in (tag("dt", label), tag("dd", text))
    ]
    body = [
        tag(
            "header",
            tag("h1", content.title(report)),
            tag("p", content.summary(report), class_="tally"),
        ),
        *_doubts(report),
        tag("section", tag("h2", "Changes"), _changes(report)),
        tag("section", tag("h2", "How to read this"), tag("dl", facts)),
        tag("section", tag("h2", "Commits"), _steps(report)),
        *(_grid(report, grid) for grid in content.grids(report)),
        tag("section", tag("h2", "To see the same again"), tag("pre", tag("code", report.command))),
    ]
    return whole(content.title(report), body)


def _doubts(report: HistoryReport) -> list[Element]:
    found = content.doubts(report)
    if not found:
        return []
    lines = tag("ul", [tag("li", text) for text in found], class_="doubts")
    return [tag("section", tag("h2", "When not to trust them"), lines, class_="doubt")]


def _changes(report: HistoryReport) -> Element:
    cells = content.change_cells(report)
    if not cells:
        return tag("p", f"{NOTHING.capitalize()}.")
    kinds = [None if name in LEFT else "figure" for name in CHANGE_COLUMNS]
    lines = [
        tag(
            "tr",
            tag("th", breakable(name), scope="row", class_="name"),
            [tag("td", cell, class_=kind) for cell, kind in zip(rest, kinds[1:], strict=True)],
        )
        for name, *rest in cells
    ]
    return _wide("every change", CHANGE_COLUMNS, lines)


def _steps(report: HistoryReport) -> Element:
    lines = []
    for nr, step in enumerate(report.history.steps, start=1):
        label, said = content.step_line(step)
        lines.append(tag("tr", tag("td", str(nr)), tag("th", label, scope="row"), tag("td", said)))
    return tag("table", tag("tbody", lines), class_="conditions")


def _grid(report: HistoryReport, grid: Grid) -> Element:
    titles = ("benchmark", "", *(step.label for step in report.history.steps))
    table = _wide(grid.title, titles, [_line(track) for track in grid.tracks])
    if grid.open:
        return tag("section", tag("h2", grid.title), table)
    return tag("details", tag("summary", f"{grid.title} ({len(grid.tracks)})"), table)


def _line(track: Track) -> Element:
    return tag(
        "tr",
        tag("th", breakable(track.title), scope="row", class_="name"),
        tag("td", _drawn(track)),
        [tag("td", content.figure(track, one), class_="figure") for one in track.points],
    )


def _drawn(track: Track) -> Element:
    """Return the figures as dots from the first commit to the last, joined where version allows."""
    height = _height(track)
    room = (WIDTH - 2 * EDGE) / max(1, len(track.points) - 1)
    places = {
        at: (EDGE + at * room, height(point.value))
        for at, point in enumerate(track.points)
        if point.state is State.MEASURED
    }
    marks: list[Child] = [
        tag(
            "polyline",
            points=" ".join(f"{number(places[at][0])},{number(places[at][1])}" for at in part),
            class_="joined variant-0",
        )
        for part in track.stretches()
    ]
    marks += [dot(x, y, "circle", "filled variant-0") for x, y in places.values()]
    drawing = picture(WIDTH, HEIGHT, "", marks)
    drawing.set("aria-hidden", "true")  # the figures beside it say the same
    return drawing


def _height(track: Track) -> Callable[[float], float]:
    """Return where a figure of *track* lies in its picture; the larger, the higher."""
    values = [one.value for one in track.points if one.state is State.MEASURED]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    least = 1.0 if track.kind is Kind.COUNT else LEAST_RANGE * abs(high)
    middle, span = 0.5 * (low + high), max(high - low, least) or 1.0

    def place(value: float) -> float:
        return HEIGHT / 2 - (value - middle) / span * (HEIGHT - 2 * EDGE)

    return place


def _wide(label: str, titles: Sequence[str], lines: Sequence[Element]) -> Element:
    head = tag("tr", [tag("th", one, scope="col") for one in titles])
    return wide(
        label,
        tag("table", tag("thead", head), tag("tbody", lines), class_="matrix"),
        tall=True,
    )
