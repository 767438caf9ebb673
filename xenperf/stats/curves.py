"""Curves of one sweep, judged together: the chance of any wrong word is held for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xenperf.stats.growth import Growth, judge_curve
from xenperf.stats.rows import WALL_BAND, WALL_MARGIN
from xenperf.stats.samples import WALL_TIME
from xenperf.stats.verdict import DEFAULT, Judgement


@dataclass(frozen=True, slots=True)
class Curve:
    """One cost by one activation, over sizes, on one machine."""

    benchmark: str
    side: str
    unit: str
    metric: str
    axis: str
    """What there is more and more of: ``slots`` or ``vCPUs``."""

    sizes: tuple[int, ...]
    fixed: str
    """Where the other axis stays, such as ``vCPUs 1``."""

    cells: tuple[str, ...]
    """What the cell of each size is called in the rows of the report."""

    passes: tuple[tuple[float, ...], ...]
    """Of each worker that measured all sizes, the nanoseconds at each."""

    machine: str = ""
    """Empty where there is but one."""


@dataclass(frozen=True, slots=True)
class GrowthRow:
    """A curve and its judgement; None where no worker measured all of its sizes."""

    curve: Curve
    growth: Growth | None

    @property
    def place(self) -> str:
        """Return over what it goes, and where: the cost of several curves is told by it."""
        return f"{self.curve.axis} at {self.curve.fixed}"


def growth_rows(curves: Sequence[Curve], settings: Judgement = DEFAULT) -> tuple[GrowthRow, ...]:
    """Return *curves* judged; wall time has wider limits, as everywhere."""
    nr_judged = sum(bool(curve.passes) for curve in curves)
    return tuple(GrowthRow(curve, _judged(curve, settings, nr_judged)) for curve in curves)


def _judged(curve: Curve, settings: Judgement, nr_curves: int) -> Growth | None:
    if not curve.passes:
        return None
    if curve.metric == WALL_TIME:
        margin, band = max(settings.margin, WALL_MARGIN), max(settings.band, WALL_BAND)
        settings = replace(settings, margin=margin, band=band)
    return judge_curve(curve.sizes, curve.passes, settings, nr_curves)
