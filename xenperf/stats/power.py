"""What a benchmark can tell on this machine: spreads, and the least effect that would be found."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.paired import TRUSTED_WORKERS
from xenperf.stats.robust import MAD_TO_SIGMA, TRIM, median, nr_trimmed, yuen
from xenperf.stats.student import student_quantile
from xenperf.stats.verdict import DEFAULT, Judgement

POWER: Final = 0.9
"""How often the detectable effect is found."""


@dataclass(frozen=True, slots=True)
class Detectable:
    """The noise of one benchmark; all figures are relative: 0.01 is one per cent."""

    within: float
    """Robust sigma of the rounds' ratios inside a worker; the median over workers."""

    between: float
    """Robust sigma of the workers' own ratios."""

    bias: float
    """How far from 1 the ratio of a build with itself came out."""

    margin: float
    """The least margin that this machine supports: no claim from time should be finer."""

    effect: float | None
    """The least difference that *workers* would call slower in 9 of 10 runs; None: too few."""


def detectable(
    worker_rounds: Sequence[Sequence[float]], nr_rows: int, settings: Judgement = DEFAULT
) -> Detectable:
    """Return what the log ratios of a build with itself say about a benchmark's noise.

    nr_rows
        How many rows a report has: each gets its share of the error rate.

    ``ValueError`` for an empty sample.
    """
    medians = [median(rounds) for rounds in worker_rounds]
    within = median([_sigma(rounds) for rounds in worker_rounds])
    bias = abs(yuen(medians).mean if len(medians) > 1 else medians[0])
    return Detectable(
        within=math.expm1(within),
        between=math.expm1(_sigma(medians)),
        bias=math.expm1(bias),
        margin=max(settings.margin, math.expm1(bias)),
        effect=_effect(medians, nr_rows, settings),
    )


def _sigma(values: Sequence[float]) -> float:
    centre = median(values)
    return MAD_TO_SIGMA * median([abs(value - centre) for value in values])


def _effect(medians: Sequence[float], nr_rows: int, settings: Judgement) -> float | None:
    """Return margin plus what the t interval and the wanted power need on top of it.

    The sum of two quantiles that sample sizes are usually planned with, both of Student's t since
    the spread is only estimated.
    """
    if len(medians) < TRUSTED_WORKERS:
        return None
    kept = len(medians) - 2 * nr_trimmed(len(medians), TRIM)
    df = float(kept - 1)
    critical = student_quantile(1.0 - 0.5 * settings.alpha / nr_rows, df)
    reach = (critical + student_quantile(POWER, df)) * yuen(medians).std_error
    return math.expm1(settings.log_margin + reach)
