"""Location, spread and intervals that a few wild values cannot move.

Trimming and winsorising as in Tukey and McLaughlin (1963), "Less vulnerable confidence
and significance procedures for location", Sankhya A 25; the standard error as in Yuen
(1974), "The two-sample trimmed t for unequal population variances", Biometrika 61.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.interval import Interval, checked_confidence, checked_sample
from xenperf.stats.student import student_quantile, student_survival

TRIM: Final = 0.2
MAD_TO_SIGMA: Final = 1.482602218505602  # 1 / quantile of the normal at 3/4


@dataclass(frozen=True, slots=True)
class TrimmedMean:
    """A trimmed mean with Yuen's standard error and its degrees of freedom."""

    mean: float
    std_error: float
    df: int

    def interval(self, confidence: float) -> Interval:
        """Return the t interval; infinite if one value is all there is."""
        checked_confidence(confidence)
        if self.df == 0:
            return Interval(-math.inf, math.inf, 1.0)
        reach = student_quantile(0.5 + 0.5 * confidence, float(self.df)) * self.std_error
        return Interval(self.mean - reach, self.mean + reach, confidence)

    def p_beyond(self, margin: float) -> float:
        """Return p of |true mean| <= *margin*: twice the tail from the nearer edge.

        Doubled because either side may be claimed, so p < alpha exactly if the interval
        of confidence 1 - alpha lies beyond the margin.
        """
        distance = abs(self.mean) - margin
        if distance <= 0.0 or self.df == 0:
            return 1.0
        if self.std_error == 0.0:
            return 0.0
        return min(1.0, 2.0 * student_survival(distance / self.std_error, float(self.df)))


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two middle ones."""
    ordered = checked_sample(list(values))
    upper = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[upper]
    return ordered[upper - 1] + 0.5 * (ordered[upper] - ordered[upper - 1])


def trimmed_mean(values: Sequence[float], trim: float = TRIM) -> float:
    """Return the mean without the share *trim* of the values at either end."""
    ordered = checked_sample(list(values))
    nr_cut = nr_trimmed(len(ordered), trim)
    kept = ordered[nr_cut : len(ordered) - nr_cut]
    return math.fsum(kept) / len(kept)


def winsorised_variance(values: Sequence[float], trim: float = TRIM) -> float:
    """Return the variance (n - 1) after the cut values took the nearest kept value."""
    ordered = checked_sample(list(values))
    if len(ordered) < 2:
        raise ValueError("a variance needs two values")
    nr_cut = nr_trimmed(len(ordered), trim)
    low, high = ordered[nr_cut], ordered[-1 - nr_cut]
    pulled = [min(max(value, low), high) for value in ordered]
    centre = math.fsum(pulled) / len(pulled)
    return math.fsum((value - centre) ** 2 for value in pulled) / (len(pulled) - 1)


def yuen(values: Sequence[float], trim: float = TRIM) -> TrimmedMean:
    """Return the trimmed mean with the standard error of Yuen (1974)."""
    nr_values = len(values)
    centre = trimmed_mean(values, trim)
    nr_kept = nr_values - 2 * nr_trimmed(nr_values, trim)
    if nr_kept < 2:
        return TrimmedMean(centre, math.inf, 0)
    squares = (nr_values - 1) * winsorised_variance(values, trim)
    return TrimmedMean(centre, math.sqrt(squares / (nr_kept * (nr_kept - 1))), nr_kept - 1)


def sign_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the order-statistic interval of the median, with its achieved coverage.

    Exact for any continuous distribution (Thompson 1936, "On confidence ranges for the
    median", Annals of Mathematical Statistics 7). Infinite when even the whole range
    covers less than *confidence*: 95 % needs 6 values.
    """
    checked_confidence(confidence)
    ordered = checked_sample(list(values))
    nr_values = len(ordered)
    total = 1 << nr_values
    ways = nr_outside = 0
    while 2 * (more := ways + math.comb(nr_values, nr_outside)) / total <= 1.0 - confidence:
        ways = more
        nr_outside += 1
    if nr_outside == 0:
        return Interval(-math.inf, math.inf, 1.0)
    coverage = 1.0 - 2 * ways / total
    return Interval(ordered[nr_outside - 1], ordered[-nr_outside], coverage)


def sign_p_beyond(values: Sequence[float], margin: float) -> float:
    """Return p of |true median| <= *margin* by the sign test; the dual of its interval."""
    ordered = checked_sample(list(values))
    nr_short = min(
        sum(value <= margin for value in ordered), sum(value >= -margin for value in ordered)
    )
    return min(1.0, 2.0 * _coin_cdf(nr_short, len(ordered)))


def mad_sigma(values: Sequence[float]) -> float:
    """Return the median absolute deviation, scaled to the sigma of a normal (Hampel 1974)."""
    centre = median(values)
    return MAD_TO_SIGMA * median([abs(value - centre) for value in values])


def nr_trimmed(nr_values: int, trim: float) -> int:
    """Return how many values the share *trim* cuts from each end."""
    if not 0.0 <= trim < 0.5:
        raise ValueError(f"trim must lie in [0, 0.5), not {trim}")
    return math.floor(trim * nr_values)


def _coin_cdf(nr_heads: int, nr_tosses: int) -> float:
    """Return the probability of at most *nr_heads* heads of a fair coin, in exact integers."""
    ways = sum(math.comb(nr_tosses, heads) for heads in range(nr_heads + 1))
    return ways / (1 << nr_tosses)
