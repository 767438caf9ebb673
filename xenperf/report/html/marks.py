"""The marks that pictures are made of, as SVG whose colours come from the page's style."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from xenperf.report.html.tags import Child, number, tag


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
    return tag("line", x1=x[0], x2=x[1], y1=y[0], y2=y[1], class_=kind)


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
    """Return *text* at a place."""
    return tag("text", text, x=x, y=y, text_anchor=anchor, class_=kind or None)


def dot(x: float, y: float, shape: str, kind: str, title: str = "") -> Element:
    """Return a mark of *shape*: ``circle``, ``diamond``, ``square`` or ``cross``."""
    if shape == "circle":
        return tag("circle", _title(title), cx=x, cy=y, r=3.4, class_=kind)
    at = f"M{number(x)} {number(y)}"
    outline = {
        "diamond": f"{at}m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",
        "square": f"{at}m-3.2 -3.2h6.4v6.4h-6.4z",
        "cross": f"{at}m-3 -3l6 6m0 -6l-6 6",
    }[shape]
    return tag("path", _title(title), d=outline, class_=kind)


def specks(places: Iterable[tuple[float, float]], kind: str) -> Element:
    """Return many small dots as one element: the ends of strokes without length."""
    return tag("path", d="".join(f"M{number(x)} {number(y)}h0" for x, y in places), class_=kind)


def _title(title: str) -> Element | None:
    return tag("title", title) if title else None
