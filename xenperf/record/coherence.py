"""Whether what the workers of a recorded file said fits its plan and each other."""

from collections.abc import Mapping, Sequence
from typing import Any

from xenperf.measure.plan import Plan
from xenperf.measure.sides import Comparison
from xenperf.record.checks import expect

Message = Mapping[str, Any]


def check(plan: Plan, raw: Mapping[str, Any]) -> None:
    """Raise ``MisshapenError`` where *raw*, of the right shape already, contradicts itself."""
    _check_plan(plan)
    if raw.get("instructions") is not None:
        _check_instructions(plan, raw["instructions"]["counted"], "raw.instructions.counted")
    workers, looks = raw["workers"], raw["looks"]
    expect(looks == sorted(set(looks)), "raw.looks", "in rising order")
    expect(not looks or looks[-1] <= len(workers), "raw.looks", "at most the number of workers")
    expect(not looks or raw["budget_s"] is not None, "raw.looks", "empty, as without a budget")
    described: dict[tuple[str, str], tuple[Any, ...]] = {}
    present: dict[tuple[str, str], list[bool]] = {}
    for worker_idx, said in enumerate(workers):
        where = f"raw.workers[{worker_idx}]"
        _check_order(said, where)
        for idx, message in enumerate(said):
            if "name" in message:
                here = f"{where}[{idx}]"
                _check_message(plan, message, here)
                key = message["name"], message["comparison"]
                known = tuple(
                    message.get(one) for one in ("kind", "unit", "metric", "is_control", "variant")
                )
                expect(described.setdefault(key, known) == known, here, "like the other workers'")
                if "invalid" not in message:
                    there = [slices is not None for slices in message["sides"].values()]
                    alike = present.setdefault(key, there) == there
                    expect(alike, f"{here}.sides", "those of the other workers")


def _check_instructions(plan: Plan, counted: Sequence[Message], where: str) -> None:
    """Refuse what was counted and is not of *plan*, or is there twice."""
    keys = [(message["name"], message["comparison"]) for message in counted]
    expect(len(set(keys)) == len(keys), where, "each cost once")
    for idx, message in enumerate(counted):
        known = {comparison.variant: comparison for comparison in plan.of(message["name"])}
        there = message["name"] in plan.names and message["comparison"] in known
        expect(there, f"{where}[{idx}]", "in the plan")
        labels = {side.label for side in known[message["comparison"]].sides}
        expect(set(message["sides"]) <= labels, f"{where}[{idx}].sides", "of its comparison")


def _check_plan(plan: Plan) -> None:
    expect(len(set(plan.names)) == len(plan.names), "raw.plan.names", "each there once")
    variants = [comparison.variant for comparison in plan.comparisons]
    expect(len(set(variants)) == len(variants), "raw.plan.comparisons", "each variant there once")
    cells = [comparison.shape is not None for comparison in plan.comparisons]
    alike = all(cells) if plan.cells_in_turn else not any(cells)
    expect(alike, "raw.plan.comparisons", "each with a shape in a sweep, and else without")
    for comparison in plan.comparisons:
        labels = [side.label for side in comparison.sides]
        expect(len(set(labels)) == len(labels), "raw.plan.comparisons", "sides of different names")


def _check_order(said: Sequence[Message], where: str) -> None:
    """A worker says first that it begins, last that it ends, and each name once in between."""
    kinds = [message["kind"] for message in said]
    expect(not kinds or kinds[0] == "begin", where, "a worker that begins")
    expect("begin" not in kinds[1:], where, "a worker that begins once")
    expect("end" not in kinds[:-1], where, "a worker that ends at its end")
    names = [(one["name"], one["comparison"]) for one in said if "name" in one]
    expect(len(set(names)) == len(names), where, "a worker that says each name once")


def _check_message(plan: Plan, message: Message, where: str) -> None:
    known = {comparison.variant: comparison for comparison in plan.of(message["name"])}
    expect(message["name"] in plan.names, f"{where}.name", "in the plan")
    expect(message["comparison"] in known, f"{where}.comparison", "in the plan")
    comparison = known[message["comparison"]]
    labels = [side.label for side in comparison.sides]
    placed = set(message.get("page_offsets", ()))
    expect(placed <= set(labels), f"{where}.page_offsets", "of its sides")
    if "sides" in message:
        expect(_fits(message["sides"], labels, message), f"{where}.sides", f"{labels}")
    if message["kind"] == "cost" and "invalid" not in message:
        _check_slices(plan, comparison, message, where)
    elif message["kind"] == "count" and "invalid" not in message:
        _check_counts(message["sides"], where)


def _fits(sides: Mapping[str, Any], labels: list[str], message: Message) -> bool:
    """Tell whether the sides are those of the comparison; what is invalid may lack some."""
    if "invalid" in message:
        return set(sides) <= set(labels)
    return list(sides) == labels and any(side is not None for side in sides.values())


def _check_slices(plan: Plan, comparison: Comparison, message: Message, where: str) -> None:
    there = {label: slices for label, slices in message["sides"].items() if slices is not None}
    for label, slices in there.items():
        both = ("first_cpu" in slices) == ("last_cpu" in slices)
        expect(both, f"{where}.sides.{label}.last_cpu", "there where first_cpu is")
        for name, values in slices.items():
            place = f"{where}.sides.{label}.{name}"
            expect(len(values) == plan.rounds, place, f"{plan.rounds} long, as the plan says")
    expect(message["start"] < len(there), f"{where}.start", "the number of a side")
    labels = {side.label for side in comparison.sides}
    expect(set(message["order"]) <= labels, f"{where}.order", "of sides of the plan")
    expect(set(message.get("ns", there)) >= set(there), f"{where}.ns", "there for each side")


def _check_counts(sides: Mapping[str, Any], where: str) -> None:
    for label, counts in sides.items():
        figures = [(count["subject"], count["metric"]) for count in counts or ()]
        expect(len(set(figures)) == len(figures), f"{where}.sides.{label}", "each figure once")
