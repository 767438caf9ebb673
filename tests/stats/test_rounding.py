import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from xenperf.stats.rounding import last_place, round_figure, round_with_interval

FIGURES = st.floats(min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (0.827, 0.119, "0.83"),  # the three examples of the Particle Data Group
        (0.827, 0.367, "0.8"),
        (14.674, 0.964, "14.7"),
        (1234.5678, 0.0355, "1234.57"),
        (1234.5678, 0.0349, "1234.568"),
        (1234.5678, 50.0, "1230"),
        (1234.5678, 1200.0, "1200"),
        (41.2, 0.8, "41.2"),
        (3.0, 100.0, "0"),
        (-0.001, 1.0, "0.0"),
        (7.0, 0.0, "7"),
        (1e15, 0.0, "1000000000000000"),
        (0.1 + 0.2, 0.0, "0.3"),
        (1e-7, 1e-9, "0.0000001000"),
        (1.0, math.inf, "?"),
    ],
)
def test_figures_keep_the_digits_that_their_interval_supports(
    value: float, half_width: float, text: str
) -> None:
    assert round_figure(value, half_width) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "texts"),
    [
        (1.0512, 1.0338, 1.0686, ("1.051", "1.033", "1.069")),
        (41.27, 40.41, 42.13, ("41.3", "40.4", "42.2")),
        (5.0, 5.0, 5.0, ("5", "5", "5")),
        (1.0, 0.0, math.inf, ("?", "?", "?")),
    ],
)
def test_a_figure_and_its_bounds_are_cut_at_one_place(
    value: float, low: float, high: float, texts: tuple[str, str, str]
) -> None:
    assert round_with_interval(value, low, high) == texts


@given(value=FIGURES, half_width=st.floats(min_value=1e-6, max_value=1e12))
def test_rounding_moves_a_figure_by_less_than_a_seventh_of_its_uncertainty(
    value: float, half_width: float
) -> None:
    moved = abs(Decimal(round_figure(value, half_width)) - Decimal(repr(value)))
    assert moved <= Decimal(repr(half_width)) / 7 + Decimal("1e-20")


@given(value=FIGURES, below=st.floats(0.0, 1e6), above=st.floats(0.0, 1e6))
def test_the_printed_interval_still_covers(value: float, below: float, above: float) -> None:
    low, high = value - below, value + above
    assume(high > low)
    texts = round_with_interval(value, low, high)
    assert Decimal(texts.low) <= Decimal(repr(low))
    assert Decimal(texts.high) >= Decimal(repr(high))
    assert "e" not in "".join(texts).lower()


@given(half_width=st.floats(min_value=1e-9, max_value=1e9))
def test_a_wider_interval_never_supports_more_digits(half_width: float) -> None:
    assert last_place(half_width) <= last_place(1.5 * half_width)
    assert last_place(10 * half_width) == last_place(half_width) + 1


@pytest.mark.parametrize("half_width", [-1.0, math.nan])
def test_an_impossible_uncertainty_is_refused(half_width: float) -> None:
    with pytest.raises(ValueError, match="round"):
        round_figure(1.0, half_width)
    with pytest.raises(ValueError, match="half-width"):
        last_place(half_width)


def test_a_figure_outside_its_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="does not lie"):
        round_with_interval(1.0, 2.0, 3.0)
