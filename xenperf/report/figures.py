"""A row's figures as text, with no digit more than their interval supports."""

import functools
import math
from dataclasses import dataclass
from typing import Final

from xenperf.stats.rounding import round_figure, round_with_interval
from xenperf.stats.rows import Row
from xenperf.stats.samples import INSTRUCTIONS

NONE: Final = "-"
UNBOUNDED: Final = "unbounded"
_LEAST_UNCERTAINTY: Final = 0.5  # in the second digit: so a time shows three digits at most
WITHOUT_INTERVAL: Final = 5.0  # in the second digit: then it shows two


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a row; ``NONE`` where there is none."""

    base: str
    head: str
    ratio: str = NONE
    interval: str = NONE
    """Of the ratio."""

    change_interval: str = NONE
    """The same in per cent."""

    wall: str = NONE
    """The ratio in wall time."""

    instructions: str = NONE
    """The change of the number of instructions."""


def figures(row: Row) -> Figures:
    """Return the figures of *row*: counts and instructions in full, times and ratios rounded."""
    if row.is_count:
        return Figures(_count(row.base), _count(row.head))
    ratio, interval = _ratio(row)
    spread = _relative_half_width(row)
    shown = _count if row.metric == INSTRUCTIONS else functools.partial(_time, spread=spread)
    return Figures(
        base=shown(row.base),
        head=shown(row.head),
        ratio=ratio,
        interval=interval,
        change_interval=_change_interval(row),
        wall=NONE if row.wall_ratio is None else f"{row.wall_ratio:.2f}",
        instructions=_instructions(row),
    )


def change(row: Row) -> str:
    """Return how far head is from base in per cent, with one digit more for what was counted."""
    return percent(row.ratio, _places(row))


def percent(ratio: float | None, places: int = 1) -> str:
    """Return how far *ratio* is from 1, signed, to a tenth of a per cent, or other *places*."""
    return NONE if ratio is None else f"{100.0 * (ratio - 1.0):+.{places}f} %"


def _places(row: Row) -> int:
    """Return the digits of a per cent: one instruction of a thousand should show."""
    return 2 if row.metric == INSTRUCTIONS else 1


def _count(value: float | None) -> str:
    return NONE if value is None else str(int(value))


def _ratio(row: Row) -> tuple[str, str]:
    if row.ratio is None or row.ci is None:
        return NONE, NONE
    if row.metric == INSTRUCTIONS and all(map(math.isfinite, row.ci)):
        return f"{row.ratio:.4f}", f"[{row.ci[0]:.4f}, {row.ci[1]:.4f}]"
    rounded = round_with_interval(row.ratio, *row.ci)
    if not all(map(math.isfinite, row.ci)):
        return rounded.value, UNBOUNDED
    return rounded.value, f"[{rounded.low}, {rounded.high}]"


def _change_interval(row: Row) -> str:
    if row.ci is None:
        return NONE
    if not all(map(math.isfinite, row.ci)):
        return UNBOUNDED
    low, high = (100.0 * (bound - 1.0) for bound in row.ci)
    places = _places(row)
    return f"[{low:+.{places}f}, {high:+.{places}f}] %"


def _instructions(row: Row) -> str:
    if row.instructions is None or not row.instructions[0]:
        return NONE
    base, head = row.instructions
    return f"{round(100.0 * (head / base - 1.0), 1) + 0.0:+.1f} %"  # never -0.0


def _relative_half_width(row: Row) -> float:
    """Return half the width of the ratio's interval, over the ratio; infinite if unknown."""
    return math.inf if row.noise is None else row.noise


def _time(value: float | None, spread: float) -> str:
    """Return a time; it also carries what the ratio's interval leaves out, so not every digit."""
    if value is None:
        return NONE
    second_digit = 10.0 ** (math.floor(math.log10(value)) - 1)
    if not math.isfinite(spread):
        return round_figure(value, WITHOUT_INTERVAL * second_digit)
    return round_figure(value, max(spread * value, _LEAST_UNCERTAINTY * second_digit))
