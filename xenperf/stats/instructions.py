"""Instructions an operation takes: from totals at two sizes, over several runs, to a verdict.

What a call costs whatever its size - the way in and out of the loop - is in both totals and drops
out of their difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.verdict import Verdict

MARGIN: Final = 0.001
"""Relative; a smaller difference is never claimed."""

SPREADS: Final = 3.0
"""A difference must exceed so many times the spread between runs."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the runs found of one operation by one activation, in instructions an operation."""

    runs: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a tally of nothing."""
        if not self.runs:
            raise ValueError("no run: there is nothing to count")

    @property
    def mean(self) -> float:
        """The mean of the runs."""
        return sum(self.runs) / len(self.runs)

    @property
    def spread(self) -> float:
        """The largest less the smallest."""
        return max(self.runs) - min(self.runs)


@dataclass(frozen=True, slots=True)
class InstructionRow:
    """One benchmark, seen from GPA: ``fewer`` says that HVA takes fewer instructions."""

    benchmark: str
    operation: str
    """What is done once: a send, a refresh."""

    gpa: Tally | None
    hva: Tally | None
    """None where the kernel has no activation by HVA."""

    is_control: bool = False
    invalid: str | None = None
    """Why the figures are missing."""

    @property
    def difference(self) -> float | None:
        """Instructions that HVA takes more, over those of GPA; None if either is missing."""
        if self.gpa is None or self.hva is None or not self.gpa.mean:
            return None
        return self.hva.mean / self.gpa.mean - 1.0

    @property
    def verdict(self) -> Verdict:
        """What becomes of the count by HVA."""
        if self.invalid is not None or self.gpa is None:
            return Verdict.INVALID
        return Verdict.GONE if self.hva is None else judge_instructions(self.gpa, self.hva)


def per_operation(at_n: float, at_twice_n: float, n: int) -> float:
    """Return instructions an operation from the totals of *n* operations and of twice as many.

    ``ValueError`` if twice the work took less: then the totals are not of the same work.
    """
    if n < 1 or at_twice_n < at_n:
        raise ValueError(f"{at_n} instructions for {n} operations, {at_twice_n} for twice as many")
    return (at_twice_n - at_n) / n


def judge_instructions(gpa: Tally, hva: Tally) -> Verdict:
    """Return ``same`` within the margin or three spreads, whichever is larger."""
    tolerated = max(MARGIN * gpa.mean, SPREADS * max(gpa.spread, hva.spread))
    if abs(hva.mean - gpa.mean) <= tolerated:
        return Verdict.SAME
    return Verdict.FEWER if hva.mean < gpa.mean else Verdict.MORE


def named(rows: Sequence[InstructionRow], verdict: Verdict) -> list[str]:
    """Return the benchmarks that got *verdict*, controls included."""
    return [row.benchmark for row in rows if row.verdict is verdict]
