"""Sides that cannot share a process: each has one of its own, and the processes take turns."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from xenperf.measure.plan import Plan
from xenperf.measure.process import messages
from xenperf.measure.sides import Build

Message = dict[str, Any]


def turns(plan: Plan, worker_idx: int) -> Iterator[Message]:
    """Run a process for each build of *plan*, and say what one process with all would have said.

    Turns are ABBA: every second worker goes through the builds backwards.
    """
    builds = list(dict.fromkeys(side.build for c in plan.comparisons for side in c.sides))
    order = builds if worker_idx % 2 == 0 else builds[::-1]
    said = [list(messages(_only(plan, build))) for build in order]
    yield said[0][0]
    found: dict[tuple[str, str], Message] = {}
    for message in (each for said_by_one in said for each in said_by_one):
        if "name" in message:
            key = message["name"], message["comparison"]
            found[key] = merged(found[key], message) if key in found else message
    for name in plan.names:
        for comparison in plan.of(name):
            if (name, comparison.variant) in found:
                labels = [side.label for side in comparison.sides]
                yield _in_order(found[name, comparison.variant], labels)
    seconds = sum(each[-1]["seconds"] for each in said)
    yield {**said[-1][-1], "seconds": round(seconds, 3)}


def merged(message: Message, other: Message) -> Message:
    """Return one message of two processes; an invalid one makes the whole invalid."""
    both = {**message, "sides": {**message.get("sides", {}), **other.get("sides", {})}}
    if "page_offsets" in message and "page_offsets" in other:
        both["page_offsets"] = {**message["page_offsets"], **other["page_offsets"]}
    if "invalid" in other:
        both["invalid"] = other["invalid"]
    if "n" in message and "n" in other:
        both["ns"] = {**_operations(message), **_operations(other)}
    return both


def _operations(message: Message) -> dict[str, int]:
    """Return how many operations a slice of each side had: every process calibrates its own."""
    if "ns" in message:
        known: dict[str, int] = message["ns"]
        return known
    return {label: message["n"] for label in message["sides"]}


def _only(plan: Plan, build: Build) -> Plan:
    """Return *plan* with the sides of one build."""
    left = [
        replace(c, sides=tuple(side for side in c.sides if side.build == build))
        for c in plan.comparisons
    ]
    return replace(plan, comparisons=tuple(c for c in left if c.sides))


def _in_order(message: Message, labels: list[str]) -> Message:
    """Return *message* with a place for every side of its comparison, in their order."""
    sides = message.get("sides", {})
    return {**message, "sides": {label: sides.get(label) for label in labels}}
