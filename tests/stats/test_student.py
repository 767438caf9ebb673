import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf.stats.student import (
    normal_quantile,
    student_cdf,
    student_quantile,
    student_survival,
)

# Published percentage points, e.g. the NIST/SEMATECH e-Handbook 1.3.6.7.2, to more places.
TABLE = [
    (1, 0.975, 12.7062047),
    (2, 0.975, 4.3026527),
    (3, 0.975, 3.1824463),
    (4, 0.975, 2.7764451),
    (5, 0.975, 2.5705818),
    (6, 0.975, 2.4469119),
    (7, 0.975, 2.3646243),
    (8, 0.975, 2.3060041),
    (9, 0.975, 2.2621572),
    (10, 0.975, 2.2281389),
    (15, 0.975, 2.1314495),
    (20, 0.975, 2.0859634),
    (30, 0.975, 2.0422725),
    (60, 0.975, 2.0002978),
    (120, 0.975, 1.9799304),
    (1, 0.95, 6.3137515),
    (2, 0.95, 2.9199856),
    (5, 0.95, 2.0150484),
    (10, 0.95, 1.8124611),
    (30, 0.95, 1.6972609),
    (1, 0.995, 63.6567412),
    (2, 0.995, 9.9248432),
    (5, 0.995, 4.0321430),
    (10, 0.995, 3.1692727),
    (30, 0.995, 2.7499957),
    (10, 0.9995, 4.5868939),
]
DF = st.floats(min_value=0.5, max_value=1e9)


def integrated_cdf(t: float, df: float, nr_steps: int = 4000) -> float:
    """Simpson's rule on the density, after t = sqrt(df) * tan(angle)."""
    end = math.atan(abs(t) / math.sqrt(df))
    step = end / nr_steps
    weights = [1 if i in (0, nr_steps) else 4 if i % 2 else 2 for i in range(nr_steps + 1)]
    total = math.fsum(w * math.cos(i * step) ** (df - 1) for i, w in enumerate(weights))
    factor = math.gamma((df + 1) / 2) / (math.gamma(df / 2) * math.sqrt(math.pi))
    return 0.5 + math.copysign(factor * total * step / 3, t)


@pytest.mark.parametrize(("df", "probability", "published"), TABLE)
def test_quantiles_agree_with_the_published_table(
    df: int, probability: float, published: float
) -> None:
    assert student_quantile(probability, df) == pytest.approx(published, abs=1e-6)


@pytest.mark.parametrize("df", [1.0, 1.3, 2.0, 2.7, 5.0, 9.5, 39.99, 40.0, 40.01, 100.0, 250.0])
@pytest.mark.parametrize("t", [-7.5, -1.0, -0.01, 0.3, 1.96, 4.0, 30.0])
def test_cdf_agrees_with_numeric_integration(t: float, df: float) -> None:
    assert student_cdf(t, df) == pytest.approx(integrated_cdf(t, df), abs=1e-9)


@pytest.mark.parametrize("t", [0.1, 1.0, 10.0, 1e5, 1e12])
def test_tails_agree_with_the_closed_forms(t: float) -> None:
    assert student_survival(t, 1.0) == pytest.approx(math.atan2(1.0, t) / math.pi, rel=1e-12)
    root = math.hypot(t, math.sqrt(2.0))
    assert student_survival(t, 2.0) == pytest.approx(1.0 / (root * (root + t)), rel=1e-12)


@pytest.mark.parametrize("t", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("df", [40.0, 1e7])
def test_nothing_jumps_where_the_formula_changes(t: float, df: float) -> None:
    below, above = student_survival(t, df * (1 - 1e-12)), student_survival(t, df * (1 + 1e-12))
    assert below == pytest.approx(above, abs=1e-10)


def test_many_degrees_of_freedom_are_normal() -> None:
    assert student_cdf(1.96, 1e12) == pytest.approx(NormalDist().cdf(1.96), abs=1e-12)
    assert student_survival(1e150, 1e12) == 0.0


@given(probability=st.floats(min_value=1e-9, max_value=1 - 1e-9), df=DF)
def test_the_quantile_inverts_the_cdf(probability: float, df: float) -> None:
    assert student_cdf(student_quantile(probability, df), df) == pytest.approx(
        probability, abs=1e-9
    )


@given(t=st.floats(min_value=-1e6, max_value=1e6), df=DF)
def test_the_distribution_is_symmetric(t: float, df: float) -> None:
    assert student_cdf(t, df) == student_survival(-t, df)
    assert student_cdf(t, df) + student_survival(t, df) == pytest.approx(1.0, abs=1e-12)


@given(t=st.floats(min_value=-50, max_value=50), df=st.floats(min_value=0.5, max_value=1e4))
def test_the_cdf_rises(t: float, df: float) -> None:
    assert student_cdf(t, df) <= student_cdf(t + 0.01, df)


@pytest.mark.parametrize("t", [5e-324, 1e-310, 1e-301, 1e-200])
def test_a_vanishing_t_is_the_middle(t: float) -> None:
    assert student_cdf(t, 9999.0) == student_cdf(-t, 9999.0) == pytest.approx(0.5, abs=1e-15)


def test_the_ends_are_certain() -> None:
    assert student_cdf(math.inf, 3.0) == 1.0
    assert student_cdf(-math.inf, 3.0) == 0.0
    assert student_cdf(0.0, 3.0) == student_quantile(0.5, 3.0) + 0.5 == 0.5


@pytest.mark.parametrize("df", [0.0, -1.0, math.nan])
def test_no_degrees_of_freedom_are_refused(df: float) -> None:
    with pytest.raises(ValueError, match="df"):
        student_cdf(1.0, df)
    with pytest.raises(ValueError, match="df"):
        student_quantile(0.9, df)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_a_probability_without_quantile_is_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        student_quantile(probability, 5.0)
    with pytest.raises(ValueError, match="quantile"):
        normal_quantile(probability)


def test_normal_quantile_agrees_with_the_published_value() -> None:
    assert normal_quantile(0.975) == pytest.approx(1.959963985, abs=1e-9)
