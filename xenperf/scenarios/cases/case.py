"""What a case is: a start, an operation, and what it shows by GPA and by HVA on each kernel."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xenperf.hypervisor import Activation, Feature
from xenperf.scenarios.cases.stage import Stage
from xenperf.vmm.machine import Shape

SAME: Final = "="
"""Of the older kernel: what the newer one shows by GPA."""

LONG: Final = Shape()
COMPAT: Final = Shape(long_mode=False)
FILLED: Final = Shape(nr_slots=2)
"""With a memslot besides RAM's, to change while RAM stays as it is."""


class Kernel(StrEnum):
    """Which kernel answers."""

    GPA_ONLY = "gpa-only"
    """Before Linux v6.9: no activation by HVA."""

    GPA_HVA = "gpa-hva"
    """Linux v6.9 and later."""

    ATOMIC = "atomic"
    """The same, with a wish: several memslot requests in one publish."""


class Source(StrEnum):
    """How the expectation is known."""

    OBSERVED = "observed"
    """A real kernel answered so."""

    READ = "read"
    """It follows from the kernel's source."""


@dataclass(frozen=True, slots=True)
class Start:
    """A state that cases begin in."""

    name: str
    title: str
    prepare: Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One operation from one start; what is observed is a short text, compared exactly."""

    id: str
    """``subject.number_name``; a number is never given out again."""

    start: Start
    operation: str
    play: Callable[[Stage], str]
    by_gpa: str | None
    """What is observed by GPA; None: the case is not about GPA."""

    by_hva: str | None
    gpa_only: str | None = SAME
    """What the older kernel shows by GPA; it has no HVA."""

    source: Source = Source.OBSERVED
    shape: Shape = LONG
    needs: frozenset[Feature] = frozenset()

    def expected(self, kernel: Kernel, activation: Activation) -> str | None:
        """Return what must be observed; None: nothing is asked."""
        if activation is Activation.HVA:
            return None if kernel is Kernel.GPA_ONLY else self.by_hva
        if kernel is Kernel.GPA_ONLY and self.gpa_only != SAME:
            return self.gpa_only
        return self.by_gpa


@dataclass(frozen=True, slots=True)
class Unasked:
    """A case that cannot be put to any back end yet, and why."""

    id: str
    reason: str


def same(text: str) -> tuple[str, str]:
    """Return *text* as the expectation by GPA and by HVA."""
    return text, text
