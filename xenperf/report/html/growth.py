"""A sweep on a page: each cost over each axis as a small picture, and every table in full."""

import math
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.growth import groups, measure, verdict
from xenperf.report.html.marks import dot, line, picture, words
from xenperf.report.html.scale import Linear, padded
from xenperf.report.html.tags import tag, wide
from xenperf.report.html.words import breakable
from xenperf.report.model import Report
from xenperf.report.sections import Section, sections
from xenperf.stats.curves import GrowthRow
from xenperf.stats.growth import Bounded, Growth, Shape

WIDTH: Final = 330.0
HEIGHT: Final = 176.0
LEFT: Final = 54.0
RIGHT: Final = 320.0
TOP: Final = 10.0
FLOOR: Final = 140.0
SHAPES: Final = ("circle", "diamond")
MARKS: Final = "○◇"
STEEP: Final = 20.0
"""A cost that grows more often than this is drawn on an axis of powers."""

LEAST_APART: Final = 24.0  # pixels from one label to the next


def section(report: Report) -> list[Element]:
    """Return the pictures, then the tables; nothing where no curve was measured."""
    cards = [_card(title, rows) for title, rows in groups(report)]
    told = (
        f"{MARKS[0]} gpa, {MARKS[1]} hva (dashed): nanoseconds an operation with intervals, over "
        "the size, with as much room for each doubling. Filled: the shape is known; hollow: it is "
        "not. Each picture has its own axis."
    )
    pictures = tag(
        "section",
        tag("h2", "Growth"),
        tag("p", told, class_="soft"),
        tag("div", cards, class_="multiples"),
    )
    return [*([pictures] if cards else []), *map(_table, sections(report))]


def _card(title: str, rows: Sequence[GrowthRow]) -> Element:
    said = [tag("li", f"{row.curve.side}: {verdict(row)}") for row in rows]
    caption = tag("figcaption", tag("b", breakable(title)), tag("ul", said))
    measured = [row for row in rows if row.growth is not None]
    return tag("figure", caption, _drawing(title, measured) if measured else None)


def _drawing(title: str, rows: Sequence[GrowthRow]) -> Element:
    across = _across(rows[0].curve.sizes)
    costs = [each for row in rows if row.growth is not None for each in row.growth.cost]
    steep = max(c.value for c in costs) > STEEP * min(c.value for c in costs)
    values = [_up(v, steep) for c in costs for v in (c.value, c.low, c.high) if _is_shown(v)]
    down = padded(values, (FLOOR, TOP), least=0.02 if steep else 0.04 * max(values))
    marks = [*_ground(rows[0].curve.sizes, across), *_scale(down, steep)]
    for idx, row in enumerate(rows):
        if row.growth is not None:
            places = [x + 6.0 * (idx - (len(rows) - 1) / 2) for x in across]
            marks += _curve(row, row.growth, places, (down, steep, idx))
    return picture(WIDTH, HEIGHT, title, marks)


def _across(sizes: Sequence[int]) -> list[float]:
    """Return the pixel of each size, by its logarithm."""
    low, high = math.log2(sizes[0]), math.log2(sizes[-1])
    room = RIGHT - LEFT - 24.0
    return [LEFT + 12.0 + room * (math.log2(size) - low) / (high - low) for size in sizes]


def _up(value: float, steep: bool) -> float:
    return math.log10(value) if steep else value


def _is_shown(value: float) -> bool:
    return math.isfinite(value) and value > 0.0


def _ground(sizes: Sequence[int], across: Sequence[float]) -> list[Element]:
    """Return the axis of sizes; a label that has no room is left out."""
    marks = [line((LEFT, RIGHT), (FLOOR, FLOOR), "tick")]
    last = -math.inf
    for size, x in zip(sizes, across, strict=True):
        marks.append(line((x, x), (FLOOR, FLOOR + 4), "tick"))
        if x - last >= LEAST_APART:
            marks.append(words(x, FLOOR + 17, str(size)))
            last = x
    return marks


def _scale(down: Linear, steep: bool) -> list[Element]:
    """Return the axis of costs."""
    marks: list[Element] = []
    for value, text in down.ticks(4):
        if steep:
            text = f"{10.0**value:.3g}"
        marks.append(line((LEFT - 4, LEFT), (down.at(value),) * 2, "tick"))
        marks.append(words(LEFT - 7, down.at(value) + 4, text, "end"))
    return marks


def _curve(
    row: GrowthRow, found: Growth, places: Sequence[float], how: tuple[Linear, bool, int]
) -> list[Element]:
    """Return a side's marks and intervals, joined by a line."""
    down, steep, idx = how
    kind = f"variant-{idx % len(SHAPES)}"
    known = found.shape in (Shape.FLAT, Shape.LINEAR, Shape.LOG2)
    marks, path = [], []
    for x, size, cost in zip(places, found.sizes, found.cost, strict=True):
        y = down.at(_up(cost.value, steep))
        marks.append(line((x, x), _whisker(cost, down, steep), f"whisker {kind}"))
        title = f"{row.curve.side}, {row.curve.axis} {size}: {cost.value:.4g} {measure(row)}"
        marks.append(dot(x, y, SHAPES[idx % 2], f"{'filled' if known else 'hollow'} {kind}", title))
        path.append(f"{x:.1f},{y:.1f}")
    return [tag("polyline", points=" ".join(path), class_=f"joined {kind}"), *marks]


def _whisker(cost: Bounded, down: Linear, steep: bool) -> tuple[float, float]:
    """Return the pixels of the interval's ends; an end that is not there is the axis's."""
    low = _up(cost.low, steep) if _is_shown(cost.low) else down.low
    high = _up(cost.high, steep) if _is_shown(cost.high) else down.high
    return down.at(low), down.at(high)


def _table(found: Section) -> Element:
    """Return one table, folded, since the pictures come first."""
    head = tag("tr", [tag("th", breakable(name), scope="col") for name in found.columns])
    lines = [
        tag("tr", tag("th", breakable(cells[0]), scope="row"), [tag("td", c) for c in cells[1:]])
        for cells in found.cells
    ]
    content = tag("table", tag("thead", head), tag("tbody", lines), class_="counts")
    shown = wide(found.title, content)
    return tag("details", tag("summary", found.title), shown)
