"""From samples to judged rows: one for each cost and each count of a report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.paired import Estimate, estimate, round_log_ratios
from xenperf.stats.robust import median
from xenperf.stats.verdict import DEFAULT, Judgement, Verdict, judge, judge_count, simultaneous

CPU_TIME: Final = "cpu_time"
NO_HVA: Final = "this kernel has no activation by HVA"


@dataclass(frozen=True, slots=True)
class WorkerTimes:
    """What one worker measured of one benchmark: nanoseconds an operation, slice by slice."""

    gpa_ns: tuple[float, ...]
    hva_ns: tuple[float, ...] | None
    """None where the kernel has no activation by HVA."""


@dataclass(frozen=True, slots=True)
class CostSample:
    """One benchmark over all workers."""

    benchmark: str
    unit: str
    workers: tuple[WorkerTimes, ...]
    is_control: bool = False
    invalid: str | None = None
    """Why the figures are worthless: a wrong answer, code compiled while measuring."""


@dataclass(frozen=True, slots=True)
class CountSample:
    """One exact figure over all workers; each must have found the same."""

    benchmark: str
    metric: str
    unit: str
    gpa: tuple[int, ...]
    hva: tuple[int, ...] | None
    """None where the kernel has no activation by HVA."""

    invalid: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report, seen from GPA: ``faster`` says that HVA takes less time."""

    benchmark: str
    metric: str
    unit: str
    gpa: float | None
    hva: float | None
    ratio: float | None
    """HVA over GPA; None for counts, and where nothing valid was measured."""

    ci: tuple[float, float] | None
    """Of the ratio, simultaneous over all rows of the report; a bound may be infinite."""

    verdict: Verdict
    is_control: bool = False
    worker_ratios: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_count(self) -> bool:
        """Tell whether the row is an exact figure."""
        return self.metric != CPU_TIME


def cost_rows(samples: Sequence[CostSample], settings: Judgement = DEFAULT) -> list[Row]:
    """Return a row for each benchmark, judged together with all others of its kind.

    Controls are judged among themselves: they are evidence about the machine, not about KVM.
    """
    judged: dict[str, Row] = {}
    for is_control in (False, True):
        group = [s for s in samples if s.is_control == is_control and _is_usable(s)]
        estimates = [estimate([_log_ratios(w) for w in s.workers]) for s in group]
        verdicts = judge(estimates, settings)
        bounds = simultaneous(estimates, settings.alpha) if estimates else []
        for sample, found, verdict, bound in zip(group, estimates, verdicts, bounds, strict=True):
            ci = (_exp(bound.low), _exp(bound.high))
            judged[sample.benchmark] = _cost_row(sample, found, verdict, ci)
    return [judged.get(sample.benchmark) or _row_without_ratio(sample) for sample in samples]


def count_rows(samples: Sequence[CountSample]) -> list[Row]:
    """Return a row for each exact figure; one that varied between workers is invalid."""
    return [_count_row(sample) for sample in samples]


def _is_usable(sample: CostSample) -> bool:
    return sample.invalid is None and bool(sample.workers) and not _lacks_hva(sample)


def _lacks_hva(sample: CostSample) -> bool:
    return bool(sample.workers) and all(worker.hva_ns is None for worker in sample.workers)


def _log_ratios(worker: WorkerTimes) -> tuple[float, ...]:
    return round_log_ratios(worker.gpa_ns, worker.hva_ns or ())


def _exp(log_ratio: float) -> float:
    return math.inf if log_ratio == math.inf else math.exp(log_ratio)


def _cost_row(
    sample: CostSample, found: Estimate, verdict: Verdict, ci: tuple[float, float]
) -> Row:
    return Row(
        benchmark=sample.benchmark,
        metric=CPU_TIME,
        unit=sample.unit,
        gpa=median([median(worker.gpa_ns) for worker in sample.workers]),
        hva=median([median(worker.hva_ns or ()) for worker in sample.workers]),
        ratio=found.ratio,
        ci=ci,
        verdict=verdict,
        is_control=sample.is_control,
        worker_ratios=tuple(math.exp(median(rounds)) for rounds in found.rounds),
        notes=found.warnings,
    )


def _row_without_ratio(sample: CostSample) -> Row:
    """Return a row that is invalid, or that has no side to compare the GPA side with."""
    gone = sample.invalid is None and _lacks_hva(sample)
    return Row(
        benchmark=sample.benchmark,
        metric=CPU_TIME,
        unit=sample.unit,
        gpa=median([median(worker.gpa_ns) for worker in sample.workers]) if gone else None,
        hva=None,
        ratio=None,
        ci=None,
        verdict=Verdict.GONE if gone else Verdict.INVALID,
        is_control=sample.is_control,
        notes=(NO_HVA if gone else sample.invalid or "no worker finished it",),
    )


def _count_row(sample: CountSample) -> Row:
    notes: tuple[str, ...] = ()
    gpa, hva = (values[0] if values else None for values in (sample.gpa, sample.hva))
    verdict = Verdict.INVALID
    found = sorted(set(sample.gpa)), sorted(set(sample.hva or ()))
    if sample.invalid is not None or gpa is None or (hva is None and sample.hva is not None):
        notes = (sample.invalid or "no worker finished it",)
    elif any(len(values) > 1 for values in found):
        notes = (f"varied between workers: {found[0]} {found[1]}",)
    elif hva is None:
        verdict, notes = Verdict.GONE, (NO_HVA,)
    else:
        verdict = judge_count(gpa, hva)
    return Row(
        benchmark=sample.benchmark,
        metric=sample.metric,
        unit=sample.unit,
        gpa=gpa,
        hva=hva,
        ratio=None,
        ci=None,
        verdict=verdict,
        notes=notes,
    )
