"""Spearman's rank correlation: of two lists of figures, do they come in the same order?

Spearman (1904), "The proof and measurement of association between two things", American Journal
of Psychology 15; the bootstrap and its percentile interval as in Efron (1979), "Bootstrap methods:
another look at the jackknife", Annals of Statistics 7.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.interval import Interval, checked_confidence
from xenperf.stats.student import student_survival

LEAST: Final = 4
"""Pairs: of three, any order in common is met by chance once in six times."""

EXACT_UP_TO: Final = 12
"""Pairs: so far all ways to match them are counted; beyond, t is good to two digits."""

RESAMPLES: Final = 2000
_SEED: Final = 20_260_101
_FIELD: Final = 32  # bits for each count: 12! needs 29


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """How far two lists come in the same order: 1 in the same, -1 in the opposite."""

    rho: float
    interval: Interval
    p_value: float
    """Two-sided: how often lists that have nothing to do with each other agree, or oppose, so."""

    nr_pairs: int


def rank_correlation(
    first: Sequence[float], second: Sequence[float], confidence: float = 0.95
) -> RankCorrelation | None:
    """Return the correlation of *first* and *second*; None if it would say little or nothing.

    That is so of fewer than ``LEAST`` pairs, and of a list whose values are all equal. Equal
    values share the mean of their ranks. The p value is exact up to ``EXACT_UP_TO`` pairs, ties
    included. The interval is about pairs drawn anew from the same source, not about the noise of
    each figure; where the order is the same throughout it is a single point, and p says more.

    ``ValueError`` for lists of different length, or a value that is not finite.
    """
    checked_confidence(confidence)
    if len(first) != len(second) or not all(map(math.isfinite, (*first, *second))):
        raise ValueError("two lists of one length are needed, of finite numbers only")
    rho = spearman(first, second)
    if len(first) < LEAST or rho is None:
        return None
    bounds = _bootstrap(first, second, confidence)
    return RankCorrelation(rho, bounds, p_value(first, second), len(first))


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's correlation of the ranks; None where the values of a list are all equal."""
    a, b = (_centred(doubled_ranks(values)) for values in (first, second))
    scale = sum(x * x for x in a) * sum(y * y for y in b)
    if not scale:
        return None
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(scale)


def p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the share of all ways to match the lists that are at least as far from no order."""
    a, b = doubled_ranks(first), doubled_ranks(second)
    if len(a) > EXACT_UP_TO:
        return _approximate_p(spearman(first, second), len(a))
    middle = sum(a) * sum(b)  # the mean of the sums below, times the number of pairs
    off = abs(len(a) * _product(a, b) - middle)
    ways = _sums_of_products(a, b)
    far = sum(n for s, n in enumerate(ways) if abs(len(a) * s - middle) >= off)
    return far / math.factorial(len(a))


def doubled_ranks(values: Sequence[float]) -> list[int]:
    """Return twice the rank of each value, from 1 on; equal values share the mean of theirs."""
    return [
        2 * sum(other < value for other in values) + sum(other == value for other in values) + 1
        for value in values
    ]


def _centred(ranks: Sequence[int]) -> list[int]:
    """Return *ranks* less their mean, in integers: doubled ranks have a whole mean."""
    return [rank - (len(ranks) + 1) for rank in ranks]


def _product(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _sums_of_products(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Return in how many ways of matching *a* with *b* the products have each sum.

    Step by step each value of *a* takes one of *b* that is left: the ways of a set of values of
    *b* are kept in one long integer, a field for each sum, so that adding a product is a shift.
    """
    ways = {0: 1}
    for x in a:
        grown: dict[int, int] = {}
        for taken, counts in ways.items():
            for idx, y in enumerate(b):
                if not taken >> idx & 1:
                    key = taken | 1 << idx
                    grown[key] = grown.get(key, 0) + (counts << (x * y * _FIELD))
        ways = grown
    packed = ways[(1 << len(b)) - 1]
    raw = packed.to_bytes(packed.bit_length() // 8 + _FIELD // 8, "little")
    step = _FIELD // 8
    return [int.from_bytes(raw[at : at + step], "little") for at in range(0, len(raw), step)]


def _approximate_p(rho: float | None, nr_pairs: int) -> float:
    """Return p by Student's t with two degrees of freedom less than pairs."""
    if rho is None:
        return 1.0
    if abs(rho) >= 1.0:
        return 0.0
    df = float(nr_pairs - 2)
    return min(1.0, 2.0 * student_survival(abs(rho) * math.sqrt(df / (1.0 - rho * rho)), df))


def _bootstrap(first: Sequence[float], second: Sequence[float], confidence: float) -> Interval:
    """Return the percentile interval over pairs drawn with replacement, the same at every call.

    A draw in which a list has one value only has no order and is left out.
    """
    dice, nr = random.Random(_SEED), len(first)
    drawn = ([dice.randrange(nr) for _ in range(nr)] for _ in range(RESAMPLES))
    found = sorted(
        rho
        for chosen in drawn
        if (rho := spearman([first[i] for i in chosen], [second[i] for i in chosen])) is not None
    )
    nr_outside = math.floor(0.5 * (1.0 - confidence) * len(found))
    return Interval(found[nr_outside], found[-1 - nr_outside], confidence)
