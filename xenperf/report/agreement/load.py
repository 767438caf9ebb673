"""Events under load on a real kernel beside what the model's exact scenarios allow.

The model says what becomes of an event in each phase of a break-apart. A phase of ``load`` begins
with its memslot request, which takes effect somewhere within it: an event of that phase may meet
what was before the request or what is after. In the two rests between the requests there is nothing
but what is. How many events meet what is up to timing, so shares have intervals and no more.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from xenperf.report.agreement.model import Difference, LoadPair, Matched, Subject
from xenperf.report.agreement.reasons import Release, explain
from xenperf.report.load_model import ALL, LoadReport, LoadRow
from xenperf.report.model import Report
from xenperf.stats.wilson import wilson_interval

DELIVERED: Final = "delivered"
WRONG_PAGE: Final = "wrong_page"
FAILED: Final = ("returned", "lost")
FATES: Final = (DELIVERED, *FAILED, WRONG_PAGE)
BEFORE: Final = {
    "delete_low": "overlay_in",
    "delete_overlay": "delete_low",
    "delete_high": "delete_overlay",
    "create_whole": "delete_high",
    "whole": "create_whole",
    "delete_whole": "create_whole",
    "create_low": "delete_whole",
    "create_overlay": "create_low",
    "create_high": "create_overlay",
    "laid": "create_high",
}
"""The phase of the scenario ``break_apart`` that a phase of ``load`` comes after."""

RESTS: Final = frozenset({"whole", "laid"})
SUBJECTS: Final = {
    "send": "event_sources.send",
    "irqfd": "event_sources.irqfd",
    "timer": "event_sources.timer_vcpu_runs",
    "guest_send": "event_sources.guest_send",
}
"""What a source is called in the scenario ``event_sources``, with a vCPU that runs."""

Counts: TypeAlias = Mapping[tuple[str, str, str], int]
"""By benchmark, metric and activation."""


def match_load(
    model: Report, load: LoadReport, release: Release
) -> tuple[tuple[LoadPair, ...], Matched]:
    """Return each phase that had events with what the model allows there, and what differs."""
    counts = {
        (row.benchmark, row.metric, side): int(value)
        for row in model.outcomes
        for side, value in zip(row.sides, (row.base, row.head), strict=True)
        if value is not None
    }
    pairs = tuple(_pair(row, counts) for row in load.rows if row.nr_events)
    differing = [pair for pair in pairs if pair.nr_unexpected and pair.row.phase != ALL]
    return pairs, Matched(tuple(_difference(pair, release) for pair in differing), ())


def _pair(row: LoadRow, counts: Counts) -> LoadPair:
    allowed = _allowed(row, counts)
    nr_unexpected = 0
    if allowed is not None:
        nr_unexpected = sum(getattr(row, fate) for fate in FATES if fate not in allowed)
    return LoadPair(row, allowed, nr_unexpected, wilson_interval(row.nr_failed, row.nr_events))


def _allowed(row: LoadRow, counts: Counts) -> tuple[str, ...] | None:
    """Return the fates that events of a phase may have; None where the model does not say.

    Of all phases together, and of events that began in one and ended in another, it allows what it
    allows anywhere.
    """
    anywhere = [_state(phase, row, counts) for phase in dict.fromkeys(BEFORE.values())]
    if row.phase in BEFORE:
        phases = (BEFORE[row.phase], *(() if row.phase in RESTS else (row.phase,)))
        states = [_state(phase, row, counts) for phase in phases]
    else:
        states = anywhere
    if any(state is None for state in states):
        return None
    found = {state for state in states if state is not None}
    return tuple(fate for fate in FATES if fate in found)


def _state(phase: str, row: LoadRow, counts: Counts) -> str | None:
    """Return the fate of an event of *row*'s source after the memslot request *phase*."""
    name = f"break_apart.{phase}"
    found = [counts.get((name, metric, row.activation)) for metric in ("refused", WRONG_PAGE)]
    subject = SUBJECTS.get(row.source)
    if subject is None or None in found:
        return None
    refused, misplaced = found
    if refused:
        return _failing(subject, "absent", FAILED, row.activation, counts)
    if misplaced:
        return _failing(subject, "under_ram", (WRONG_PAGE,), row.activation, counts)
    return DELIVERED


def _failing(
    subject: str, situation: str, fates: tuple[str, ...], activation: str, counts: Counts
) -> str | None:
    """Return how events of a source fail in a situation; None where the model did not say."""
    name = f"{subject}.{situation}"
    listed = {fate: counts.get((name, fate, activation)) for fate in fates}
    if all(value is None for value in listed.values()):
        return None
    return next((fate for fate, value in listed.items() if value), DELIVERED)


def _difference(pair: LoadPair, release: Release) -> Difference:
    row, allowed = pair.row, pair.allowed or ()
    others = {fate: getattr(row, fate) for fate in FATES if fate not in allowed}
    said = ", ".join(f"{nr} {fate}" for fate, nr in others.items() if nr)
    reason = explain(Subject.LOAD, f"{row.source} {row.phase}", release)
    name = f"{row.source} in {row.phase} by {row.activation}"
    shown = f"only {' or '.join(allowed)}", f"{said} of {row.nr_events}"
    return Difference(Subject.LOAD, name, *shown, reason)
