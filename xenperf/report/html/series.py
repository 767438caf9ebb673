"""A series of patches: a matrix of every row by every patch, and a small picture a benchmark."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.figures import NONE, figures
from xenperf.report.html.limits import limits, ratios_at
from xenperf.report.html.marks import dot, line, picture, words
from xenperf.report.html.scale import Linear, padded
from xenperf.report.html.tags import Child, tag
from xenperf.report.html.words import SIGNS, breakable
from xenperf.report.model import Report
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


@dataclass(frozen=True, slots=True)
class Series:
    """The order of the patches, and the rows by benchmark, variant and pair."""

    base: str
    patches: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def against_base(self) -> list[tuple[str, str]]:
        """The pairs that compare each patch with the base."""
        return [(self.base, patch) for patch in self.patches]

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The pairs that compare each patch with the one before; empty where none was compared."""
        before = (self.base, *self.patches[:-1])
        pairs = list(zip(before, self.patches, strict=True))
        there = {row.sides for row in self.rows}
        return pairs if any(pair in there for pair in pairs[1:]) else []

    def numbered(self, label: str) -> str:
        """Return the place of *label* in the series: 0 is the base."""
        return str((self.base, *self.patches).index(label))


def series_of(report: Report) -> Series:
    """Return the order in which *report* has its sides."""
    base = report.sides[0][0]
    patches = tuple(dict.fromkeys(head for first, head in report.sides if first == base))
    return Series(base, patches, report.rows)


def sections(report: Report) -> list[Element]:
    """Return the pictures and the matrices; nothing where there are no rows."""
    if not report.sides:
        return []
    series = series_of(report)
    found = [
        _section("Across the patches", _multiples(report, series)),
        _section(
            "Costs, each patch against the base", _matrix(series, report.costs, series.against_base)
        ),
    ]
    if series.steps:
        title = "Costs, each patch against the one before it"
        found.append(_section(title, _matrix(series, report.costs, series.steps)))
    return found


def outcomes(report: Report) -> list[Element]:
    """Return the exact counts of every side."""
    if not report.outcomes:
        return []
    series = series_of(report)
    return [_matrix(series, report.outcomes, series.against_base)]


def _section(title: str, *content: Child | Sequence[Child]) -> Element:
    return tag("section", tag("h2", title), *content)


def _matrix(series: Series, rows: Sequence[Row], pairs: Sequence[tuple[str, str]]) -> Element:
    """Return a line for each row and a column for each of *pairs*; counts begin with the base."""
    wanted = set(pairs)
    lines: dict[tuple[str, str, str], dict[tuple[str, str], Row]] = {}
    for row in rows:
        if row.sides in wanted:
            lines.setdefault((row.name, row.metric, row.unit), {})[row.sides] = row
    counts = bool(rows) and rows[0].is_count
    head = ["benchmark", "metric"] if counts else ["benchmark"]
    titles = [tag("th", title, scope="col", class_="name") for title in head]
    titles += [tag("th", f"0 {series.base}", scope="col")] if counts else []
    titles += [tag("th", f"{series.numbered(pair[1])} {pair[1]}", scope="col") for pair in pairs]
    body = [_line(key, found, pairs) for key, found in lines.items()]
    return tag(
        "div",
        tag(
            "table",
            tag(
                "caption", _signs(row.verdict for found in lines.values() for row in found.values())
            ),
            tag("thead", tag("tr", titles)),
            tag("tbody", body),
            class_="matrix",
        ),
        class_="wide tall",
        tabindex="0",
        role="region",
        aria_label="rows by patch",
    )


def _signs(verdicts: Iterable[Verdict]) -> str:
    """Return what the signs in the cells mean, of those that occur."""
    there = set(verdicts)
    return ", ".join(f"{sign} {verdict}" for verdict, sign in SIGNS.items() if verdict in there)


def _line(
    key: tuple[str, str, str],
    found: dict[tuple[str, str], Row],
    pairs: Sequence[tuple[str, str]],
) -> Element:
    name, metric, unit = key
    first = next(iter(found.values()))
    cells = [tag("th", breakable(name), scope="row", class_="name")]
    if first.is_count:
        cells += [tag("td", f"{metric} {unit}"), tag("td", figures(first).base, class_="figure")]
    cells += [_cell(found.get(pair)) for pair in pairs]
    return tag("tr", cells)


def _cell(row: Row | None) -> Element:
    """Return one row in a cell: figure, sign of the verdict and, for a cost, the interval."""
    if row is None:
        return tag("td", NONE, class_="figure")
    shown = figures(row)
    sign = tag("span", f" {SIGNS[row.verdict]}", role="img", aria_label=str(row.verdict))
    kind = f"figure cell {row.verdict}"
    if row.is_count:
        return tag("td", shown.head, sign, class_=kind, title=str(row.verdict))
    interval = None if shown.interval == NONE else tag("small", shown.interval)
    return tag(
        "td", shown.ratio, sign, interval, class_=kind, title=f"{row.verdict}: {shown.interval}"
    )


def _multiples(report: Report, series: Series) -> list[Child]:
    by_name: dict[str, dict[str, list[Row]]] = {}
    wanted = set(series.against_base)
    for row in report.costs:
        if row.sides in wanted:
            by_name.setdefault(row.benchmark, {}).setdefault(row.variant, []).append(row)
    variants = list(dict.fromkeys(v for of_name in by_name.values() for v in of_name))
    signs = "○◇□"
    named = ", ".join(f"{signs[i % 3]} {variant or 'all'}" for i, variant in enumerate(variants))
    told = (
        f"Ratio against {series.base}, patch by patch: {named}. Filled: decided; hollow: "
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
    marks = limits(report, down, (LEFT, RIGHT), upright=True)
    for value, text in down.ticks(5):
        marks.append(line((LEFT - 4, LEFT), (down.at(value),) * 2, "tick"))
        marks.append(words(LEFT - 7, down.at(value) + 4, text, "end"))
    for patch in series.patches:
        marks.append(words(_x(series, patch), FLOOR + 16, series.numbered(patch)))
    return marks


def _points(
    series: Series, rows: Sequence[Row], down: Linear, place: tuple[int, float]
) -> list[Element]:
    """Return a variant's marks and intervals, joined by a line."""
    idx, shift = place
    kind = f"variant-{idx % len(SHAPES)}"
    marks, path = [], []
    for row in rows:
        x = _x(series, row.sides[1]) + shift
        if row.ratio is None or row.ci is None:
            marks.append(
                dot(x, FLOOR - 6, "cross", f"missing {kind}", f"{row.name}: {row.verdict}")
            )
            continue
        high = row.ci[1] if math.isfinite(row.ci[1]) else down.high
        marks.append(line((x, x), (down.at(row.ci[0]), down.at(high)), f"whisker {kind}"))
        fill = "filled" if row.verdict in DECIDED else "hollow"
        title = f"{row.name}, {row.sides[1]}: {figures(row).ratio} {row.verdict}"
        marks.append(dot(x, down.at(row.ratio), SHAPES[idx % 3], f"{fill} {kind}", title))
        path.append(f"{x:.1f},{down.at(row.ratio):.1f}")
    joined = tag("polyline", points=" ".join(path), class_=f"joined {kind}")
    return [joined, *marks]
