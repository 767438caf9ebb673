"""What came of laying the model's answers beside those of a real kernel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xenperf.report.load_model import ALL, LoadRow
from xenperf.report.model import Plain
from xenperf.stats.agreement import AGREEING, RatioAgreement
from xenperf.stats.interval import Interval
from xenperf.stats.rank import RankCorrelation
from xenperf.stats.rows import Row

MODEL: Final = "model"
LIVE: Final = "live"
NEITHER: Final = "neither"


class Subject(StrEnum):
    """What is compared."""

    CASE = "case"
    COST = "cost"
    OUTCOME = "outcome"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the two differ, and where that is written."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing of which the two do not say the same."""

    subject: Subject
    name: str
    model: str
    live: str
    reason: Reason | None
    """None: nobody knows yet, so it is an open question."""


@dataclass(frozen=True, slots=True)
class Lone:
    """What only one of them was asked, or neither, and why."""

    subject: Subject
    name: str
    side: str
    """Who was asked: ``model``, ``live`` or ``neither``."""

    reason: str


@dataclass(frozen=True, slots=True)
class CasePair:
    """One case with one activation, on both."""

    id: str
    activation: str
    expected: str
    model: str
    """What was observed."""

    live: str

    @property
    def agrees(self) -> bool:
        """Tell whether both showed the same, to the letter."""
        return self.model == self.live


@dataclass(frozen=True, slots=True)
class CostPair:
    """One cost on both: the rows hold ratios, times and intervals."""

    model: Row
    live: Row
    found: RatioAgreement

    @property
    def agrees(self) -> bool:
        """Tell whether the ratios go together."""
        return self.found in AGREEING


@dataclass(frozen=True, slots=True)
class CountPair:
    """One exact figure of a scenario by one activation, on both."""

    benchmark: str
    metric: str
    unit: str
    activation: str
    model: int
    live: int

    @property
    def agrees(self) -> bool:
        """Tell whether the figures are equal."""
        return self.model == self.live

    @property
    def scenario(self) -> str:
        """The scenario's name, without what was observed in it."""
        return self.benchmark.partition(".")[0]


@dataclass(frozen=True, slots=True)
class LoadPair:
    """Events of one phase under load, and what the model says may become of them."""

    row: LoadRow
    allowed: tuple[str, ...] | None
    """Fates; None: the model says nothing of this phase."""

    nr_unexpected: int
    """Events with another fate."""

    share: Interval
    """Of events that failed, for what the phase lasted: how long is up to timing."""

    @property
    def agrees(self) -> bool:
        """Tell whether the model says something of this phase, and every event had such a fate."""
        return self.allowed is not None and not self.nr_unexpected


@dataclass(frozen=True, slots=True)
class Order:
    """Whether figures come in the same order on both."""

    what: str
    nr_pairs: int
    found: RankCorrelation | None
    """None: too few, or all equal."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything that was laid side by side."""

    files: tuple[str, ...]
    environments: Mapping[str, Mapping[str, Plain]]
    """Of ``model`` and ``live``: what the files were made on."""

    modelled: str | None
    """Which kernel the model was; None where the files do not say."""

    remarks: tuple[str, ...]
    """What weakens the whole, a sentence each."""

    cases: tuple[CasePair, ...] = ()
    costs: tuple[CostPair, ...] = ()
    counts: tuple[CountPair, ...] = ()
    loads: tuple[LoadPair, ...] = ()
    orders: tuple[Order, ...] = ()
    differences: tuple[Difference, ...] = ()
    lone: tuple[Lone, ...] = ()
    command: str = ""

    @property
    def open_questions(self) -> list[Difference]:
        """The differences without a known reason."""
        return [each for each in self.differences if each.reason is None]

    @property
    def explained(self) -> list[Difference]:
        """The differences whose reason is known."""
        return [each for each in self.differences if each.reason is not None]

    @property
    def phases(self) -> list[LoadPair]:
        """What was under load, phase by phase, without the sums."""
        return [pair for pair in self.loads if pair.row.phase != ALL]

    def of(self, subject: Subject) -> list[Difference]:
        """Return the differences about *subject*."""
        return [each for each in self.differences if each.subject is subject]


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of one subject."""

    differences: tuple[Difference, ...]
    lone: tuple[Lone, ...]


NOTHING: Final = Matched((), ())


def merged(found: Iterable[Matched]) -> Matched:
    """Return what came of all subjects together."""
    listed = list(found)
    return Matched(
        tuple(each for one in listed for each in one.differences),
        tuple(each for one in listed for each in one.lone),
    )
