"""Figures of many commits, each recorded on its own: steps, tracks, and what changed between."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

LABEL_LENGTH: Final = 8


class Kind(StrEnum):
    """What sort of figure a track has, and so how a change of it is told."""

    COUNT = "count"
    """Exact: any other figure is a change."""

    INSTRUCTIONS = "instructions"
    """Counted under Valgrind: exact, but for what the counting itself costs."""

    RATIO = "ratio"
    """HVA over GPA, both measured in one process: what drifts meets both."""

    COST = "cost"
    """A time or a size, of one process after the other: drift is in it."""

    FLOOR = "floor"
    """The call alone that stands beside a cost."""

    OTHER = "other"
    """Anything else: shown, never judged."""


class State(StrEnum):
    """What became of a benchmark at a commit."""

    MEASURED = "measured"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of the history."""

    commit: str
    """All 40 digits."""

    committed_at: float
    """When, in seconds since 1970."""

    subject: str = ""
    """Its first line, where a repository knows it."""

    @property
    def label(self) -> str:
        """The first digits, as asv calls its files."""
        return self.commit[:LABEL_LENGTH]


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of a track."""

    state: State = State.MISSING
    value: float = math.nan
    """NaN unless it was measured."""

    version: str = ""
    """Of the benchmark: figures of two versions are of two different things."""


@dataclass(frozen=True, slots=True)
class Track:
    """One benchmark with one combination of parameters, across the commits."""

    name: str
    params: str
    unit: str
    kind: Kind
    points: tuple[Point, ...]
    """One of each step, in their order."""

    @property
    def title(self) -> str:
        """The benchmark with its parameters."""
        return f"{self.name} {self.params}".rstrip()

    def stretches(self) -> list[list[int]]:
        """Return where it was measured: a list of steps for each version in turn."""
        found: list[list[int]] = []
        for at, point in enumerate(self.points):
            if point.state is not State.MEASURED:
                continue
            if not found or self.points[found[-1][-1]].version != point.version:
                found.append([])
            found[-1].append(at)
        return found


@dataclass(frozen=True, slots=True)
class History:
    """What one machine recorded, commit by commit."""

    folder: str
    machine: str
    steps: tuple[Step, ...]
    tracks: tuple[Track, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is known of the machine: ``cpu``, ``os``, ``num_cpu``, ``arch``."""

    remarks: tuple[str, ...] = ()
    """What was left out and what weakens the figures, a sentence each."""

    order: str = "by date"
    """What put the steps in their order."""

    def in_order(self, subjects: Mapping[str, str], order: str) -> "History":
        """Return the same with the steps as *subjects* has them: all of them, by commit."""
        places = {step.commit: at for at, step in enumerate(self.steps)}
        turned = [places[commit] for commit in subjects if commit in places]
        if len(turned) != len(self.steps):
            raise ValueError(f"{len(turned)} of {len(self.steps)} steps are in the order")
        steps = [replace(self.steps[at], subject=subjects[self.steps[at].commit]) for at in turned]
        tracks = [
            replace(one, points=tuple(one.points[at] for at in turned)) for one in self.tracks
        ]
        return replace(self, steps=tuple(steps), tracks=tuple(tracks), order=order)

    def of_kind(self, kind: Kind) -> list[Track]:
        """Return the tracks of one kind."""
        return [track for track in self.tracks if track.kind is kind]

    def troubled(self, state: State) -> dict[str, list[str]]:
        """Return the benchmarks that ended in *state*, each with the commits where they did."""
        found: dict[str, dict[str, None]] = {}
        for track in self.tracks:
            for step, point in zip(self.steps, track.points, strict=True):
                if point.state is state:
                    found.setdefault(track.name, {})[step.label] = None
        return {name: list(labels) for name, labels in found.items()}


def is_whole(values: Sequence[float]) -> bool:
    """Tell whether all *values* can be counts."""
    return all(value >= 0 and float(value).is_integer() for value in values)
