"""Costs of the model beside those of a real kernel: ratios, times, and their order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from xenperf.report.agreement.model import (
    LIVE,
    MODEL,
    CostPair,
    Difference,
    Lone,
    Matched,
    Order,
    Subject,
)
from xenperf.report.agreement.reasons import Condition, Release, explain
from xenperf.report.figures import figures
from xenperf.report.model import Report
from xenperf.stats.agreement import RatioAgreement, is_nearer_to_one, ratios_agree
from xenperf.stats.rank import rank_correlation
from xenperf.stats.rows import Row

NOT_MEASURED: Final = "the other file does not have it"
REQUEST: Final = "slots.overlay_cycle"
ACTIVATION: Final = "shinfo.activate_again"
RATIOS: Final = "hva/gpa"
Figure = Callable[[Row], float | None]
TIMES: Final[Mapping[str, Figure]] = {"gpa": lambda row: row.base, "hva": lambda row: row.head}


def match_costs(
    model: Report, live: Report, release: Release
) -> tuple[tuple[CostPair, ...], Matched]:
    """Return the costs that both have, controls aside, and what differs."""
    by_model = {row.benchmark: row for row in model.costs}
    by_live = {row.benchmark: row for row in live.costs}
    pairs = tuple(
        CostPair(row, by_live[name], ratios_agree(row, by_live[name]))
        for name, row in by_model.items()
        if name in by_live
    )
    differing = [pair for pair in pairs if pair.found is RatioAgreement.DIFFERS]
    unknown = [
        Lone(Subject.COST, pair.model.benchmark, *_unknown(pair))
        for pair in pairs
        if pair.found is RatioAgreement.UNKNOWN
    ]
    lone = [
        Lone(Subject.COST, name, side, other.skipped.get(name, NOT_MEASURED))
        for here, there, side, other in (
            (by_model, by_live, MODEL, live),
            (by_live, by_model, LIVE, model),
        )
        for name in here
        if name not in there
    ]
    differences = tuple(_difference(pair, release) for pair in differing)
    return pairs, Matched(differences, (*lone, *unknown))


def orders(pairs: Sequence[CostPair]) -> tuple[Order, ...]:
    """Return whether ratios, and times by each activation, come in the same order on both."""
    times = [_order(f"cost by {side}", pairs, figure) for side, figure in TIMES.items()]
    return _order(RATIOS, pairs, lambda row: row.ratio), *times


def _order(what: str, pairs: Sequence[CostPair], figure: Figure) -> Order:
    both = [(figure(pair.model), figure(pair.live)) for pair in pairs]
    there = [(a, b) for a, b in both if a is not None and b is not None]
    found = rank_correlation([a for a, _ in there], [b for _, b in there])
    return Order(what, len(there), found)


def in_activations(pairs: Sequence[CostPair]) -> dict[str, tuple[float, float]]:
    """Return how many activations one memslot request costs, on the model and live, by activation.

    A request of ``slots.overlay_cycle``, with the send after it, over ``shinfo.activate_again``;
    an activation without one of the figures is left out.
    """
    rows = {pair.model.benchmark: pair for pair in pairs}
    request, once = rows.get(REQUEST), rows.get(ACTIVATION)
    if request is None or once is None:
        return {}
    found = {}
    for side, figure in TIMES.items():
        on_model = _quotient(figure(request.model), figure(once.model))
        on_live = _quotient(figure(request.live), figure(once.live))
        if on_model is not None and on_live is not None:
            found[side] = on_model, on_live
    return found


def _quotient(above: float | None, below: float | None) -> float | None:
    return above / below if above and below else None


def _difference(pair: CostPair, release: Release) -> Difference:
    name = pair.model.benchmark
    reason = explain(Subject.COST, name, release, _holding(pair))
    return Difference(Subject.COST, name, shown(pair.model), shown(pair.live), reason)


def _holding(pair: CostPair) -> list[Condition]:
    on_model, on_live = pair.model.ratio, pair.live.ratio
    if on_model is None or on_live is None or not is_nearer_to_one(on_live, on_model):
        return []
    assert pair.live.ci is not None  # else the two would not differ but be unknown
    is_opposite = pair.live.ci[0] > 1.0 if on_model < 1.0 else pair.live.ci[1] < 1.0
    return [] if is_opposite else [Condition.NEARER]


def _unknown(pair: CostPair) -> tuple[str, str]:
    """Return which of the two has a usable ratio, and what the other lacks."""
    has = [
        side
        for side, row in ((MODEL, pair.model), (LIVE, pair.live))
        if row.ci is not None and row.noise is not None
    ]
    notes = dict.fromkeys((*pair.model.notes, *pair.live.notes))
    why = "; ".join(notes) or "no interval"
    return (has[0] if has else "neither"), f"its ratio has no bounds on the other: {why}"


def shown(row: Row) -> str:
    """Return the ratio of a row with its interval."""
    found = figures(row)
    return f"{found.ratio} {found.interval}"
