"""What the workers said, sorted by benchmark, comparison and pair of sides."""

from collections.abc import Iterator, Sequence
from typing import Any

from xenperf.measure.plan import Plan
from xenperf.measure.sides import Comparison
from xenperf.stats.robust import median
from xenperf.stats.samples import CPU_TIME, CostSample, CountSample, WorkerTimes

Message = dict[str, Any]


def cost_samples(plan: Plan, workers: Sequence[Sequence[Message]]) -> list[CostSample]:
    """Return a sample for each benchmark and pair of sides, in the order of *plan*."""
    return [
        _cost_sample(name, comparison, pair, messages)
        for name, comparison, messages in _said(plan, workers)
        if messages[0]["kind"] == "cost"
        for pair in comparison.pairs
    ]


def count_samples(plan: Plan, workers: Sequence[Sequence[Message]]) -> list[CountSample]:
    """Return a sample for each exact figure and pair of sides, in the order of *plan*."""
    return [
        sample
        for name, comparison, messages in _said(plan, workers)
        if messages[0]["kind"] == "count"
        for pair in comparison.pairs
        for sample in _count_samples(name, comparison, pair, messages)
    ]


def unmeasured(plan: Plan, workers: Sequence[Sequence[Message]]) -> list[str]:
    """Return the names in *plan* that no worker came to."""
    said = {message["name"] for messages in workers for message in messages if "name" in message}
    return [name for name in plan.names if name not in said]


def said_of(
    plan: Plan, workers: Sequence[Sequence[Message]]
) -> Iterator[tuple[Message, Message, tuple[str, str]]]:
    """Yield how a worker began, each valid cost that it measured, and each pair of its sides."""
    comparisons = {comparison.variant: comparison for comparison in plan.comparisons}
    for said in workers:
        begin: Message = next((message for message in said if message["kind"] == "begin"), {})
        for message in said if begin else ():
            if message["kind"] != "cost" or "invalid" in message:
                continue
            for pair in comparisons[message["comparison"]].pairs:
                yield begin, message, pair


def _said(
    plan: Plan, workers: Sequence[Sequence[Message]]
) -> Iterator[tuple[str, Comparison, list[Message]]]:
    """Yield each name and comparison that some worker came to, with one message of each."""
    found: dict[tuple[str, str], list[Message]] = {}
    for message in (m for messages in workers for m in messages if "name" in m):
        found.setdefault((message["name"], message["comparison"]), []).append(message)
    for name in plan.names:
        for comparison in plan.of(name):
            if (name, comparison.variant) in found:
                yield name, comparison, found[name, comparison.variant]


def _cost_sample(
    name: str, comparison: Comparison, pair: tuple[str, str], messages: list[Message]
) -> CostSample:
    first = messages[0]
    return CostSample(
        benchmark=name,
        unit=first.get("unit", ""),
        workers=tuple(worker_times(m, pair) for m in messages if "invalid" not in m),
        is_control=first.get("is_control", False),
        invalid=_invalid(messages),
        sides=pair,
        variant=first["variant"],
        metric=first.get("metric", CPU_TIME),
        absent=comparison.absent,
    )


def worker_times(message: Message, pair: tuple[str, str]) -> WorkerTimes:
    """Return what one worker measured of two sides, by the operation.

    Where each side had a process of its own its rounds have no partners: its median is one round.
    """
    cpu = [per_operation(message, label, "cpu_ns") for label in pair]
    wall = [per_operation(message, label, "wall_ns") or () for label in pair]
    return WorkerTimes(cpu[0], cpu[1], wall[0], wall[1])


def per_operation(message: Message, label: str, clock: str) -> tuple[float, ...] | None:
    """Return the slices of one side in nanoseconds an operation; None if there is no such side."""
    slices = message["sides"][label]
    if slices is None:
        return None
    n = message.get("ns", {}).get(label, message["n"])
    times = tuple(ns / n for ns in slices[clock])
    return (median(times),) if "ns" in message else times


def _count_samples(
    name: str, comparison: Comparison, pair: tuple[str, str], messages: list[Message]
) -> list[CountSample]:
    """Return a sample for each figure that either side of *pair* has; one if it went wrong."""
    invalid = _invalid(messages)
    variant = messages[0]["variant"]
    if invalid is not None:
        return [CountSample(name, "outcome", "", (), (), invalid, pair, variant)]
    values = [_values(messages, label) for label in pair]
    known: dict[tuple[str, str], str] = {}
    for label in pair:
        for count in messages[0]["sides"][label] or ():
            known.setdefault((count["subject"], count["metric"]), count["unit"])
    return [
        CountSample(
            benchmark=f"{name}.{subject}",
            metric=metric,
            unit=unit,
            base=values[0].get((subject, metric)),
            head=values[1].get((subject, metric)),
            sides=pair,
            variant=variant,
            absent=comparison.absent,
        )
        for (subject, metric), unit in known.items()
    ]


def _values(messages: list[Message], label: str) -> dict[tuple[str, str], tuple[int, ...]]:
    """Return each figure of one side, worker by worker."""
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for message in messages:
        for count in message["sides"][label] or ():
            key = count["subject"], count["metric"]
            found[key] = (*found.get(key, ()), count["value"])
    return found


def _invalid(messages: list[Message]) -> str | None:
    return next((m["invalid"] for m in messages if "invalid" in m), None)
