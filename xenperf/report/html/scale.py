"""From figures to pixels: a plain axis, and one for ratios that is stretched around 1."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
STRETCH: Final = 0.03
"""Log ratios up to about this are drawn to scale, larger ones ever closer together."""

EXTREME: Final = 1000.0
"""No axis of ratios reaches farther."""

_LABELS: Final = (1.03, 1.1, 1.3, 2, 3, 5, 10, 30, 100, 300, 1000)
_LABELS_BELOW: Final = (0.97, 0.9, 0.75, 0.5, 0.3, 0.2, 0.1, 0.03, 0.01, 0.003, 0.001)
_APART: Final = 28.0  # pixels from one label to the next
_INSIDE: Final = 12.0  # pixels from a label to the end of the axis


@dataclass(frozen=True, slots=True)
class Linear:
    """An axis from *low* at pixel *begin* to *high* at pixel *end*."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of *value*; what lies outside is drawn at the edge."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def holds(self, value: float) -> bool:
        """Tell whether *value* lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self, about: int) -> list[tuple[float, str]]:
        """Return round values, some *about* in number, with their labels."""
        rough = (self.high - self.low) / about
        power = math.floor(math.log10(rough))
        step = next(s for s in STEPS if s * 10.0**power >= rough * (1 - 1e-9)) * 10.0**power
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        decimals = max(0, -math.floor(math.log10(step)) + (f"{step:.1e}"[2] != "0"))
        return [(i * step, f"{i * step:.{decimals}f}") for i in range(first, last + 1)]


@dataclass(frozen=True, slots=True)
class Stretched:
    """An axis of ratios: the same distance either way for x and 1/x, with most room around 1."""

    low: float
    high: float
    width: float

    def at(self, ratio: float) -> float:
        """Return the pixel of *ratio*; what lies outside is drawn at the edge."""
        inside = min(max(ratio, self.low), self.high)
        begin, end = _stretched(self.low), _stretched(self.high)
        return self.width * (_stretched(inside) - begin) / (end - begin)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the values that there is room to label, from 1 outwards."""
        chosen = [1.0]
        for side in (_LABELS, _LABELS_BELOW):
            last = self.at(1.0)
            for ratio in side:
                pixel = self.at(ratio)
                fits = _INSIDE <= pixel <= self.width - _INSIDE
                if fits and abs(pixel - last) >= _APART:
                    chosen.append(ratio)
                    last = pixel
        return [(ratio, f"{ratio:g}") for ratio in sorted(chosen)]


def _stretched(ratio: float) -> float:
    return math.asinh(math.log(ratio) / STRETCH)


def stretched_over(ratios: Iterable[float], band: float, width: float) -> Stretched:
    """Return the axis that shows all *ratios*, and the band with room around it."""
    fit = [r for r in ratios if math.isfinite(r) and 1 / EXTREME <= r <= EXTREME]
    least = 1.0 + 1.5 * band
    return Stretched(min([*fit, 1.0 / least]) / 1.01, max([*fit, least]) * 1.01, width)


def padded(
    values: Iterable[float], pixels: tuple[float, float], least: float, share: float = 0.08
) -> Linear:
    """Return the plain axis over *values* and some room, at least *least* wide."""
    fit = [value for value in values if math.isfinite(value)] or [1.0]
    low, high = min(fit), max(fit)
    missing = max(0.0, least - (high - low)) / 2
    padding = share * (high - low) + missing
    return Linear(low - padding, high + padding, *pixels)
