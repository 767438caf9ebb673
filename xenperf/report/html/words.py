"""Words and signs that every part of the page uses for the same thing."""

import re
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.tags import tag
from xenperf.stats.verdict import Verdict

SIGNS: Final = {
    Verdict.SLOWER: "▲",
    Verdict.FASTER: "▼",
    Verdict.SAME: "=",
    Verdict.UNDECIDED: "?",
    Verdict.INVALID: "✕",
    Verdict.NEW: "+",
    Verdict.GONE: "-",
    Verdict.FEWER: "▼",
    Verdict.MORE: "▲",
}
"""No verdict is told by its colour alone."""


def verdict_tag(verdict: Verdict) -> Element:
    """Return *verdict* with its sign."""
    sign = tag("span", SIGNS[verdict], aria_hidden="true")
    return tag("span", sign, f" {verdict}", class_=f"verdict {verdict}")


def percent(share: float) -> str:
    """Return *share* in percent, without needless digits."""
    return f"{100.0 * share:.3g} %"


def breakable(name: str) -> list[Element | str]:
    """Return *name* with leave to go on in the next line after a dot, slash or underscore."""
    first, *others = re.split(r"(?<=[._/])(?=.)", name)
    return [first, *(part for other in others for part in (tag("wbr"), other))]


def pair_name(sides: tuple[str, str]) -> str:
    """Return how the ratio of *sides* is written: head over base."""
    return f"{sides[1]}/{sides[0]}"


def plural(count: int, one: str) -> str:
    """Return *count* with its noun."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"
