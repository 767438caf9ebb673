"""The interval of a share covers the truth although trials of a cluster hang together."""

import numpy as np
import pytest

from xenperf.stats.clustered import ClusteredShare
from xenperf.stats.wilson import wilson_interval


def _sums(hits: list[int], trials: list[int]) -> ClusteredShare:
    made = ClusteredShare()
    made.add(np.array(hits), np.array(trials))
    return made


def test_the_share_and_its_interval_by_hand() -> None:
    """Four clusters of ten: p = 0.5, residuals -3, -1, 1, 3, variance 20 * 4 / 3 / 40^2."""
    found = _sums([2, 4, 6, 8], [10, 10, 10, 10])
    interval = found.interval(0.95)
    reach = 3.182446 * (20 * 4 / 3 / 1600) ** 0.5  # t of 3 degrees of freedom
    assert found.share == 0.5
    assert interval.low == pytest.approx(0.5 - reach, abs=1e-6)
    assert interval.high == pytest.approx(0.5 + reach, abs=1e-6)


def test_clusters_may_come_bit_by_bit() -> None:
    found = _sums([2, 4], [10, 10])
    found.add(np.array([6, 8]), np.array([10, 10]))
    assert found == _sums([2, 4, 6, 8], [10, 10, 10, 10])


def test_nothing_and_one_cluster_support_no_interval() -> None:
    for found in (ClusteredShare(), _sums([3], [5]), _sums([3, 0], [5, 0])):
        interval = found.interval()
        assert (interval.low, interval.high) == (0.0, 1.0)
    assert ClusteredShare().share == 0.0


def test_where_no_cluster_has_a_hit_each_counts_once() -> None:
    none, every = _sums([0] * 20, [1000] * 20), _sums([7] * 20, [7] * 20)
    assert none.interval() == wilson_interval(0, 20)
    assert every.interval() == wilson_interval(20, 20)


def test_impossible_counts_are_a_mistake() -> None:
    for hits, trials in (([3], [2]), ([-1], [2]), ([1, 1], [2])):
        with pytest.raises(ValueError, match="need 0 <= hits <= trials"):
            _sums(hits, trials)


def test_the_interval_covers_where_an_independent_one_does_not() -> None:
    """Each cluster is all hits or none, as events in a window are: 400 samples of 40 clusters."""
    drawn = np.random.default_rng(5)
    truth, nr_samples, covered, naive = 0.3, 400, 0, 0
    for _ in range(nr_samples):
        trials = drawn.integers(20, 60, 40)
        hits = trials * (drawn.random(40) < truth)
        interval = _sums(hits.tolist(), trials.tolist()).interval()
        covered += interval.low <= truth <= interval.high
        alone = wilson_interval(int(hits.sum()), int(trials.sum()))
        naive += alone.low <= truth <= alone.high
    assert covered / nr_samples > 0.9
    assert naive / nr_samples < 0.5
