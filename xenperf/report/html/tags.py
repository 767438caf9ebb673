"""Elements of a page; whatever is put into one is text, so nothing can become markup."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element, tostring

Attribute: TypeAlias = str | float | None
Child: TypeAlias = Element | str | None

REPLACEMENT: Final = "\ufffd"
# Controls and surrogates, which no page may hold, and what turns the direction of writing.
_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_OWN_LINE: Final = frozenset(
    (
        *("body", "div", "footer", "head", "header", "html", "main", "section"),
        *(
            "link",
            "meta",
            "style",
            "title",
            "h1",
            "h2",
            "h3",
            "h4",
            "p",
            "pre",
            "details",
            "summary",
        ),
        *("dl", "dt", "dd", "ul", "li", "figure", "figcaption"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td"),
        *("svg", "circle", "line", "path", "polygon", "polyline", "rect", "text"),
    )
)
"""Elements around which white space means nothing: a page should have lines."""


_EMPTY: Final = re.compile("></(?:path|polygon|polyline|rect|use)>")
"""How an element of a drawing ends that has nothing in it; in text and attributes ``>`` is escaped.
"""


def tag(name: str, /, *children: Child | Iterable[Child], **attributes: Attribute) -> Element:
    """Return an element with *children* and *attributes*, without those that are None.

    ``class_`` becomes ``class``, and any other ``_`` a ``-``; numbers keep one decimal.
    """
    element = Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key.rstrip("_").replace("_", "-"), _attribute(value))
    for child in _flat(children):
        _append(element, child)
    return element


def wide(label: str, content: Child | Iterable[Child], *, tall: bool = False) -> Element:
    """Return *content* in a region called *label* that scrolls by itself: it may be too wide.

    tall
        It scrolls downwards as well, so that the heads of its columns stay in sight.
    """
    kind = "wide tall" if tall else "wide"
    return tag("div", content, class_=kind, tabindex="0", role="region", aria_label=label)


def document(root: Element) -> str:
    """Return the page whose outermost element is *root*."""
    for element in root.iter():
        if element.tag in _OWN_LINE:
            element.tail = (element.tail or "") + "\n"
    written = tostring(root, encoding="unicode", method="html")
    return "<!DOCTYPE html>\n" + _EMPTY.sub("/>", written)


def number(value: float) -> str:
    """Return a coordinate: a tenth of a pixel is enough."""
    return f"{value:.1f}".removesuffix(".0")


def _attribute(value: str | float) -> str:
    return _fit(value) if isinstance(value, str) else number(value)


def _fit(text: str) -> str:
    return _UNFIT.sub(REPLACEMENT, text)


def _flat(children: Iterable[Child | Iterable[Child]]) -> Iterator[Element | str]:
    """Yield the children, those too that come in a list; an element is no list of its own."""
    for child in children:
        if isinstance(child, Element | str):
            yield child
        elif child is not None:
            yield from _flat(child)


def _append(element: Element, child: Element | str) -> None:
    if isinstance(child, Element):
        element.append(child)
    elif len(element):
        element[-1].tail = (element[-1].tail or "") + _fit(child)
    else:
        element.text = (element.text or "") + _fit(child)
