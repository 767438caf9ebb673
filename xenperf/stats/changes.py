"""Where a history changed: counts exactly, ratios beyond a margin and twice, costs as a hint.

A single figure far from the others is noise more often than news, so a ratio or a cost has changed
only if the next commit that has a figure confirms it. What is never claimed from costs is a
verdict: they were recorded one after the other, on a machine that drifts.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import stdev
from typing import Final

from xenperf.stats.history import History, Kind, Track
from xenperf.stats.robust import median

TOLERATED: Final[Mapping[Kind, float]] = {Kind.COUNT: 0.0, Kind.INSTRUCTIONS: 0.001}
"""Relative; what lies within it is the same exact figure."""

MARGINS: Final[Mapping[Kind, float]] = {Kind.RATIO: 0.05, Kind.COST: 0.10}
"""Relative; a nearer figure is never a change."""

SPREADS: Final = 4.0
"""A change must also exceed so many standard deviations of the figures that stand for the level."""

REFERENCE: Final = 5
"""Figures that stand for a level: its first ones, so that slow drift adds up and is told."""

LEAST_SPREAD: Final = 4
"""Fewer figures have no spread to speak of."""

LEAST_SHARED: Final = 5
"""So many costs must have moved alike before the machine is blamed."""

SHARED_MARGIN: Final = 0.05


class Certainty(StrEnum):
    """How sure a change is."""

    EXACT = "exact"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    """The last commit shows it, and no later one does yet."""

    HINT = "undecided"
    """A cost, recorded apart: to be measured again, both commits in turn."""


@dataclass(frozen=True, slots=True)
class Change:
    """One track that is another from a commit on."""

    track: Track
    since: int
    """The step before it that has a figure."""

    at: int
    """The step that changed it."""

    before: float
    after: float
    certainty: Certainty

    @property
    def is_sure(self) -> bool:
        """Tell whether it is a finding and not a hint."""
        return self.certainty in (Certainty.EXACT, Certainty.CONFIRMED)

    @property
    def word(self) -> str:
        """What the figure did."""
        exact = self.certainty is Certainty.EXACT
        more, less = ("more", "fewer") if exact else ("higher", "lower")
        return more if self.after > self.before else less


@dataclass(frozen=True, slots=True)
class Shift:
    """A step at which the costs moved together: the machine, or something they all share."""

    at: int
    ratio: float
    """The median over the costs, of this step's figure over the one before."""

    nr_costs: int


def changes(history: History) -> list[Change]:
    """Return every change: sure ones first, in the order of the commits."""
    shared = {shift.at: shift.ratio for shift in shifts(history)}
    found = [change for track in history.tracks for change in _of_track(track)]
    found = [change for change in found if not _moved_along(change, shared)]
    return sorted(found, key=lambda one: (not one.is_sure, one.at))


def shifts(history: History) -> list[Shift]:
    """Return where most costs moved alike from one step to the next."""
    found = []
    for before, at in pairwise(range(len(history.steps))):
        logs = [
            math.log(track.points[at].value / track.points[before].value)
            for track in history.of_kind(Kind.COST)
            if any(before in one and at in one for one in track.stretches())
        ]
        if len(logs) < LEAST_SHARED:
            continue
        middle = median(logs)
        if abs(middle) > math.log1p(SHARED_MARGIN):
            found.append(Shift(at, math.exp(middle), len(logs)))
    return found


def _of_track(track: Track) -> list[Change]:
    if track.kind in TOLERATED:
        return [one for part in track.stretches() for one in _exact(track, part)]
    if track.kind in MARGINS:
        return [one for part in track.stretches() for one in _levels(track, part)]
    return []


def _exact(track: Track, part: Sequence[int]) -> list[Change]:
    """Return the changes of a figure that is exact."""
    found = []
    for since, at in pairwise(part):
        before, after = track.points[since].value, track.points[at].value
        if abs(after - before) > TOLERATED[track.kind] * abs(before):
            found.append(Change(track, since, at, before, after, Certainty.EXACT))
    return found


def _levels(track: Track, part: Sequence[int]) -> list[Change]:
    """Return the changes of a figure that is not: from one level of figures to another."""
    found = []
    logs = {at: math.log(track.points[at].value) for at in part}
    level: list[float] = []
    for place, at in enumerate(part):
        if not level:
            level.append(logs[at])
            continue
        reference = median(level[:REFERENCE])
        limit = _limit(track.kind, level[:REFERENCE])
        if abs(logs[at] - reference) <= limit:
            level.append(logs[at])
            continue
        following = logs[part[place + 1]] - reference if place + 1 < len(part) else None
        certainty = _certainty(track.kind, logs[at] - reference, following, limit)
        if certainty is None:  # a figure on its own: neither news nor part of the level
            continue
        values = math.exp(reference), track.points[at].value
        found.append(Change(track, part[place - 1], at, *values, certainty))
        level = [logs[at]]
    return found


def _limit(kind: Kind, level: Sequence[float]) -> float:
    """Return how far a log figure may be from its level without being a change."""
    margin = math.log1p(MARGINS[kind])
    return margin if len(level) < LEAST_SPREAD else max(margin, SPREADS * stdev(level))


def _certainty(kind: Kind, off: float, following: float | None, limit: float) -> Certainty | None:
    """Return how sure a figure that is *off* its level is; None if the next one is back."""
    if following is None:
        return Certainty.UNCONFIRMED if kind is Kind.RATIO else Certainty.HINT
    if math.copysign(1.0, off) != math.copysign(1.0, following) or abs(following) <= limit:
        return None
    return Certainty.CONFIRMED if kind is Kind.RATIO else Certainty.HINT


def _moved_along(change: Change, shared: Mapping[int, float]) -> bool:
    """Tell whether a cost only moved as all the others did."""
    if change.track.kind is not Kind.COST or change.at not in shared:
        return False
    own = math.log(change.after / change.before) - math.log(shared[change.at])
    return abs(own) <= math.log1p(MARGINS[Kind.COST])
