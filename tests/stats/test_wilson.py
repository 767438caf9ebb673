import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf.stats.wilson import wilson_interval

COUNTS = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("nr_hits", "nr_trials", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_agree_with_the_published_table(
    nr_hits: int, nr_trials: int, low: float, high: float
) -> None:
    bounds = wilson_interval(nr_hits, nr_trials)
    assert (bounds.low, bounds.high) == pytest.approx((low, high), abs=5e-5)


@given(counts=COUNTS)
def test_the_bounds_solve_the_score_equation(counts: tuple[int, int]) -> None:
    nr_hits, nr_trials = counts
    bounds = wilson_interval(nr_hits, nr_trials)
    assert 0.0 <= bounds.low <= nr_hits / nr_trials <= bounds.high <= 1.0
    for bound in (bounds.low, bounds.high):
        if 0.0 < bound < 1.0:
            score = abs(nr_hits / nr_trials - bound) / math.sqrt(bound * (1 - bound) / nr_trials)
            assert score == pytest.approx(1.959963985, rel=1e-6)


@given(counts=COUNTS)
def test_hits_and_misses_mirror_each_other(counts: tuple[int, int]) -> None:
    nr_hits, nr_trials = counts
    hits = wilson_interval(nr_hits, nr_trials)
    misses = wilson_interval(nr_trials - nr_hits, nr_trials)
    assert misses.low == pytest.approx(1.0 - hits.high, abs=1e-12)
    assert misses.high == pytest.approx(1.0 - hits.low, abs=1e-12)


def coverage(share: float, nr_trials: int) -> float:
    """The exact chance that the interval holds *share*, by enumeration of all outcomes."""
    total = 0.0
    for nr_hits in range(nr_trials + 1):
        bounds = wilson_interval(nr_hits, nr_trials)
        if bounds.low <= share <= bounds.high:
            ways = math.comb(nr_trials, nr_hits)
            total += ways * share**nr_hits * (1 - share) ** (nr_trials - nr_hits)
    return total


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    coverages = [coverage(step / 50, 40) for step in range(1, 50)]
    assert sum(coverages) / len(coverages) == pytest.approx(0.95, abs=0.01)
    assert min(coverages) > 0.88


def test_nothing_tried_is_nothing_known() -> None:
    bounds = wilson_interval(0, 0)
    assert (bounds.low, bounds.high) == (0.0, 1.0)


@pytest.mark.parametrize(("nr_hits", "nr_trials"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(nr_hits: int, nr_trials: int) -> None:
    with pytest.raises(ValueError, match="hits"):
        wilson_interval(nr_hits, nr_trials)
