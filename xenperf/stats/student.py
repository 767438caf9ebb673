"""Student's t distribution, for real degrees of freedom.

The tail is half an incomplete beta function, I_x(df/2, 1/2) at x = df / (df + t^2), and
that is evaluated by its continued fraction (Abramowitz and Stegun 1964, 26.5.8 and 26.7.1;
DLMF 8.17.22) with the modified Lentz algorithm (Thompson and Barnett 1986).
"""

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()
_NORMAL_FROM_DF: Final = 1e7  # from here on two terms of the expansion are exact to 1e-13
_SERIES_FROM: Final = 20.0  # below, lgamma itself is accurate enough
_TINY: Final = 1e-300
_MAX_STEPS: Final = 20_000  # about sqrt(df) are needed


def student_cdf(t: float, df: float) -> float:
    """Return the probability that Student's t with *df* degrees of freedom is at most *t*."""
    return student_survival(-t, df)


def student_survival(t: float, df: float) -> float:
    """Return the probability that Student's t exceeds *t*, without losing a small tail."""
    if math.isnan(t) or not df > 0.0:
        raise ValueError(f"t must be a number and df positive, not t={t}, df={df}")
    tail = _tail(abs(t), df)
    return tail if t >= 0.0 else 1.0 - tail


@lru_cache(maxsize=1024)
def student_quantile(probability: float, df: float) -> float:
    """Return the t that ``student_cdf`` maps to *probability*, by bisection to the last bit."""
    if not (0.0 < probability < 1.0 and df > 0.0):
        raise ValueError(f"no quantile for probability={probability}, df={df}")
    if probability == 0.5:
        return 0.0
    tail = min(probability, 1.0 - probability)
    low, high = 0.0, 1.0
    while _tail(high, df) > tail:
        low, high = high, 2.0 * high
    while low < (middle := 0.5 * (low + high)) < high:
        if _tail(middle, df) > tail:
            low = middle
        else:
            high = middle
    return math.copysign(high, probability - 0.5)


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile (Wichura 1988, AS 241)."""
    if not 0.0 < probability < 1.0:
        raise ValueError(f"no quantile for probability={probability}")
    return _NORMAL.inv_cdf(probability)


def _tail(t: float, df: float) -> float:
    """Return the upper tail beyond *t*, which must not be negative."""
    if t == 0.0:
        return 0.5
    if math.isinf(t):
        return 0.0
    if df >= _NORMAL_FROM_DF:
        return _tail_of_many(t, df)
    a, b = 0.5 * df, 0.5
    scaled = t / math.sqrt(df)
    if scaled < _TINY:  # also where a denormal t underflows
        return 0.5
    length = math.hypot(1.0, scaled)
    x, y = (1.0 / length) ** 2, (scaled / length) ** 2  # x + y = 1, neither by subtraction
    log_x = -math.log1p(scaled * scaled) if scaled < 1.0 else -2.0 * math.log(length)
    log_y = 2.0 * math.log(scaled / length)
    front = math.exp(a * log_x + b * log_y - _log_beta_half(a))
    if x < (a + 1.0) / (a + b + 2.0):
        return 0.5 * front * _beta_fraction(a, b, x) / a
    return 0.5 - 0.5 * front * _beta_fraction(b, a, y) / b


def _tail_of_many(t: float, df: float) -> float:
    """Return the tail for huge *df*: normal plus one term (Abramowitz and Stegun 26.7.8)."""
    tail = 0.5 * math.erfc(t / math.sqrt(2.0))
    return tail + _NORMAL.pdf(t) * (t**3 + t) / (4.0 * df) if t < 40.0 else tail


def _log_beta_half(a: float) -> float:
    """Return log B(*a*, 1/2), where a difference of two ``lgamma`` would lose digits."""
    if a < _SERIES_FROM:
        return math.lgamma(a) + math.lgamma(0.5) - math.lgamma(a + 0.5)
    inverse = 1.0 / (a * a)
    series = 1 / 8 - inverse * (1 / 192 - inverse * (1 / 640 - inverse * 17 / 14336))
    return 0.5 * math.log(math.pi / a) + series / a


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function, without its factor."""
    c = 1.0
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, _MAX_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            result *= c * d
        if abs(c * d - 1.0) < 1e-15:
            return result
    raise ArithmeticError(f"incomplete beta: no convergence at a={a}, b={b}, x={x}")


def _away_from_zero(value: float) -> float:
    """Return *value*, or a tiny number in place of zero, as Lentz's algorithm requires."""
    return value if abs(value) > _TINY else _TINY
