"""What became of events under load, and what must hold of it; ``load`` renders it."""

from collections.abc import Mapping
from dataclasses import dataclass

from xenperf.report.model import Plain

ALL = "all"
"""The phase that holds all others of a source and an activation."""

LAID = "laid"
HVA = "hva"
ENOUGH_EVENTS = 500
"""Fewer say nothing about a share that must be neither none nor all."""


@dataclass(frozen=True, slots=True)
class LoadRow:
    """The events of one source by one activation that were raised in one phase."""

    source: str
    activation: str
    phase: str
    delivered: int
    returned: int
    lost: int
    wrong_page: int
    share_low: float = 0.0
    share_high: float = 1.0
    """The interval of the share that failed, over the cycles of the memslots."""

    @property
    def nr_events(self) -> int:
        """All of them."""
        return self.delivered + self.nr_failed

    @property
    def nr_failed(self) -> int:
        """Those whose bit is not where the guest looks."""
        return self.unheard + self.wrong_page

    @property
    def unheard(self) -> int:
        """Those whose bit is nowhere."""
        return self.returned + self.lost


@dataclass(frozen=True, slots=True)
class Windows:
    """How long the overlay's frame was absent, and how long events of one source failed."""

    source: str
    activation: str
    compiled: bool
    """Whether a compiled loop raised the events."""

    requests_compiled: bool
    """Whether a compiled loop made the memslot requests."""

    nr_cycles: int
    apart_ns: tuple[int, ...]
    """From the request that takes whole RAM away to the end of the one that lays the overlay."""

    rejoin_ns: tuple[int, ...]
    """From the request that takes the overlay away to the end of the one that makes RAM whole."""

    runs_ns: tuple[int, ...]
    """From the beginning of the first of several events refused or lost to the end of the last."""

    longest_run_events: int


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that every kernel showed that was asked so far."""

    source: str
    activation: str
    expected: str
    seen: str
    holds: bool


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Everything that was raised while memslots changed."""

    backend: str
    environment: Mapping[str, Plain]
    seconds: float
    rows: tuple[LoadRow, ...]
    windows: tuple[Windows, ...]
    skipped: tuple[str, ...]
    command: str

    @property
    def nr_failed_by_hva(self) -> int:
        """Events that failed although the caches were activated by HVA, each counted once."""
        return sum(row.nr_failed for row in self.rows if row.activation == HVA and row.phase == ALL)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Return what must hold, and whether it does."""
        found = [_bound_of_all(row) for row in self.rows if row.phase == ALL]
        return (*found, *(_bound_of_laid(row) for row in self.rows if row.phase == LAID))


def _bound_of_all(row: LoadRow) -> Bound:
    """By HVA no event fails; by GPA some are refused or lost, and some are not."""
    if row.activation == HVA:
        seen = f"{row.nr_failed} of {row.nr_events}"
        return Bound(row.source, HVA, "no event fails", seen, row.nr_failed == 0)
    seen = f"{row.unheard} of {row.nr_events}"
    if row.nr_events < ENOUGH_EVENTS:
        seen = f"{seen}: too few to tell"
    holds = row.nr_events < ENOUGH_EVENTS or 0 < row.unheard < row.nr_events
    return Bound(row.source, row.activation, "some are returned or lost, not all", seen, holds)


def _bound_of_laid(row: LoadRow) -> Bound:
    seen = f"{row.nr_failed} of {row.nr_events}"
    expected = "none fails while the overlay is laid"
    return Bound(row.source, row.activation, expected, seen, row.nr_failed == 0)
