"""Pictures of what became of events: strips of phases in time, and bars by source."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.fates import FATES, OTHER, Drawn, Phase, Strip, drawn
from xenperf.report.html.marks import box, line, picture, words
from xenperf.report.html.tags import tag, wide
from xenperf.report.model import Report

PHASE: Final = 104.0  # pixels across
TALL: Final = 64.0
BAR_WIDTH: Final = 220.0
BAR_HEIGHT: Final = 14.0
_LETTER: Final = 5.6  # about how wide one is


def pictures(report: Report) -> list[Element]:
    """Return a figure for each scenario that accounts for its events in several situations."""
    return [
        _in_time(one) if one.is_break_apart else _by_source(one) for one in drawn(report.outcomes)
    ]


def _spoken(fate: str) -> str:
    return fate.replace("_", " ")


def _said(phase: Phase) -> str:
    """Return the phase in words: what a pointer or a screen reader is told."""
    if phase.fates is None:
        return f"{phase.name}: no figures"
    fates = ", ".join(f"{count} {_spoken(fate)}" for fate, count in phase.fates)
    return f"{phase.name}: {fates} of {phase.nr_events}"


def _in_time(scenario: Drawn) -> Element:
    """Return one strip a side, phase after phase; where the guest address is absent is shaded."""
    absent = scenario.absent
    strips = [
        tag("div", tag("h4", strip.label), _strip(scenario, strip, absent))
        for strip in scenario.strips
    ]
    told = (
        "each column is the time after one memslot request, its bar what became of the events "
        "sent then. Shaded and marked GPA absent: no memslot covers the overlay's frame."
    )
    return tag(
        "figure",
        tag("figcaption", tag("b", scenario.name), f": {told}"),
        wide(scenario.name, strips),
        _legend(scenario.strips),
    )


def _strip(scenario: Drawn, strip: Strip, absent: Sequence[bool]) -> Element:
    top, floor = 18.0, 18.0 + TALL
    marks: list[Element] = []
    for idx, (phase, is_absent) in enumerate(zip(strip.phases, absent, strict=True)):
        x = (idx * PHASE, (idx + 1) * PHASE)
        middle = (idx + 0.5) * PHASE
        if is_absent:
            marks.append(box(x, (0.0, floor + 20), "absent"))
            marks.append(words(middle, 12.0, "GPA absent", kind="soft"))
        marks += _stack(phase, (x[0] + 4, x[1] - 4), (floor, top))
        marks.append(words(middle, floor + 14, _spoken(phase.name)))
    marks.append(line((0.0, PHASE * len(absent)), (floor, floor), "tick"))
    label = f"{scenario.name}, {strip.label}: " + "; ".join(map(_said, strip.phases))
    return picture(PHASE * len(absent), floor + 22, label, marks)


def _stack(phase: Phase, x: tuple[float, float], y: tuple[float, float]) -> list[Element]:
    """Return the fates of *phase*, one on the other from the floor up."""
    if phase.fates is None:
        return [words(sum(x) / 2, sum(y) / 2, "no figures", kind="soft")]
    marks, low = [], y[0]
    for fate, count in phase.fates:
        high = low + (y[1] - y[0]) * count / phase.nr_events
        text = f"{count} {_spoken(fate)}" if low - high >= 12 else ""
        marks.append(box(x, (low, high), f"fate {fate}", "" if text else _said(phase)))
        if text:
            marks.append(words(sum(x) / 2, (low + high) / 2 + 4, text, kind=f"on {fate}"))
        low = high
    return marks


def _by_source(scenario: Drawn) -> Element:
    """Return a small table a source: its situations, and in each what every side's events met."""
    sources: dict[str, list[int]] = {}
    for idx, phase in enumerate(scenario.strips[0].phases):
        sources.setdefault(_source(phase), []).append(idx)
    cards = [_card(scenario, source, chosen) for source, chosen in sources.items()]
    told = "by source and situation; each bar is all events that were raised there."
    return tag(
        "figure",
        tag("figcaption", tag("b", scenario.name), f": {told}"),
        _legend(scenario.strips),
        tag("div", cards, class_="cards"),
    )


def _source(phase: Phase) -> str:
    return phase.name.rpartition(".")[0] or phase.name


def _card(scenario: Drawn, source: str, chosen: Sequence[int]) -> Element:
    lines = []
    for idx in chosen:
        for nr, strip in enumerate(scenario.strips):
            phase = strip.phases[idx]
            situation = phase.name.rpartition(".")[2] if nr == 0 else ""
            cells = (tag("td", strip.label, class_="soft"), tag("td", _bar(phase)))
            kind = "first" if nr == 0 else None
            lines.append(tag("tr", tag("th", _spoken(situation), scope="row"), cells, class_=kind))
    return tag("table", tag("caption", _spoken(source)), tag("tbody", lines), class_="bars")


def _bar(phase: Phase) -> Element:
    marks, x = [], 0.0
    for fate, count in phase.fates or ():
        end = x + BAR_WIDTH * count / phase.nr_events
        whole = f"{count} {_spoken(fate)}"
        text = _fitting(whole, str(count), end - x)
        title = "" if text == whole else _said(phase)
        marks.append(box((x, end), (0.0, BAR_HEIGHT), f"fate {fate}", title))
        marks += [words((x + end) / 2, 11.0, text, kind=f"on {fate}")] if text else []
        x = end
    if phase.fates is None:
        marks.append(words(BAR_WIDTH / 2, 11.0, "no figures", kind="soft"))
    return picture(BAR_WIDTH, BAR_HEIGHT, _said(phase), marks)


def _fitting(long: str, short: str, room: float) -> str:
    """Return the longest of the texts that *room* has place for, if any."""
    fits = [text for text in (long, short) if _LETTER * len(text) < room]
    return fits[0] if fits else ""


def _legend(strips: Sequence[Strip]) -> Element:
    there = {fate for strip in strips for phase in strip.phases for fate, _ in phase.fates or ()}
    entries = [
        tag("li", tag("span", class_=f"swatch {fate}", aria_hidden="true"), f" {_MEANING[fate]}")
        for fate in (*FATES, OTHER)
        if fate in there
    ]
    return tag("ul", entries, class_="legend")


_MEANING: Final = {
    "delivered": "delivered",
    "delayed": "delayed: delivered, but only later",
    "coalesced": "coalesced: its bit was set already",
    "merged": "merged: its bit was set already",
    "masked": "masked: its bit is set, its port masked",
    "returned": "returned: the sender was told that it failed",
    "refused": "refused: the sender was told that it failed",
    "lost": "lost: nobody was told",
    "wrong_page": "wrong page: set in guest RAM under the overlay",
    OTHER: "other: what no row of this report counts here, such as masked or coalesced",
}
