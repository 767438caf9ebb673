"""Workers that need no process and measure nothing: what they say depends on the seed alone."""

from collections.abc import Iterator
from random import Random
from typing import Any

from xenperf.measure import conditions
from xenperf.measure.plan import Plan

CONDITIONS = conditions.now()


def messages(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield what a worker says that was given *plan*."""
    dice = Random(plan.seed)
    yield {"kind": "begin", "seed": plan.seed, "conditions": CONDITIONS}
    for name in plan.names:
        for comparison in plan.of(name):
            labels = [side.label for side in comparison.sides]
            named = {"name": name, "comparison": comparison.variant, "variant": comparison.variant}
            known = {"unit": "ns/op", "metric": "cpu_time", "is_control": comparison.is_control}
            sides = {label: slices(dice, plan.rounds) for label in labels}
            order = {"order": labels, "start": 0, "n": 1000}
            yield {"kind": "cost", **named, **known, **order, "sides": sides}
    yield {"kind": "end", "seconds": 1.0, "conditions": CONDITIONS}


def slices(dice: Random, rounds: int) -> dict[str, list[int]]:
    times = [dice.randrange(990_000, 1_010_000) for _ in range(rounds)]
    none = [0] * rounds
    return {
        "cpu_ns": times,
        "wall_ns": times,
        "voluntary_switches": none,
        "involuntary_switches": none,
        "minor_faults": none,
    }
