"""Recorded sessions as hypothesis draws them: every kind of message, sound and finished or not."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from xenperf.measure import conditions
from xenperf.measure.beside import NOT_YET, Instructions
from xenperf.measure.cells import by_cell, shapes
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session
from xenperf.measure.sides import BY_ACTIVATION, Build, between_builds
from xenperf.record.recorded import Recorded, document
from xenperf.vmm.machine import Shape

COSTS = ("gpc.check", "lock.read", "renamed.since")
SCENARIO = "break_apart"
CONDITIONS = conditions.now()
TIMES = st.integers(1, 1 << 40)
CELLS = by_cell(shapes([1, 8], [], Shape()), Build())
KINDS = {(BY_ACTIVATION,): "run", CELLS: "sweep"}
BUILDS = [("base", Build()), ("head", Build(copy=3))]


@st.composite
def recorded(draw: st.DrawFn) -> Recorded:
    """Draw what a measuring verb may have written."""
    plan = Plan(
        names=(*draw(st.lists(st.sampled_from(COSTS), min_size=1, unique=True)), SCENARIO),
        shape=Shape(nr_slots=draw(st.integers(1, 9)), port=7),
        workers=draw(st.integers(1, 4)),
        rounds=draw(st.integers(1, 5)),
        seed=draw(st.integers(0, 1 << 40)),
        comparisons=draw(
            st.sampled_from(((BY_ACTIVATION,), between_builds(BUILDS, ("gpc.check",)), CELLS))
        ),
    )
    plan = replace(plan, cells_in_turn=plan.comparisons == CELLS)
    kind = KINDS.get(plan.comparisons, "compare")
    lacking = draw(st.sampled_from((None, "hva", "head")))
    nr_workers = draw(st.integers(1, plan.workers))
    workers = [draw(said(plan, idx, lacking)) for idx in range(nr_workers)]
    if draw(st.booleans()):  # the last one died
        workers[-1] = workers[-1][: draw(st.integers(0, len(workers[-1]) - 1))]
    cut_short = draw(st.sampled_from((None, "interrupted")))
    budget = draw(st.sampled_from((None, 2.5)))
    looks = [1] if budget and nr_workers > 1 else []
    return Recorded(
        Session(plan, workers, cut_short, budget, looks),
        environment={"cpu": "a CPU", "cpus": 2, "load_1min": 0.1, "commit": None},
        command="xenperf run --only 'gpc.*' --seed 1",
        kind=kind,
        about={"base": "one é"},
        remarks=("a dirty tree",) * draw(st.integers(0, 1)),
        begun="2026-01-02T03:04:05+01:00",
        sources="0123456789abcdef",
        instructions=draw(st.none() | instructions(plan)),
    )


@st.composite
def instructions(draw: st.DrawFn, plan: Plan) -> Instructions:
    """Draw what may have been counted beside the times."""
    runs = draw(st.integers(1, 3))
    if draw(st.booleans()):
        return Instructions(runs, missing=draw(st.sampled_from((NOT_YET, "valgrind: missing"))))
    found = st.lists(st.floats(0.5, 1e6), min_size=runs, max_size=runs)
    counted: list[dict[str, Any]] = []
    for name in plan.names[:-1]:
        for comparison in plan.of(name):
            labels = [side.label for side in comparison.sides]
            named = {"name": name, "comparison": comparison.variant, "variant": comparison.variant}
            right = {**named, "sides": {label: draw(st.none() | found) for label in labels}}
            wrong = {**named, "sides": {}, "invalid": "by gpa: 3 of 8"}
            counted.append(draw(st.sampled_from((right, right, wrong))))
    return Instructions(runs, tuple(counted), None)


@st.composite
def said(draw: st.DrawFn, plan: Plan, worker_idx: int, lacking: str | None) -> list[dict[str, Any]]:
    """Draw the messages of one worker."""
    begin = {"kind": "begin", "seed": plan.for_worker(worker_idx).seed, "conditions": CONDITIONS}
    messages: list[dict[str, Any]] = [{**begin, "at": float(worker_idx)}]
    if plan.cells_in_turn and draw(st.booleans()):
        messages[0]["machine"] = draw(st.sampled_from(("one", "other")))
    for name in plan.names:
        for comparison in plan.of(name):
            labels = [side.label for side in comparison.sides]
            there = [label for label in labels if label != lacking]
            named = {"name": name, "comparison": comparison.variant, "variant": comparison.variant}
            if name == SCENARIO:
                messages.append(draw(counted(named, labels, there)))
            else:
                messages.append(draw(timed(plan, named, labels, there)))
    return [*messages, {"kind": "end", "seconds": 1.5, "conditions": CONDITIONS}]


@st.composite
def counted(draw: st.DrawFn, named: Any, labels: list[str], there: list[str]) -> dict[str, Any]:
    count = {"subject": "phase", "metric": "refused", "unit": "of 64 sends"}
    values = {label: [{**count, "value": draw(st.integers(0, 64))}] for label in there}
    message = {"kind": "count", **named, "sides": {label: values.get(label) for label in labels}}
    return draw(st.sampled_from((message, {**message, "invalid": "no such page"})))


@st.composite
def timed(
    draw: st.DrawFn, plan: Plan, named: Any, labels: list[str], there: list[str]
) -> dict[str, Any]:
    known = {"unit": "ns/op", "metric": "cpu_time", "is_control": named["name"] == "lock.read"}
    message = {"kind": "cost", **named, **known, "order": there}
    if draw(st.integers(0, 9)) == 0:
        return {**message, "invalid": "3 of 4096 operations failed"}
    times = st.lists(TIMES, min_size=plan.rounds, max_size=plan.rounds)
    zeros = [0] * plan.rounds
    sides = {
        label: {
            "cpu_ns": draw(times),
            "wall_ns": draw(times),
            "voluntary_switches": zeros,
            "involuntary_switches": zeros,
            "minor_faults": zeros,
            **draw(cpus(plan.rounds)),
        }
        for label in there
    }
    offsets = st.none() | st.dictionaries(st.sampled_from(("vm", "code")), st.integers(0, 4095))
    if draw(st.booleans()):  # older files have none
        message["page_offsets"] = {label: draw(offsets) for label in there}
    shown = {label: sides.get(label) for label in labels}
    return {**message, "start": 0, "n": draw(st.integers(1, 99_999)), "sides": shown}


def cpus(rounds: int) -> st.SearchStrategy[dict[str, list[int | None]]]:
    """Draw on which CPUs slices ran; an older file does not say."""
    numbers = st.lists(st.none() | st.integers(0, 3), min_size=rounds, max_size=rounds)
    return st.just({}) | st.fixed_dictionaries({"first_cpu": numbers, "last_cpu": numbers})


def text_of(one: Recorded) -> str:
    """Return a file with *one*, without the rows that nobody reads again."""
    report = {
        "schema": "xenperf/1",
        "kind": one.kind,
        "environment": dict(one.environment),
        "about": dict(one.about),
        "command": one.command,
        "cut_short": one.session.cut_short,
    }
    return document(one, report)


def content_of(one: Recorded) -> dict[str, Any]:
    """Return the object that a file with *one* holds."""
    found: dict[str, Any] = json.loads(text_of(one))
    return found
