import math

import pytest

from xenperf.stats.interval import Interval, checked_confidence, checked_sample


def test_an_interval_lies_inside_itself_and_not_inside_less() -> None:
    interval = Interval(-1.0, 2.0, 0.95)
    assert interval.lies_inside(-1.0, 2.0)
    assert not interval.lies_inside(-0.9, 2.0)
    assert not interval.lies_inside(-1.0, 1.9)


def test_an_infinite_interval_lies_inside_nothing_finite() -> None:
    assert not Interval(-math.inf, math.inf, 1.0).lies_inside(-1e308, 1e308)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_an_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        checked_confidence(confidence)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_a_sample_without_finite_values_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="sample"):
        checked_sample(values)
