"""From samples to judged rows: one for each cost and each count of a report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from xenperf.stats.paired import Estimate, estimate, round_log_ratios
from xenperf.stats.robust import median
from xenperf.stats.samples import (
    ACTIVATIONS,
    CLOCKS,
    CPU_TIME,
    WALL_TIME,
    CostSample,
    CountSample,
    WorkerTimes,
)
from xenperf.stats.verdict import DEFAULT, Judgement, Verdict, judge, judge_count, simultaneous

WALL_MARGIN: Final = 0.03
WALL_BAND: Final = 0.10
BY_WALL: Final = "judged by wall time, since it sleeps: differs beyond 3 %, the same inside 10 %"
DISSENT: Final = "undecided because a part of its workers or rounds says otherwise"
UNFINISHED: Final = "no worker finished it"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report, seen from its base: ``faster`` says that head takes less time."""

    benchmark: str
    metric: str
    unit: str
    base: float | None
    head: float | None
    ratio: float | None
    """Head over base; None for counts, and where nothing valid was measured."""

    ci: tuple[float, float] | None
    """Of the ratio, simultaneous over all rows of the report; a bound may be infinite."""

    verdict: Verdict
    is_control: bool = False
    worker_ratios: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    sides: tuple[str, str] = ACTIVATIONS
    """What base and head are called."""

    variant: str = ""
    """What tells this row from others of its benchmark, such as the activation on both sides."""

    wall_ratio: float | None = None
    """Head over base in wall time: information beside the judged CPU time."""

    instructions: tuple[float, float] | None = None
    """Machine instructions an operation of base and of head, where they were counted."""

    @property
    def is_count(self) -> bool:
        """Tell whether the row is an exact figure."""
        return self.metric not in CLOCKS

    @property
    def key(self) -> tuple[str, str, tuple[str, str]]:
        """What tells a cost from all others of its report."""
        return self.benchmark, self.variant, self.sides

    @property
    def name(self) -> str:
        """The benchmark with its variant."""
        return f"{self.benchmark} {self.variant}".rstrip()

    @property
    def noise(self) -> float | None:
        """Half the width of the interval, over the ratio; None where there is no interval."""
        if self.ratio is None or self.ci is None or not math.isfinite(self.ci[1]):
            return None
        return 0.5 * (self.ci[1] - self.ci[0]) / self.ratio


def cost_rows(samples: Sequence[CostSample], settings: Judgement = DEFAULT) -> list[Row]:
    """Return a row for each benchmark, judged together with all others of its kind.

    Controls are judged among themselves: they are evidence about the machine, not about KVM.
    """
    judged: dict[int, Row] = {}
    for is_control in (False, True):
        group = [
            (idx, sample)
            for idx, sample in enumerate(samples)
            if sample.is_control == is_control and _is_usable(sample)
        ]
        estimates = [estimate([_log_ratios(s, w) for w in s.workers]) for _, s in group]
        limits = [limits_of(sample, settings) for _, sample in group]
        verdicts = judge(estimates, limits)
        bounds = simultaneous(estimates, settings.alpha) if estimates else []
        for (idx, sample), found, verdict, bound, limit in zip(
            group, estimates, verdicts, bounds, limits, strict=True
        ):
            ci = (_exp(bound.low), _exp(bound.high))
            judged[idx] = _cost_row(sample, found, verdict, ci, limit)
    return [judged.get(idx) or _row_without_ratio(sample) for idx, sample in enumerate(samples)]


def limits_of(sample: CostSample, settings: Judgement) -> Judgement:
    """Return what counts as a difference for *sample*: wall time has wider limits."""
    if sample.metric == CPU_TIME:
        return settings
    return replace(
        settings,
        margin=max(settings.margin, WALL_MARGIN),
        band=max(settings.band, WALL_BAND),
    )


def count_rows(samples: Sequence[CountSample]) -> list[Row]:
    """Return a row for each exact figure; one that varied between workers is invalid."""
    return [_count_row(sample) for sample in samples]


def _is_usable(sample: CostSample) -> bool:
    return sample.invalid is None and bool(sample.workers) and not any(sample.lacks)


def _judged(sample: CostSample, worker: WorkerTimes) -> tuple[Sequence[float], Sequence[float]]:
    """Return the slices of both sides by the clock that this benchmark is judged by."""
    if sample.metric == WALL_TIME:
        return worker.base_wall_ns, worker.head_wall_ns
    return worker.base_ns or (), worker.head_ns or ()


def _log_ratios(sample: CostSample, worker: WorkerTimes) -> tuple[float, ...]:
    return round_log_ratios(*_judged(sample, worker))


def _exp(log_ratio: float) -> float:
    return math.inf if log_ratio == math.inf else math.exp(log_ratio)


def _dissent(verdict: Verdict, ci: tuple[float, float], settings: Judgement) -> tuple[str, ...]:
    """Return why a row is undecided although its interval says more."""
    low, high = ci
    margin, band = 1.0 + settings.margin, 1.0 + settings.band
    is_clear = low > margin or high < 1.0 / margin or (1.0 / band <= low and high <= band)
    if verdict is not Verdict.UNDECIDED or not is_clear:
        return ()
    return (DISSENT,)


def _cost_row(
    sample: CostSample,
    found: Estimate,
    verdict: Verdict,
    ci: tuple[float, float],
    settings: Judgement,
) -> Row:
    sides = [_judged(sample, worker) for worker in sample.workers]
    return Row(
        benchmark=sample.benchmark,
        metric=sample.metric,
        unit=sample.unit,
        base=median([median(base) for base, _ in sides]),
        head=median([median(head) for _, head in sides]),
        ratio=found.ratio,
        ci=ci,
        verdict=verdict,
        is_control=sample.is_control,
        worker_ratios=tuple(math.exp(median(rounds)) for rounds in found.rounds),
        notes=(
            *((BY_WALL,) if sample.metric == WALL_TIME else ()),
            *found.warnings,
            *_dissent(verdict, ci, settings),
        ),
        sides=sample.sides,
        variant=sample.variant,
        wall_ratio=_wall_ratio(sample),
    )


def _wall_ratio(sample: CostSample) -> float | None:
    """Return head over base in wall time, from the same rounds; None where it was not kept."""
    if not all(worker.base_wall_ns and worker.head_wall_ns for worker in sample.workers):
        return None
    rounds = [round_log_ratios(w.base_wall_ns, w.head_wall_ns) for w in sample.workers]
    return estimate(rounds).ratio


def _row_without_ratio(sample: CostSample) -> Row:
    """Return a row that is invalid, or that has only one of its sides."""
    lacks_base, lacks_head = sample.lacks
    alone = sample.invalid is None and lacks_base != lacks_head
    one_side = [w.head_ns if lacks_base else w.base_ns for w in sample.workers] if alone else []
    figure = median([median(ns) for ns in one_side if ns]) if alone else None
    reason = sample.absent if alone else sample.invalid or UNFINISHED
    return Row(
        benchmark=sample.benchmark,
        metric=sample.metric,
        unit=sample.unit,
        base=None if lacks_base else figure,
        head=figure if lacks_base else None,
        ratio=None,
        ci=None,
        verdict=_lone_verdict(lacks_base) if alone else Verdict.INVALID,
        is_control=sample.is_control,
        notes=(reason,),
        sides=sample.sides,
        variant=sample.variant,
    )


def _lone_verdict(lacks_base: bool) -> Verdict:
    return Verdict.NEW if lacks_base else Verdict.GONE


def _count_row(sample: CountSample) -> Row:
    base, head = (values[0] if values else None for values in (sample.base, sample.head))
    verdict, notes = _judge_counts(sample)
    return Row(
        benchmark=sample.benchmark,
        metric=sample.metric,
        unit=sample.unit,
        base=base,
        head=head,
        ratio=None,
        ci=None,
        verdict=verdict,
        notes=notes,
        sides=sample.sides,
        variant=sample.variant,
    )


def _judge_counts(sample: CountSample) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict on the figures of one count, and what has to be said of it."""
    there = [values for values in (sample.base, sample.head) if values is not None]
    if sample.invalid is not None or not there or not all(there):
        return Verdict.INVALID, (sample.invalid or UNFINISHED,)
    if any(len(set(values)) > 1 for values in there):
        found = " ".join(str(sorted(set(values or ()))) for values in (sample.base, sample.head))
        return Verdict.INVALID, (f"varied between workers: {found}",)
    if sample.base is None or sample.head is None:
        return _lone_verdict(sample.base is None), (sample.absent,)
    return judge_count(sample.base[0], sample.head[0]), ()
