"""What every format renders: judged rows and the conditions they were measured in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from xenperf.stats.answers import AnswerChange
from xenperf.stats.curves import GrowthRow
from xenperf.stats.growth import Shape
from xenperf.stats.power import Detectable
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

Plain: TypeAlias = str | int | float | None
Setting: TypeAlias = Plain | Sequence[str]

SCHEMA: Final = "xenperf/1"
EVERY_COST: Final = "every cost"
DIFFERENT: Final = frozenset({Verdict.SLOWER, Verdict.FASTER})


class Grade(StrEnum):
    """How near to each other the two sides were measured."""

    ONE_PROCESS = "A"
    """In turn, inside the same worker processes."""

    OWN_PROCESSES = "B"
    """In processes of their own, which took turns."""

    APART = "C"
    """At different times, each in a file of its own."""


class Kind(StrEnum):
    """What a report is about."""

    RUN = "run"
    COMPARE = "compare"
    SERIES = "series"
    SELFCHECK = "selfcheck"
    SWEEP = "sweep"


RowKey: TypeAlias = tuple[str, str, tuple[str, str]]
"""Benchmark, variant and sides: what tells a row from all others of its report."""


@dataclass(frozen=True, slots=True)
class WorkerSlices:
    """What one worker measured for a row: nanoseconds an operation, one figure a round."""

    base_ns: tuple[float, ...]
    """By the clock that the row is judged by."""

    head_ns: tuple[float, ...]
    base_first: bool
    """Base opened the first round; the rounds then alternate."""

    load_1min: float | None
    """When the worker began."""

    seconds: float | None
    """When the worker began, after the first one did; None where the file does not say."""

    nr_moved: int = 0
    """Slices of either side that are known to have ended on another CPU than they began on."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report, whoever measured; nothing in it needs the rest of the package."""

    rows: tuple[Row, ...]
    backend: str
    environment: Mapping[str, Plain]
    settings: Mapping[str, Setting]
    """What was asked for: ``workers``, ``rounds``, ``slice_ns``, ``seed``, the guest."""

    command: str
    """What to type to measure the same again."""

    nr_finished: int
    """Workers that measured everything."""

    cut_short: str | None = None
    """Why not every worker finished; None when all did."""

    kind: Kind = Kind.RUN
    grade: Grade = Grade.ONE_PROCESS
    about: Mapping[str, str] = field(default_factory=dict)
    """What each side is, by its label: a commit and its subject, a patch; empty in a run."""

    seconds: float | None = None
    """How long measuring took."""

    slices: Mapping[RowKey, tuple[WorkerSlices, ...]] = field(default_factory=dict)
    """Every worker of every cost that has two sides: for pictures and for a closer look."""

    noise: Mapping[RowKey, Detectable] = field(default_factory=dict)
    """What each row of a selfcheck says about its benchmark."""

    remarks: tuple[str, ...] = ()
    """What else weakens the report, a sentence each: a dirty tree, files of two machines."""

    moved: tuple[int, int] | None = None
    """Slices that ended on another CPU than they began on, and all of which that is known."""

    uncounted: Mapping[str, str] = field(default_factory=dict)
    """Why costs lack their instructions, by name; of all of them under ``EVERY_COST``. Empty too
    where none were asked for.
    """

    skipped: Mapping[str, str] = field(default_factory=dict)
    """What the back end could not be asked, by name, and why."""

    growth: tuple[GrowthRow, ...] = ()
    """The curves of a sweep."""

    answers: tuple[AnswerChange, ...] = ()
    """Cases that a kernel of a series answered differently than the one before it."""

    @property
    def costs(self) -> list[Row]:
        """The rows that say what an operation takes, controls aside."""
        return [row for row in self.rows if not row.is_count and not row.is_control]

    @property
    def outcomes(self) -> list[Row]:
        """The exact figures."""
        return [row for row in self.rows if row.is_count]

    @property
    def controls(self) -> list[Row]:
        """The rows that the activation cannot touch."""
        return [row for row in self.rows if row.is_control and not row.is_count]

    @property
    def controls_off(self) -> list[Row]:
        """The controls that differ all the same, so that the machine is not to be trusted."""
        return [row for row in self.controls if row.verdict in DIFFERENT]

    @property
    def invalid(self) -> list[Row]:
        """The rows whose figures are worthless or missing."""
        return [row for row in self.rows if row.verdict is Verdict.INVALID]

    @property
    def has_figures(self) -> bool:
        """Tell whether anything was measured at all."""
        return any(row.base is not None or row.head is not None for row in self.rows)

    @property
    def has_open_growth(self) -> bool:
        """Tell whether some curve of a sweep is undecided, or was not measured."""
        return any(row.growth is None or row.growth.shape is Shape.UNDECIDED for row in self.growth)

    @property
    def nr_workers(self) -> int:
        """How many workers were asked for, or ran where undecided rows got more."""
        asked = self.settings.get("workers")
        return max(self.nr_finished, asked if isinstance(asked, int) else 0)

    @property
    def sides(self) -> list[tuple[str, str]]:
        """The pairs of sides that rows compare, in their order: one, but for a series."""
        return list(dict.fromkeys(row.sides for row in self.rows if not row.is_control))

    def named(self, verdict: Verdict) -> list[str]:
        """Return the costs that got *verdict*, in the order they were measured."""
        return [row.name for row in self.costs if row.verdict is verdict]
