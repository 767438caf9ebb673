"""The interval of a proportion, for counts that come from a race."""

import math

from xenperf.stats.interval import Interval, checked_confidence
from xenperf.stats.student import normal_quantile


def wilson_interval(nr_hits: int, nr_trials: int, confidence: float = 0.95) -> Interval:
    """Return the score interval of a proportion; all of [0, 1] if nothing was tried.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    JASA 22, without continuity correction. Trials are taken as independent.
    """
    checked_confidence(confidence)
    if not 0 <= nr_hits <= nr_trials:
        raise ValueError(f"need 0 <= hits <= trials, not {nr_hits} of {nr_trials}")
    if nr_trials == 0:
        return Interval(0.0, 1.0, 1.0)
    z = normal_quantile(0.5 + 0.5 * confidence)
    share = nr_hits / nr_trials
    shrink = 1.0 + z * z / nr_trials
    centre = (share + z * z / (2.0 * nr_trials)) / shrink
    variance = share * (1.0 - share) / nr_trials + (z / (2.0 * nr_trials)) ** 2
    reach = z * math.sqrt(variance) / shrink
    low = 0.0 if nr_hits == 0 else max(0.0, centre - reach)
    high = 1.0 if nr_hits == nr_trials else min(1.0, centre + reach)
    return Interval(low, high, confidence)
