"""One word for every row of a report, with the error rate of the whole report held."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xenperf.stats.interval import Interval
from xenperf.stats.modes import Claim, rounds_dissent, workers_dissent, workers_outside
from xenperf.stats.paired import Estimate, Method


class Verdict(StrEnum):
    """What a row says about side b, seen from side a."""

    SLOWER = "slower"
    FASTER = "faster"
    SAME = "same"
    UNDECIDED = "undecided"
    INVALID = "invalid"
    NEW = "new"
    GONE = "gone"
    FEWER = "fewer"  # exact counts only, as MORE
    MORE = "more"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What counts as a difference: relative margin and band, and the report's error rate."""

    margin: float = 0.01
    band: float = 0.03
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse settings under which a row could be both different and the same."""
        if not 0.0 <= self.margin <= self.band < math.inf:
            raise ValueError(f"need 0 <= margin <= band, not {self.margin} and {self.band}")
        if not 0.0 < self.alpha < 1.0:
            raise ValueError(f"alpha must lie between 0 and 1, not {self.alpha}")

    @property
    def log_margin(self) -> float:
        """Return the margin as a log ratio, so that swapping the sides changes nothing."""
        return math.log1p(self.margin)

    @property
    def log_band(self) -> float:
        """Return the band as a log ratio."""
        return math.log1p(self.band)


DEFAULT: Final = Judgement()


def holm(p_values: Sequence[float]) -> list[float]:
    """Return *p_values* adjusted for their number, in their own order.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6: the chance of any false claim stays below alpha.
    """
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError("p values must lie between 0 and 1")
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, row in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[row]))
        adjusted[row] = least
    return adjusted


def simultaneous(estimates: Sequence[Estimate], alpha: float = DEFAULT.alpha) -> list[Interval]:
    """Return intervals that ALL cover with probability 1 - *alpha* (Bonferroni; Dunn 1961)."""
    return [row.interval(1.0 - alpha / len(estimates)) for row in estimates]


def judge(
    estimates: Sequence[Estimate], settings: Judgement | Sequence[Judgement] = DEFAULT
) -> list[Verdict]:
    """Return the verdict of every row, corrected for the number of rows.

    Slower or faster: the interval null |effect| <= margin is rejected after Holm. Same: the
    simultaneous interval lies inside the band, and so do the workers, but for one in ten.
    Otherwise, or if a part of the workers or rounds contradicts the claim, undecided: that is
    never "no change".

    settings
        One for all rows, or one per row with a common alpha.
    """
    per_row = _per_row(settings, len(estimates))
    p_values = [row.p_beyond(one.log_margin) for row, one in zip(estimates, per_row, strict=True)]
    alpha = per_row[0].alpha if per_row else DEFAULT.alpha
    rows = zip(estimates, per_row, holm(p_values), simultaneous(estimates, alpha), strict=True)
    return [_judge_row(*row) for row in rows]


def judge_count(gpa: int, hva: int) -> Verdict:
    """Return what an exact count of the HVA side is, seen from the GPA side."""
    if gpa < 0 or hva < 0:
        raise ValueError(f"counts cannot be negative: {gpa}, {hva}")
    if gpa == hva:
        return Verdict.SAME
    return Verdict.FEWER if hva < gpa else Verdict.MORE


def _judge_row(row: Estimate, settings: Judgement, p: float, bounds: Interval) -> Verdict:
    """Return the verdict of one row from its adjusted *p* and simultaneous *bounds*."""
    band = settings.log_band
    if p < settings.alpha and row.log_ratio > 0.0:
        verdict, claim = Verdict.SLOWER, Claim(band, math.inf, band)
    elif p < settings.alpha:
        verdict, claim = Verdict.FASTER, Claim(-math.inf, -band, band)
    elif bounds.lies_inside(-band, band):
        verdict, claim = Verdict.SAME, Claim(-band, band, band)
    else:
        return Verdict.UNDECIDED
    return Verdict.UNDECIDED if _contradicted(row, verdict, claim) else verdict


def _contradicted(row: Estimate, verdict: Verdict, claim: Claim) -> bool:
    """Return whether a part of the row's own data speaks against *claim*.

    For "same" a group of workers outside the band is enough: nobody checks again what did not
    change, so this claim has to hold for the workers and not for their middle alone.
    """
    if row.method is Method.TRIMMED:
        speaks_against = workers_outside if verdict is Verdict.SAME else workers_dissent
        if speaks_against(row.points, claim):
            return True
    return rounds_dissent(row.rounds, claim)


def _per_row(settings: Judgement | Sequence[Judgement], nr_rows: int) -> Sequence[Judgement]:
    """Return one setting per row, or raise ``ValueError`` if they do not fit the rows."""
    if isinstance(settings, Judgement):
        return [settings] * nr_rows
    if len(settings) != nr_rows:
        raise ValueError(f"{nr_rows} rows need as many settings, not {len(settings)}")
    if len({one.alpha for one in settings}) > 1:
        raise ValueError("all rows of a report share one alpha")
    return settings
