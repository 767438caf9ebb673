"""The agreement as one JSON object: every figure in full."""

import json
import math
from collections.abc import Sequence

from xenperf.report.agreement.costs import in_activations
from xenperf.report.agreement.model import (
    Agreement,
    CasePair,
    CostPair,
    CountPair,
    Difference,
    LoadPair,
    Lone,
    Order,
)
from xenperf.report.model import SCHEMA
from xenperf.stats.rows import Row


def render(found: Agreement) -> str:
    """Return the object and a newline; what is infinite or no number becomes null."""
    content = {
        "schema": SCHEMA,
        "kind": "agreement",
        "files": list(found.files),
        "environments": {side: dict(each) for side, each in found.environments.items()},
        "modelled": found.modelled,
        "distrust": list(found.remarks),
        "cases": [_case(pair) for pair in found.cases],
        "costs": [_cost(pair) for pair in found.costs],
        "orders": [_order(order) for order in found.orders],
        "slot_request_in_activations": {
            side: {"model": on_model, "live": on_live}
            for side, (on_model, on_live) in in_activations(found.costs).items()
        },
        "outcomes": [_count(pair) for pair in found.counts],
        "load": [_load(pair) for pair in found.loads],
        "differences": [_difference(each) for each in found.differences],
        "lone": [_lone(each) for each in found.lone],
        "command": found.command,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _case(pair: CasePair) -> dict[str, object]:
    return {
        "id": pair.id,
        "activation": pair.activation,
        "expected": pair.expected,
        "model": pair.model,
        "live": pair.live,
        "agrees": pair.agrees,
    }


def _cost(pair: CostPair) -> dict[str, object]:
    return {
        "benchmark": pair.model.benchmark,
        "unit": pair.model.unit,
        "model": _row(pair.model),
        "live": _row(pair.live),
        "found": str(pair.found),
        "agrees": pair.agrees,
    }


def _row(row: Row) -> dict[str, object]:
    return {
        "metric": row.metric,
        "gpa": _number(row.base),
        "hva": _number(row.head),
        "ratio": _number(row.ratio),
        "ci": None if row.ci is None else _numbers(row.ci),
        "verdict": str(row.verdict),
    }


def _order(order: Order) -> dict[str, object]:
    found = order.found
    return {
        "what": order.what,
        "costs": order.nr_pairs,
        "rho": None if found is None else found.rho,
        "ci": None if found is None else [found.interval.low, found.interval.high],
        "p": None if found is None else found.p_value,
    }


def _count(pair: CountPair) -> dict[str, object]:
    return {
        "scenario": pair.benchmark,
        "metric": pair.metric,
        "unit": pair.unit,
        "activation": pair.activation,
        "model": pair.model,
        "live": pair.live,
        "agrees": pair.agrees,
    }


def _load(pair: LoadPair) -> dict[str, object]:
    row = pair.row
    return {
        "source": row.source,
        "activation": row.activation,
        "phase": row.phase,
        "events": row.nr_events,
        "failed": row.nr_failed,
        "share": row.nr_failed / row.nr_events,
        "ci": [pair.share.low, pair.share.high],
        "allowed": None if pair.allowed is None else list(pair.allowed),
        "unexpected": pair.nr_unexpected,
    }


def _difference(each: Difference) -> dict[str, object]:
    reason = each.reason
    return {
        "subject": str(each.subject),
        "name": each.name,
        "model": each.model,
        "live": each.live,
        "reason": None if reason is None else reason.text,
        "source": None if reason is None else reason.source,
    }


def _lone(each: Lone) -> dict[str, object]:
    return {
        "subject": str(each.subject),
        "name": each.name,
        "asked": each.side,
        "reason": each.reason,
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [_number(value) for value in values]
