"""Timed rows as a table that is a picture too: each row's interval on one common axis."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element

from xenperf.report.figures import NONE, figures
from xenperf.report.html.limits import limit, ratios_at
from xenperf.report.html.marks import dot, group, picture, words
from xenperf.report.html.scale import Stretched, stretched_over
from xenperf.report.html.tags import Child, number, tag, wide
from xenperf.report.html.words import breakable, pair_name, percent, verdict_tag
from xenperf.report.model import Report, RowKey
from xenperf.report.sections import by_weight
from xenperf.stats.rounding import round_figure
from xenperf.stats.rows import Row

Cell: TypeAlias = Child | Sequence[Child]

WIDTH: Final = 280.0
HEIGHT: Final = 22.0
AXIS_HEIGHT: Final = 18.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its title, and what it shows of a row."""

    title: str
    cell: Callable[[Row], Cell]
    kind: str = ""


def table(report: Report, rows: Sequence[Row], caption: str, anchors: dict[RowKey, str]) -> Element:
    """Return *rows*, the weightiest first, with a link to each row's pictures where it has some."""
    scale = _scale(report, rows)
    pairs = list(dict.fromkeys(row.sides for row in rows))
    before = [Column("benchmark", lambda row: _name(row, anchors), "name")]
    before += [Column("sides", lambda row: pair_name(row.sides))] if len(pairs) > 1 else []
    before += _figures(pairs[0] if len(pairs) == 1 else ("base", "head"), limit(report, "alpha"))
    after = _after(rows)
    head = tag("tr", _titles(before), tag("th", _axis(scale), class_="plot"), _titles(after))
    lines = [
        tag("tr", _cells(before, row), _plot(row, scale), _cells(after, row))
        for row in by_weight(rows)
    ]
    return wide(
        caption,
        tag(
            "table",
            tag("caption", caption),
            tag("thead", head),
            tag("tbody", lines),
            class_="forest",
            style=_limits(report, scale),
        ),
    )


def _titles(columns: Sequence[Column]) -> list[Element]:
    return [
        tag("th", breakable(one.title), scope="col", class_=one.kind or None) for one in columns
    ]


def _cells(columns: Sequence[Column], row: Row) -> list[Element]:
    return [
        tag("th", one.cell(row), scope="row", class_="name")
        if one.kind == "name"
        else tag("td", one.cell(row), class_=one.kind or None)
        for one in columns
    ]


def _name(row: Row, anchors: dict[RowKey, str]) -> Cell:
    anchor = anchors.get(row.key)
    return (
        breakable(row.name) if anchor is None else tag("a", breakable(row.name), href=f"#{anchor}")
    )


def _figures(sides: tuple[str, str], alpha: float) -> list[Column]:
    ratio = pair_name(sides)
    return [
        Column("unit", lambda row: row.unit),
        Column(sides[0], lambda row: figures(row).base, "figure"),
        Column(sides[1], lambda row: figures(row).head, "figure"),
        Column(ratio, lambda row: figures(row).ratio, "figure"),
        Column(f"{percent(1.0 - alpha)} interval", lambda row: figures(row).interval, "figure"),
    ]


def _after(rows: Sequence[Row]) -> list[Column]:
    """Return the columns right of the plot; those that no row fills are left out."""
    columns = [
        Column("verdict", lambda row: verdict_tag(row.verdict)),
        Column("noise", _noise, "figure"),
    ]
    if any(row.wall_ratio is not None for row in rows):
        columns.append(Column("wall", _wall, "figure"))
    if any(row.instructions is not None for row in rows):
        columns.append(Column("instructions", lambda row: figures(row).instructions, "figure"))
    columns.append(Column("workers", lambda row: str(len(row.worker_ratios) or NONE), "figure"))
    return columns


def _noise(row: Row) -> str:
    return NONE if row.noise is None else f"±{100.0 * row.noise:.2g} %"


def _wall(row: Row) -> str:
    """Return the ratio in wall time, with no more digits than the judged one has."""
    if row.wall_ratio is None or row.noise is None:
        return NONE
    return round_figure(row.wall_ratio, row.noise * row.wall_ratio)


def _scale(report: Report, rows: Sequence[Row]) -> Stretched:
    bounds = [bound for row in rows for bound in (row.ratio, *(row.ci or ())) if bound]
    return stretched_over(bounds, limit(report, "band"), WIDTH)


def _limits(report: Report, scale: Stretched) -> str:
    """Return where band and margin lie, for the style of the cells: they fill any height."""
    places = {"one": 1.0}
    for name in ("band", "margin"):
        places[f"{name}-low"], places[f"{name}-high"] = ratios_at(report, name)
    return ";".join(f"--{name}:{number(scale.at(at))}px" for name, at in places.items())


def _axis(scale: Stretched) -> Element:
    labels = [words(scale.at(ratio), 12.0, text) for ratio, text in scale.ticks()]
    return picture(WIDTH, AXIS_HEIGHT, "axis: ratio of head to base, stretched around 1", labels)


def _plot(row: Row, scale: Stretched) -> Element:
    """Return the cell with the interval; the figures beside it say the same in words."""
    drawing = picture(WIDTH, HEIGHT, "", _interval(row, scale))
    drawing.set("aria-hidden", "true")
    return tag("td", drawing, class_="plot")


def _interval(row: Row, scale: Stretched) -> list[Element]:
    middle = HEIGHT / 2
    if row.ratio is None or row.ci is None:
        return [words(scale.at(1.0), middle + 4, "no ratio", kind="soft")]
    low, high = (scale.at(bound) for bound in (max(row.ci[0], scale.low), row.ci[1]))
    strokes = [f"M{number(low)} {number(middle)}H{number(high)}"]
    marks = []
    for bound, pixel in zip(row.ci, (low, high), strict=True):
        if scale.low <= bound <= scale.high and math.isfinite(bound):
            strokes.append(f"M{number(pixel)} {number(middle - 4)}v8")
        else:
            marks.append(_beyond(pixel, middle))
    marks.append(dot(scale.at(row.ratio), middle, "circle", "mark"))
    whole = tag("path", d="".join(strokes), class_="interval")
    return group([whole, *marks], str(row.verdict))


def _beyond(x: float, y: float) -> Element:
    """Return the arrowhead of an interval that goes on beyond the axis."""
    inwards = 6.0 if x < WIDTH / 2 else -6.0
    tips = " ".join(f"{number(x + inwards)},{number(y + up)}" for up in (-4.0, 4.0))
    return tag("polygon", points=f"{number(x)},{number(y)} {tips}", class_="mark")
