"""A series as small pictures: one of each benchmark, across the patches."""

import math
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.limits import limits, ratios_at
from xenperf.report.html.marks import dot, group, picture, rules, words
from xenperf.report.html.scale import Linear, padded
from xenperf.report.html.tags import Child, tag
from xenperf.report.model import Report
from xenperf.report.order import Series
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

WIDTH: Final = 330.0
HEIGHT: Final = 170.0
LEFT: Final = 48.0
RIGHT: Final = 322.0
TOP: Final = 10.0
FLOOR: Final = 140.0
SHAPES: Final = ("circle", "diamond", "square")
"""Marks of the variants, in their order."""

DECIDED: Final = frozenset({Verdict.SLOWER, Verdict.FASTER, Verdict.SAME})


def multiples(report: Report, series: Series) -> list[Child]:
    """Return what the marks mean, and the pictures side by side."""
    by_name: dict[str, dict[str, list[Row]]] = {}
    for row in report.costs:
        if series.against_base(row) is not None:
            by_name.setdefault(row.benchmark, {}).setdefault(row.variant, []).append(row)
    variants = list(dict.fromkeys(v for of_name in by_name.values() for v in of_name))
    marks = "○◇□"
    named = ", ".join(
        f"{marks[i % len(marks)]} {variant or 'any activation'} against {series.bases[variant]}"
        for i, variant in enumerate(variants)
    )
    told = (
        f"Ratio, patch by patch: {named}. Filled: decided; hollow: "
        "undecided; ✕: no figure. Shaded: inside it lies same. Each picture has its own axis."
    )
    cards = [
        _multiple(report, series, name, of_name, variants) for name, of_name in by_name.items()
    ]
    return [tag("p", told, class_="soft"), tag("div", cards, class_="multiples")]


def _multiple(
    report: Report,
    series: Series,
    name: str,
    of_name: dict[str, list[Row]],
    variants: Sequence[str],
) -> Element:
    rows = [row for of_variant in of_name.values() for row in of_variant]
    bounds = [b for row in rows for b in (row.ratio, *(row.ci or ())) if b is not None]
    down = padded([*bounds, *ratios_at(report, "band")], (FLOOR, TOP), least=0.0)
    marks = _ground(report, series, down)
    for idx, variant in enumerate(variants):
        shift = 5.0 * (idx - (len(variants) - 1) / 2)
        marks += _points(series, of_name.get(variant, []), down, (idx, shift))
    drawing = picture(WIDTH, HEIGHT, f"{name}: ratio against {series.base}, by patch", marks)
    return tag("figure", tag("figcaption", tag("b", name)), drawing)


def _x(series: Series, patch: str) -> float:
    room = (RIGHT - LEFT) / len(series.patches)
    return LEFT + room * (series.patches.index(patch) + 0.5)


def _ground(report: Report, series: Series, down: Linear) -> list[Element]:
    """Return band, margin and axes."""
    ticks = down.ticks(5)
    marks = [
        *limits(report, down, (LEFT, RIGHT)),
        rules([down.at(value) for value, _ in ticks], (LEFT - 4, LEFT), "tick", lying=True),
        *(words(LEFT - 7, down.at(value) + 4, text, "end") for value, text in ticks),
    ]
    for patch in series.patches:
        marks.append(words(_x(series, patch), FLOOR + 16, str(series.number(patch))))
    return [mark for mark in marks if mark is not None]


def _points(
    series: Series, rows: Sequence[Row], down: Linear, place: tuple[int, float]
) -> list[Element]:
    """Return a variant's marks and intervals, joined by a line."""
    idx, shift = place
    path, whiskers = [], []
    marks: dict[str, list[Element]] = {"filled": [], "hollow": [], "missing": []}
    for row in rows:
        x = _x(series, row.sides[1]) + shift
        if row.ratio is None or row.ci is None:
            marks["missing"].append(dot(x, FLOOR - 6, "cross", title=str(row.verdict)))
            continue
        high = row.ci[1] if math.isfinite(row.ci[1]) else down.high
        whiskers.append(f"M{x:.1f} {down.at(row.ci[0]):.1f}V{down.at(high):.1f}")
        fill = "filled" if row.verdict in DECIDED else "hollow"
        marks[fill].append(dot(x, down.at(row.ratio), SHAPES[idx % 3]))
        path.append(f"{x:.1f},{down.at(row.ratio):.1f}")
    joined = tag("polyline", points=" ".join(path), class_="joined")
    lines = tag("path", d="".join(whiskers), class_="whisker")
    shown = [one for kind, some in marks.items() for one in group(some, kind)]
    return group([joined, lines, *shown], f"variant-{idx % len(SHAPES)}")
