"""The marks that pictures are made of, as SVG whose colours come from the page's style.

A page has thousands of them, so what repeats is said once: shapes are defined for the whole page
and used by name, and lines or dots of one kind are one path.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.tags import Child, number, tag

_SHORT: Final = {"circle": "o", "diamond": "d", "square": "s", "cross": "x"}
_OUTLINES: Final = {
    "circle": "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0 -6.8 0z",
    "diamond": "M0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",
    "square": "M-3.2 -3.2h6.4v6.4h-6.4z",
    "cross": "M-3 -3l6 6m0 -6l-6 6",
}


def shapes() -> Element:
    """Return the shapes that every picture of the page uses; it has to stand before them."""
    known = [tag("path", id=_SHORT[name], d=outline) for name, outline in _OUTLINES.items()]
    return tag("svg", tag("defs", known), class_="shapes", width=0, height=0, aria_hidden="true")


def picture(width: float, height: float, label: str, *marks: Child | Iterable[Child]) -> Element:
    """Return a drawing that is announced as *label*."""
    return tag(
        "svg",
        *marks,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def line(x: tuple[float, float], y: tuple[float, float], kind: str) -> Element:
    """Return a line from the first to the second of *x* and *y*."""
    end = f"L{number(x[1])} {number(y[1])}"
    return tag("path", d=f"M{number(x[0])} {number(y[0])}{end}", class_=kind)


def rules(
    at: Iterable[float], reach: tuple[float, float], kind: str, *, lying: bool = False
) -> Element | None:
    """Return a line over *reach* at each of *at*, upright or *lying*; None if there is none."""
    low, far = number(reach[0]), number(reach[1] - reach[0])
    drawn = [f"M{low} {number(y)}h{far}" if lying else f"M{number(y)} {low}v{far}" for y in at]
    return tag("path", d="".join(drawn), class_=kind) if drawn else None


def box(x: tuple[float, float], y: tuple[float, float], kind: str, title: str = "") -> Element:
    """Return a rectangle between the two *x* and the two *y*."""
    return tag(
        "rect",
        _title(title),
        x=min(x),
        y=min(y),
        width=abs(x[1] - x[0]),
        height=abs(y[1] - y[0]),
        class_=kind,
    )


def words(x: float, y: float, text: str, anchor: str = "middle", kind: str = "") -> Element:
    """Return *text* at a place; *anchor* is ``start``, ``middle`` or ``end``."""
    kinds = [one for one in (kind, "" if anchor == "middle" else anchor) if one]
    return tag("text", text, x=round(x), y=round(y), class_=" ".join(kinds) or None)


def dot(x: float, y: float, shape: str, kind: str = "", title: str = "") -> Element:
    """Return a mark of *shape*: ``circle``, ``diamond``, ``square`` or ``cross``."""
    return tag("use", _title(title), href=f"#{_SHORT[shape]}", x=x, y=y, class_=kind or None)


def group(marks: Sequence[Element], kind: str) -> list[Element]:
    """Return *marks* of one kind, which is said once; nothing where there are none."""
    return [tag("g", marks, class_=kind)] if marks else []


def specks(places: Iterable[tuple[float, float]], kind: str) -> Element:
    """Return many small dots as one element, to the next pixel: strokes without length.

    Each is told by its distance from the one before, which takes fewer digits.
    """
    drawn, before = [], (0, 0)
    for x, y in places:
        here = round(x), round(y)
        across, down = here[0] - before[0], here[1] - before[1]
        drawn.append(f"m{across}{'' if down < 0 else ' '}{down}h0")
        before = here
    return tag("path", d="".join(drawn), class_=kind)


def _title(title: str) -> Element | None:
    return tag("title", title) if title else None
