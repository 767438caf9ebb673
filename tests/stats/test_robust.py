import itertools
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf.stats.robust import (
    mad_sigma,
    median,
    sign_interval,
    sign_p_beyond,
    trimmed_mean,
    winsorised_variance,
    yuen,
)
from xenperf.stats.student import student_quantile

VALUES = st.lists(st.floats(min_value=-1e3, max_value=1e3), min_size=2, max_size=40)
TEN = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 100.0]


@given(values=VALUES)
def test_the_median_is_that_of_the_standard_library(values: list[float]) -> None:
    assert median(values) == pytest.approx(statistics.median(values), abs=1e-9)


@pytest.mark.parametrize("nr_values", range(1, 60))
def test_a_fifth_is_cut_from_either_end(nr_values: int) -> None:
    kept = range(nr_values // 5, nr_values - nr_values // 5)
    assert trimmed_mean([float(i * i) for i in range(nr_values)]) == pytest.approx(
        statistics.fmean(i * i for i in kept)
    )


def test_one_wild_value_moves_neither_mean_nor_variance() -> None:
    assert trimmed_mean(TEN) == trimmed_mean([*TEN[:-1], 1e9]) == 5.5
    assert winsorised_variance(TEN) == winsorised_variance([*TEN[:-1], 1e9])
    assert mad_sigma(TEN) == pytest.approx(2.5 * 1.4826, abs=1e-4)


def test_yuen_agrees_with_the_sum_done_by_hand() -> None:
    squares = 2 * (3 * 2.5**2 + 1.5**2 + 0.5**2)  # 3 3 3 4 5 6 7 8 8 8 around 5.5
    result = yuen(TEN)
    assert result.df == 5
    assert result.std_error == pytest.approx(math.sqrt(squares / (6 * 5)))
    bounds = result.interval(0.95)
    assert bounds.high - 5.5 == pytest.approx(2.5705818 * result.std_error)
    assert bounds.low + bounds.high == pytest.approx(11.0)


def test_without_trimming_yuen_is_students_t() -> None:
    result = yuen(TEN, trim=0.0)
    assert result.mean == pytest.approx(statistics.fmean(TEN))
    assert result.std_error == pytest.approx(statistics.stdev(TEN) / math.sqrt(10))
    assert result.df == 9


def test_one_value_supports_no_interval_and_no_claim() -> None:
    single = yuen([5.0])
    assert single.interval(0.95).low == -math.inf
    assert single.p_beyond(0.0) == 1.0


@given(values=VALUES, margin=st.floats(min_value=0.0, max_value=10.0))
def test_p_is_small_exactly_if_the_interval_lies_beyond_the_margin(
    values: list[float], margin: float
) -> None:
    result = yuen(values)
    bounds = result.interval(0.95)
    distance = max(bounds.low - margin, -margin - bounds.high)
    if abs(distance) > 1e-9:
        assert (result.p_beyond(margin) < 0.05) == (distance > 0)


@given(values=VALUES, factor=st.floats(min_value=0.01, max_value=100.0))
def test_figures_scale_with_the_values_and_turn_with_their_sign(
    values: list[float], factor: float
) -> None:
    plain, turned = yuen(values), yuen([-factor * value for value in values])
    assert turned.mean == pytest.approx(-factor * plain.mean, rel=1e-9, abs=1e-9)
    assert turned.std_error == pytest.approx(factor * plain.std_error, rel=1e-6, abs=1e-9)
    assert mad_sigma([factor * v for v in values]) == pytest.approx(
        factor * mad_sigma(values), rel=1e-9, abs=1e-9
    )


def test_yuen_covers_as_often_as_it_says() -> None:
    rng = random.Random(1)
    nr_covered = 0
    for _ in range(3000):
        bounds = yuen([rng.gauss(0.0, 1.0) for _ in range(10)]).interval(0.95)
        nr_covered += bounds.low <= 0.0 <= bounds.high
    assert 0.94 <= nr_covered / 3000 <= 0.965


@pytest.mark.parametrize("nr_values", range(1, 13))
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_sign_coverage_agrees_with_enumeration_of_all_signs(
    nr_values: int, confidence: float
) -> None:
    bounds = sign_interval([float(i) for i in range(nr_values)], confidence)
    counts = [sum(signs) for signs in itertools.product((0, 1), repeat=nr_values)]
    coverages = {}  # of [x_(k+1), x_(n-k)]: more than k values on either side of the median
    for k in range((nr_values + 1) // 2):
        coverages[k] = sum(k < count < nr_values - k for count in counts) / len(counts)
    wide_enough = [k for k, coverage in coverages.items() if coverage >= confidence]
    if not wide_enough:
        assert (bounds.low, bounds.high, bounds.coverage) == (-math.inf, math.inf, 1.0)
    else:
        k = max(wide_enough)
        assert (bounds.low, bounds.high) == (k, nr_values - 1 - k)
        assert bounds.coverage == pytest.approx(coverages[k])


def test_six_values_are_the_fewest_for_95_percent() -> None:
    assert sign_interval([1.0, 2.0, 3.0, 4.0, 5.0]).high == math.inf
    six = sign_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (six.low, six.high, six.coverage) == (1.0, 6.0, 0.96875)


@given(values=VALUES, margin=st.floats(min_value=0.0, max_value=100.0))
def test_the_sign_test_is_the_dual_of_its_interval(values: list[float], margin: float) -> None:
    bounds = sign_interval(values, 0.9)
    beyond = bounds.low > margin or bounds.high < -margin
    assert (sign_p_beyond(values, margin) <= 0.1 + 1e-12) == beyond


@given(values=VALUES, margin=st.floats(min_value=0.0, max_value=100.0))
def test_a_wider_margin_never_lowers_p(values: list[float], margin: float) -> None:
    assert sign_p_beyond(values, margin) <= sign_p_beyond(values, margin + 1.0)
    assert yuen(values).p_beyond(margin) <= yuen(values).p_beyond(margin + 1.0) + 1e-12


def test_more_confidence_is_never_narrower() -> None:
    widths = [yuen(TEN).interval(c).high for c in (0.5, 0.9, 0.95, 0.999)]
    assert widths == sorted(widths)
    assert yuen(TEN).interval(0.9).high == pytest.approx(
        5.5 + student_quantile(0.95, 5.0) * yuen(TEN).std_error
    )


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="trim"):
        trimmed_mean(TEN, trim=0.5)
    with pytest.raises(ValueError, match="two values"):
        winsorised_variance([1.0])
    with pytest.raises(ValueError, match="sample"):
        median([])


def test_values_without_spread_decide_without_division() -> None:
    assert yuen([2.0] * 5).p_beyond(1.0) == 0.0
    assert yuen([2.0] * 5).p_beyond(2.0) == 1.0
