"""Two samples that were not taken together: Mann and Whitney's U, and an interval of the ratio.

Mann and Whitney (1947), "On a test of whether one of two random variables is stochastically larger
than the other", Annals of Mathematical Statistics 18; Hodges and Lehmann (1963), "Estimates of
location based on rank tests", 34, for the estimate and its interval.
"""

import functools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from xenperf.stats.interval import Interval, checked_confidence, checked_sample
from xenperf.stats.robust import median
from xenperf.stats.student import normal_quantile

EXACT_UP_TO: Final = 20
"""The larger of the two samples: beyond, the normal approximation is good to three digits."""

_FIELD: Final = 64  # bits for each count below: C(40, 20) needs 38


class Shift(NamedTuple):
    """How far the second sample lies from the first."""

    centre: float
    """The median of all differences between the two."""

    bounds: Interval


def u_p_value(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p of the hypothesis that *a* and *b* have one distribution.

    Exact, ties included, up to 20 values a side: the share of all ways to split the values in
    which the rank sum is as far from its mean. Beyond, normal, corrected for ties and continuity.
    ``ValueError`` for a sample that is empty or not finite.
    """
    first, second = checked_sample(list(a)), checked_sample(list(b))
    ranks = _doubled_ranks([*first, *second])
    nr_first, nr_all = len(first), len(ranks)
    off = abs(sum(ranks[:nr_first]) - nr_first * (nr_all + 1))
    if max(nr_first, nr_all - nr_first) <= EXACT_UP_TO:
        ways = _sums(tuple(sorted(ranks)), nr_first)
        far = sum(n for s, n in enumerate(ways) if abs(s - nr_first * (nr_all + 1)) >= off)
        return far / sum(ways)
    return _normal_p(ranks, nr_first, off)


def shift(a: Sequence[float], b: Sequence[float], confidence: float) -> Shift:
    """Return the Hodges-Lehmann estimate of *b* minus *a* and its interval.

    The interval holds the shifts that the U test would not reject; it is unbounded where so few
    values cannot reject any.
    """
    checked_confidence(confidence)
    first, second = checked_sample(list(a)), checked_sample(list(b))
    differences = sorted(y - x for x in first for y in second)
    nr_outside, coverage = _outside(len(first), len(second), 1.0 - confidence)
    low, high = -math.inf, math.inf
    if nr_outside:
        low, high = differences[nr_outside - 1], differences[-nr_outside]
    return Shift(median(differences), Interval(low, high, coverage))


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value from 1 on; equal ones share their mean."""
    order = sorted(values)
    first: dict[float, int] = {}
    last: dict[float, int] = {}
    for place, value in enumerate(order, start=1):
        first.setdefault(value, place)
        last[value] = place
    return [first[value] + last[value] for value in values]


@functools.lru_cache(maxsize=64)
def _sums(ranks: tuple[int, ...], nr_chosen: int) -> tuple[int, ...]:
    """Return in how many ways *nr_chosen* of *ranks* have each sum.

    All counts of one number of ranks are kept in one long integer, a field of 64 bits each:
    adding a rank to every sum is a shift.
    """
    ways = [1] + [0] * nr_chosen
    for rank in ranks:
        for nr in range(nr_chosen, 0, -1):
            ways[nr] += ways[nr - 1] << (rank * _FIELD)
    packed, found = ways[nr_chosen], []
    nr_bytes = _FIELD // 8
    raw = packed.to_bytes((packed.bit_length() + 7) // 8 + nr_bytes, "little")
    for at in range(0, len(raw) - nr_bytes + 1, nr_bytes):
        found.append(int.from_bytes(raw[at : at + nr_bytes], "little"))
    return tuple(found)


def _normal_p(ranks: Sequence[int], nr_first: int, off: int) -> float:
    """Return the normal approximation of p.

    off
        Twice how far the rank sum of the first sample is from its mean.
    """
    nr_all, nr_second = len(ranks), len(ranks) - nr_first
    tied = sum(n**3 - n for n in (ranks.count(rank) for rank in set(ranks)))
    free = nr_all + 1 - tied / (nr_all * (nr_all - 1))
    variance = nr_first * nr_second / 12 * free
    if variance <= 0.0:
        return 1.0
    z = max(0.0, off / 2 - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2.0))


def _outside(nr_first: int, nr_second: int, alpha: float) -> tuple[int, float]:
    """Return how many differences lie outside the interval on either side, and its coverage."""
    nr_pairs = nr_first * nr_second
    if max(nr_first, nr_second) > EXACT_UP_TO:
        spread = math.sqrt(nr_pairs * (nr_first + nr_second + 1) / 12)
        least = nr_pairs / 2 + normal_quantile(alpha / 2) * spread
        return max(0, math.floor(least)), 1.0 - alpha
    ranks = tuple(range(2, 2 * (nr_first + nr_second) + 1, 2))
    ways = _sums(ranks, nr_first)[nr_first * (nr_first + 1) :: 2]  # of U = 0, 1, 2, ...
    total = sum(ways)
    below = nr_outside = 0
    while 2 * (more := below + ways[nr_outside]) <= alpha * total:
        below = more
        nr_outside += 1
    return nr_outside, 1.0 - 2 * below / total
