"""Do two back ends that were measured apart say the same about one cost?"""

import math
from enum import StrEnum
from typing import Final

from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict


class RatioAgreement(StrEnum):
    """What two ratios of one cost, each with its interval, are to each other."""

    OVERLAP = "overlap"
    """Their intervals have a ratio in common. Of a wide interval that says little."""

    SAME_SIDE = "same side"
    """No ratio in common, but both intervals lie wholly below 1, or both wholly above."""

    BOTH_SAME = "both same"
    """No ratio in common, but either was judged to be 1 for all that matters."""

    DIFFERS = "differs"
    UNKNOWN = "unknown"
    """One of them has no ratio, or an interval without end."""


AGREEING: Final = frozenset(
    {RatioAgreement.OVERLAP, RatioAgreement.SAME_SIDE, RatioAgreement.BOTH_SAME}
)


def ratios_agree(one: Row, other: Row) -> RatioAgreement:
    """Return what the ratios of two rows of one benchmark are to each other."""
    if one.ci is None or other.ci is None or not all(map(math.isfinite, (*one.ci, *other.ci))):
        return RatioAgreement.UNKNOWN
    if one.ci[0] <= other.ci[1] and other.ci[0] <= one.ci[1]:
        return RatioAgreement.OVERLAP
    if max(one.ci[1], other.ci[1]) < 1.0 or min(one.ci[0], other.ci[0]) > 1.0:
        return RatioAgreement.SAME_SIDE
    if one.verdict is other.verdict is Verdict.SAME:
        return RatioAgreement.BOTH_SAME
    return RatioAgreement.DIFFERS


def is_nearer_to_one(ratio: float, than: float) -> bool:
    """Tell whether *ratio* is nearer to 1 than *than* is, by factors."""
    return abs(math.log(ratio)) < abs(math.log(than))
