"""The share of hits among trials that come in clusters, and its interval.

Trials of one cluster share its luck, so an interval that takes them as independent is too narrow.
This is the ratio of two sums over clusters with its linearised variance (Cochran 1977, "Sampling
Techniques", 3rd edition, sections 6.3 and 9A.2), and Student's t with one less than the clusters.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xenperf.stats.interval import Interval, checked_confidence
from xenperf.stats.student import student_quantile
from xenperf.stats.wilson import wilson_interval

LEAST_CLUSTERS = 2


@dataclass(slots=True)
class ClusteredShare:
    """Sums over clusters, so that any number of them takes the same memory."""

    nr_clusters: int = 0
    trials: int = 0
    hits: int = 0
    trials_squared: int = 0
    products: int = 0
    hits_squared: int = 0

    def add(self, hits: NDArray[np.int64], trials: NDArray[np.int64]) -> None:
        """Add clusters, one an element; those without trials say nothing."""
        if hits.shape != trials.shape or (hits < 0).any() or (hits > trials).any():
            raise ValueError("need 0 <= hits <= trials in each cluster")
        self.nr_clusters += int((trials > 0).sum())
        self.trials += int(trials.sum())
        self.hits += int(hits.sum())
        self.trials_squared += int((trials * trials).sum())
        self.products += int((hits * trials).sum())
        self.hits_squared += int((hits * hits).sum())

    @property
    def share(self) -> float:
        """Hits per trial; 0 if nothing was tried."""
        return self.hits / self.trials if self.trials else 0.0

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the interval of the share, all of [0, 1] for fewer than two clusters.

        Where every cluster agrees on none or all there is no spread to go by: it is then Wilson's,
        with each cluster counted once.
        """
        checked_confidence(confidence)
        if self.nr_clusters < LEAST_CLUSTERS:
            return Interval(0.0, 1.0, 1.0)
        if self.hits in (0, self.trials):
            agreed = self.nr_clusters if self.hits else 0
            return wilson_interval(agreed, self.nr_clusters, confidence)
        p = self.share
        squares = self.hits_squared - 2.0 * p * self.products + p * p * self.trials_squared
        degrees = self.nr_clusters - 1
        variance = max(0.0, squares) * self.nr_clusters / degrees / self.trials**2
        reach = student_quantile(0.5 + 0.5 * confidence, degrees) * math.sqrt(variance)
        return Interval(max(0.0, p - reach), min(1.0, p + reach), confidence)
