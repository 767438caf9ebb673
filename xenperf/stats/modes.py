"""Whether a part of the sample speaks against what the whole seems to say.

A trimmed mean cuts a minority of workers that run in another mode, and a median of rounds
a minority of rounds; the interval then looks narrow although it describes only one mode.
A value counts as apart when it lies farther from the median than the effect of interest
and than a few robust sigmas (the rule of Hampel 1974 for wild values). Nothing
is removed: a dissenting part only forbids the claim.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.robust import MAD_TO_SIGMA, median

WORKER_SIGMAS: Final = 5.0  # more, since ten workers give a rough sigma
ROUND_SIGMAS: Final = 3.0
MIN_SHARE: Final = 0.1  # less is an accident, as are single values
MIN_COUNT: Final = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """The log ratios that would bear a verdict out, and the distance that matters."""

    low: float
    high: float
    least: float


def workers_dissent(points: Sequence[float], claim: Claim) -> bool:
    """Return whether a group of workers lies apart from the rest and outside *claim*."""
    centre = median(points)
    deviations = [point - centre for point in points]
    reach = max(claim.least, WORKER_SIGMAS * _cleaner_sigma(deviations))
    nr_apart = sum(
        abs(deviation) > reach and not claim.low <= point <= claim.high
        for point, deviation in zip(points, deviations, strict=True)
    )
    return nr_apart >= _enough(len(points))


def workers_outside(points: Sequence[float], claim: Claim) -> bool:
    """Return whether a group of workers lies outside *claim*, apart from the rest or not.

    Two modes whose spread hides them are not apart, and a trimmed mean looks at the middle only.
    """
    return sum(not claim.low <= point <= claim.high for point in points) >= _enough(len(points))


def rounds_dissent(worker_rounds: Sequence[Sequence[float]], claim: Claim) -> bool:
    """Return whether a share of all rounds lies apart on ONE side, outside *claim*.

    Each round is seen from the median of its own worker. Rounds apart on the other side
    are set off, since both sides of a fair comparison are preempted equally often.
    """
    centres = [median(rounds) for rounds in worker_rounds]
    pairs = [
        (value, value - centre)
        for rounds, centre in zip(worker_rounds, centres, strict=True)
        for value in rounds
    ]
    reach = max(claim.least, ROUND_SIGMAS * _cleaner_sigma([apart for _, apart in pairs]))
    below = [value for value, apart in pairs if apart < -reach]
    above = [value for value, apart in pairs if apart > reach]
    nr_against = max(
        sum(value < claim.low for value in below) - len(above),
        sum(value > claim.high for value in above) - len(below),
    )
    return nr_against >= _enough(len(pairs))


def _cleaner_sigma(deviations: Sequence[float]) -> float:
    """Return the robust sigma of the narrower side: a second mode widens only its own."""
    below = [-value for value in deviations if value <= 0.0]
    above = [value for value in deviations if value >= 0.0]
    return MAD_TO_SIGMA * min(median(below), median(above))


def _enough(nr_values: int) -> int:
    """Return how many values make a group."""
    return max(MIN_COUNT, math.ceil(MIN_SHARE * nr_values))
