"""Rank correlation, against the definitions: all matchings tried, all draws made."""

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenperf.stats import rank
from xenperf.stats.rank import LEAST, doubled_ranks, p_value, rank_correlation, spearman

FEW = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=6)


def obvious_rank(values: Sequence[float], value: float) -> float:
    """Return the mean of the places that *value* has in the sorted list."""
    places = [place for place, one in enumerate(sorted(values), start=1) if one == value]
    return sum(places) / len(places)


def obvious_rho(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return Pearson's correlation of the ranks, by its definition."""
    x, y = ([obvious_rank(values, value) for value in values] for values in (a, b))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    both = sum((p - mean_x) * (q - mean_y) for p, q in zip(x, y, strict=True))
    spread_x = math.sqrt(sum((p - mean_x) ** 2 for p in x))
    spread_y = math.sqrt(sum((q - mean_y) ** 2 for q in y))
    return both / (spread_x * spread_y) if spread_x and spread_y else None


def obvious_p(a: Sequence[float], b: Sequence[float]) -> float:
    """Return p by matching the lists in every way."""
    found = abs(obvious_rho(a, b) or 0.0)
    every = [abs(obvious_rho(a, each) or 0.0) for each in itertools.permutations(b)]
    return sum(rho >= found - 1e-9 for rho in every) / len(every)


@given(FEW)
def test_rho_is_the_correlation_of_the_ranks(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    assert spearman(a, b) == pytest.approx(obvious_rho(a, b), abs=1e-12)
    assert doubled_ranks(a) == [2 * obvious_rank(a, value) for value in a]


@settings(max_examples=40, deadline=None)
@given(FEW)
def test_p_is_the_share_of_matchings_as_far_from_no_order(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    assert p_value(a, b) == pytest.approx(obvious_p(a, b), abs=1e-12)


@given(FEW)
def test_only_the_order_counts(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    stretched = [math.exp(value) for value in a]
    assert spearman(stretched, b) == spearman(a, b)
    opposite = spearman([-value for value in a], b)
    assert opposite == pytest.approx(None if opposite is None else -(spearman(a, b) or 0.0))


def test_it_is_what_scipy_says() -> None:
    stats = pytest.importorskip("scipy.stats")
    dice = random.Random(3)
    for nr in (5, 12, 13, 40):
        a = [float(dice.randrange(nr)) for _ in range(nr)]
        b = [value + dice.gauss(0.0, nr / 3) for value in a]
        found = stats.spearmanr(a, b)
        assert spearman(a, b) == pytest.approx(found.statistic, abs=1e-12)
        if nr > rank.EXACT_UP_TO:
            assert p_value(a, b) == pytest.approx(found.pvalue, rel=1e-9)


def test_twelve_pairs_are_counted_and_near_the_approximation() -> None:
    dice = random.Random(4)
    a = [float(i) for i in range(12)]
    b = [value + dice.gauss(0.0, 6.0) for value in a]
    assert p_value(a, b) == pytest.approx(rank._approximate_p(spearman(a, b), 12), abs=0.01)
    assert p_value(a, a) == pytest.approx(2 / math.factorial(12))


def test_the_interval_is_that_of_all_draws() -> None:
    """Of five pairs all 3,125 draws can be made; a sample of 2,000 has nearly the same bounds."""
    a, b = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0]
    every = sorted(
        rho
        for chosen in itertools.product(range(5), repeat=5)
        if (rho := obvious_rho([a[i] for i in chosen], [b[i] for i in chosen])) is not None
    )
    found = rank_correlation(a, b, 0.90)
    assert found is not None
    for bound, share in ((found.interval.low, 0.05), (found.interval.high, 0.95)):
        low, high = (every[int(at * len(every))] for at in (share - 0.02, min(share + 0.02, 0.999)))
        assert low <= bound <= high
    assert found.interval.low < found.rho < found.interval.high
    assert rank_correlation(a, b, 0.90) == found  # the same draws each time


def test_what_says_little_has_none() -> None:
    assert rank_correlation([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) is None
    assert rank_correlation([1.0] * LEAST, [1.0, 2.0, 3.0, 4.0]) is None


@pytest.mark.parametrize(
    ("a", "b"), [([1.0], [1.0, 2.0]), ([1.0, math.nan], [1.0, 2.0]), ([math.inf], [1.0])]
)
def test_what_is_no_pair_of_lists_is_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="one length"):
        rank_correlation(a, b)
