"""What every format renders: judged rows and the conditions they were measured in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

Plain: TypeAlias = str | int | float | None
Setting: TypeAlias = Plain | Sequence[str]

SCHEMA: Final = "xenperf/1"
DIFFERENT: Final = frozenset({Verdict.SLOWER, Verdict.FASTER})


@dataclass(frozen=True, slots=True)
class Report:
    """One run, whoever made it; nothing in it needs the rest of the package."""

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
        return any(row.gpa is not None for row in self.rows)

    def named(self, verdict: Verdict) -> list[str]:
        """Return the costs that got *verdict*, in the order they were measured."""
        return [row.benchmark for row in self.costs if row.verdict is verdict]
