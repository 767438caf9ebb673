"""Cases and exact counts of the model beside those of a real kernel."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from xenperf.report.agreement.model import (
    LIVE,
    MODEL,
    NEITHER,
    CasePair,
    CountPair,
    Difference,
    Lone,
    Matched,
    Subject,
)
from xenperf.report.agreement.reasons import NO_COUNTERS, WORK, Condition, Release, explain
from xenperf.report.cases import CasesReport, PlayedCase
from xenperf.report.model import Report
from xenperf.stats.verdict import Verdict

NOT_PLAYED: Final = "the other file does not have it"
OVER_EARLY: Final = "ASLEEP OK OK"
"""What a poll with a timeout shows that is over before the second look."""

ARRIVED: Final = ("delivered", "delayed")


def match_cases(
    model: CasesReport, live: CasesReport, release: Release
) -> tuple[tuple[CasePair, ...], Matched]:
    """Return the cases that both played as the kernel that *live* is, and what differs."""
    kernels = {case.kernel for case in live.cases}
    by_model = _by_key(case for case in model.cases if case.kernel in kernels)
    by_live = _by_key(live.cases)
    pairs = tuple(
        CasePair(case.id, case.activation, case.expected, case.observed, by_live[key].observed)
        for key, case in by_model.items()
        if key in by_live
    )
    return pairs, Matched(
        tuple(_case_difference(pair, release) for pair in pairs if not pair.agrees),
        (
            *_lone_cases(by_model, by_live, MODEL, live),
            *_lone_cases(by_live, by_model, LIVE, model),
            *_skipped_by_both(model, live),
        ),
    )


def _by_key(cases: Iterable[PlayedCase]) -> dict[tuple[str, str, str], PlayedCase]:
    return {(case.id, case.activation, case.kernel): case for case in cases}


def _case_difference(pair: CasePair, release: Release) -> Difference:
    holding = []
    if pair.model == pair.expected:
        holding = [Condition.RIGHT, *([Condition.TIMED_OUT] if pair.live == OVER_EARLY else [])]
    reason = explain(Subject.CASE, pair.id, release, holding)
    name = f"{pair.id} by {pair.activation}"
    return Difference(Subject.CASE, name, pair.model, pair.live, reason)


def _lone_cases(
    here: Mapping[tuple[str, str, str], PlayedCase],
    there: Mapping[tuple[str, str, str], PlayedCase],
    side: str,
    other: CasesReport,
) -> Iterator[Lone]:
    """Yield the cases of *here* that *other* lacks, with the reason that it gives."""
    reasons = {case.id: case.reason for case in other.skipped}
    names = dict.fromkeys(case.id for key, case in here.items() if key not in there)
    for name in names:
        yield Lone(Subject.CASE, name, side, reasons.get(name, NOT_PLAYED))


def _skipped_by_both(model: CasesReport, live: CasesReport) -> Iterator[Lone]:
    by_live = {case.id for case in live.skipped}
    for case in model.skipped:
        if case.id in by_live:
            yield Lone(Subject.CASE, case.id, NEITHER, case.reason)


def match_counts(
    model: Report, live: Report, release: Release
) -> tuple[tuple[CountPair, ...], Matched]:
    """Return the exact figures that both have, and what differs."""
    by_model, by_live = _figures(model), _figures(live)
    why_not_live, why_not_model = _notes(live), _notes(model)
    pairs = tuple(
        CountPair(*key, value, by_live[key]) for key, value in by_model.items() if key in by_live
    )
    sums = _arrived(pairs)
    differing = [pair for pair in pairs if not pair.agrees]
    return pairs, Matched(
        tuple(_count_difference(pair, sums, release) for pair in differing),
        (
            *_lone_counts([key for key in by_model if key not in by_live], MODEL, why_not_live),
            *_lone_counts([key for key in by_live if key not in by_model], LIVE, why_not_model),
        ),
    )


def _figures(report: Report) -> dict[tuple[str, str, str, str], int]:
    """Return each valid count by benchmark, metric, unit and activation."""
    return {
        (row.benchmark, row.metric, row.unit, side): int(value)
        for row in report.outcomes
        for side, value in zip(row.sides, (row.base, row.head), strict=True)
        if value is not None and row.verdict is not Verdict.INVALID
    }


def _notes(report: Report) -> dict[tuple[str, str, str], str]:
    """Return what is said of each count by benchmark, metric and unit: why it has no figure."""
    return {
        (row.benchmark, row.metric, row.unit): row.notes[0] for row in report.outcomes if row.notes
    }


def _arrived(pairs: Iterable[CountPair]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return for a line of a scenario: how many arrived on each, and of how many metrics."""
    sums: dict[tuple[str, str], tuple[int, int, int]] = {}
    for pair in pairs:
        if pair.metric in ARRIVED:
            key = pair.benchmark, pair.activation
            had = sums.get(key, (0, 0, 0))
            sums[key] = had[0] + pair.model, had[1] + pair.live, had[2] + 1
    return sums


def _count_difference(
    pair: CountPair, sums: Mapping[tuple[str, str], tuple[int, int, int]], release: Release
) -> Difference:
    """Return the difference; where only delayed events are listed, live must have none of them."""
    on_model, on_live, nr_metrics = sums.get((pair.benchmark, pair.activation), (0, 0, 0))
    as_many = on_model == on_live if nr_metrics == len(ARRIVED) else pair.live == 0
    holding = [Condition.AT_ONCE] if pair.metric in ARRIVED and as_many else []
    name = f"{pair.benchmark} {pair.metric}"
    reason = explain(Subject.OUTCOME, name, release, holding)
    figures = str(pair.model), str(pair.live)
    return Difference(Subject.OUTCOME, f"{name} by {pair.activation}", *figures, reason)


def _lone_counts(
    keys: Iterable[tuple[str, str, str, str]],
    side: str,
    notes: Mapping[tuple[str, str, str], str],
) -> Iterator[Lone]:
    """Yield the counts that *side* alone has, with the other's note on it or what is known."""
    for benchmark, metric, unit, activation in keys:
        is_work = metric in WORK and side == MODEL
        usual = NO_COUNTERS if is_work else NOT_PLAYED
        reason = notes.get((benchmark, metric, unit), usual)
        yield Lone(Subject.OUTCOME, f"{benchmark} {metric} by {activation}", side, reason)
