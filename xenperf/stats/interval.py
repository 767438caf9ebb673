"""An interval and how often it covers the truth."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of one figure; infinite where the sample supports none."""

    low: float
    high: float
    coverage: float  # nominal; achieved where the method is exact

    def lies_inside(self, low: float, high: float) -> bool:
        """Return whether all of the interval lies in [*low*, *high*]."""
        return low <= self.low and self.high <= high


def checked_confidence(confidence: float) -> float:
    """Return *confidence*, or raise ``ValueError`` unless it lies strictly between 0 and 1."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    return confidence


def checked_sample(values: list[float]) -> list[float]:
    """Return *values* sorted, or raise ``ValueError`` if empty or not finite."""
    if not values:
        raise ValueError("an empty sample supports no figure")
    if not all(map(math.isfinite, values)):
        raise ValueError("a sample must hold finite numbers only")
    return sorted(values)
