"""Figures as text, with no digit that their interval does not support.

The uncertainty keeps one or two digits by the rule of the Particle Data Group (Review of
Particle Physics, "Rounding"): two if its three leading digits read 100 to 354, one from
355 to 949, and 950 to 999 become 1000. The figure is cut at the same place.
"""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Final, NamedTuple

UNSUPPORTED: Final = "?"
_EXACT_DIGITS: Final = 12  # more would print the noise of binary fractions
_CONTEXT: Final = Context(prec=700)  # holds every finite float in full


class RoundedFigure(NamedTuple):
    """A figure and its bounds as text, all cut at the same place."""

    value: str
    low: str
    high: str


def last_place(half_width: float) -> int:
    """Return the power of ten of the last digit that +-*half_width* supports."""
    if not 0.0 < half_width < math.inf:
        raise ValueError(f"a half-width must be positive and finite, not {half_width}")
    digits = Decimal(f"{half_width:.2e}")
    leading = int(digits.scaleb(2 - digits.adjusted()))
    if leading < 355:
        return digits.adjusted() - 1
    return digits.adjusted()


def round_figure(value: float, half_width: float) -> str:
    """Return *value* rounded to what +-*half_width* supports; exact if that is zero."""
    if math.isnan(value) or math.isnan(half_width) or half_width < 0.0:
        raise ValueError(f"cannot round {value} +- {half_width}")
    if math.isinf(value) or math.isinf(half_width):
        return UNSUPPORTED
    if half_width == 0.0:
        return _plain(Decimal(f"{value:.{_EXACT_DIGITS}g}"))
    return _cut(value, last_place(half_width), ROUND_HALF_EVEN)


def round_with_interval(value: float, low: float, high: float) -> RoundedFigure:
    """Return *value* and its bounds; the bounds are rounded outwards, so they still cover."""
    if not low <= value <= high:
        raise ValueError(f"{value} does not lie in [{low}, {high}]")
    half_width = 0.5 * (high - low)
    if half_width == 0.0 or math.isinf(half_width):
        return RoundedFigure(*(round_figure(each, half_width) for each in (value, low, high)))
    place = last_place(half_width)
    return RoundedFigure(
        _cut(value, place, ROUND_HALF_EVEN),
        _cut(low, place, ROUND_FLOOR),
        _cut(high, place, ROUND_CEILING),
    )


def _cut(value: float, place: int, rounding: str) -> str:
    """Return *value* to the digit of 10 ** *place*."""
    unit = Decimal(1).scaleb(place)
    return _plain(Decimal(repr(value)).quantize(unit, rounding=rounding, context=_CONTEXT))


def _plain(number: Decimal) -> str:
    """Return *number* without an exponent, and zero without a sign."""
    return format(abs(number) if number.is_zero() else number, "f")
