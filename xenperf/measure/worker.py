"""One fresh process: measures everything in the plan once, both activations side by side.

Reads a plan from standard input and writes one JSON object a line to standard output, so that what
is finished survives whatever happens next. Run as ``python -m xenperf.measure.worker``.
"""

import contextlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from xenperf.backends import backend
from xenperf.errors import XenperfError
from xenperf.hypervisor import Activation, Feature, Hypervisor, Loop, VmSize
from xenperf.measure.plan import Plan
from xenperf.measure.schedule import Slices, WrongAnswerError, alone, alternate
from xenperf.scenarios import catalogue
from xenperf.scenarios.kinds import Benchmark, Count, Setting, ready
from xenperf.vmm.machine import Shape

Message = dict[str, Any]
Activations = list[Activation]


def measure(plan: Plan) -> Iterator[Message]:
    """Yield a message for each name of *plan*, costs and counts alike, and before compiling."""
    drawn = random.Random(plan.seed)
    if plan.compile_all:
        yield {"kind": "progress", "doing": "compile"}
        backend(plan.backend).warm_up(*_patches(plan))
    there = _activations(plan)
    for name in plan.names:
        order = drawn.sample(there, len(there))
        if catalogue.is_scenario(name):
            yield observe(plan, name, order)
        else:
            yield time_benchmark(plan, catalogue.benchmark(name), order, drawn)


def time_benchmark(
    plan: Plan, benchmark: Benchmark, order: Activations, drawn: random.Random
) -> Message:
    """Time one benchmark; *order* says which machine is built first."""
    message: Message = {"kind": "cost", "name": benchmark.name, "order": [str(a) for a in order]}
    shape = _shape_for(plan.shape, benchmark)
    with contextlib.ExitStack() as machines:
        settings = {a: machines.enter_context(_ready(plan, shape, a)) for a in order}
        try:
            loops = {a: benchmark.prepare(settings[a]) for a in order}
            n, slices = _timed(plan, loops, benchmark.cycle, drawn)
        except (WrongAnswerError, XenperfError) as error:
            return {**message, "invalid": str(error)}
    return {**message, "n": n, **_by_activation({a: asdict(s) for a, s in slices.items()})}


def _timed(
    plan: Plan, loops: dict[Activation, Loop], cycle: int, drawn: random.Random
) -> tuple[int, dict[Activation, Slices]]:
    """Time the loops in turn, or the one there is; return operations a slice, and the slices."""
    if Activation.HVA not in loops:
        loop = loops[Activation.GPA]
        n, gpa = alone(loop, slice_ns=plan.slice_ns, rounds=plan.rounds, cycle=cycle)
        return n, {Activation.GPA: gpa}
    n, gpa, hva = alternate(
        loops[Activation.GPA],
        loops[Activation.HVA],
        slice_ns=plan.slice_ns,
        rounds=plan.rounds,
        a_first=drawn.random() < 0.5,
        cycle=cycle,
    )
    return n, {Activation.GPA: gpa, Activation.HVA: hva}


def observe(plan: Plan, name: str, order: Activations) -> Message:
    """Run one scenario by both activations and return its counts."""
    scenario = catalogue.scenario(name)
    counts: dict[Activation, list[Count]] = {}
    try:
        for activation in order:
            with _open_to_count(plan, plan.shape.vm_size) as host:
                counts[activation] = scenario.run(host, plan.shape, activation)
    except XenperfError as error:
        return {"kind": "count", "name": name, "invalid": str(error), "counts": []}
    return {
        "kind": "count",
        "name": name,
        "counts": [
            {**asdict(same[0]), **_by_activation(dict(zip(counts, same_values, strict=True)))}
            for same in zip(*counts.values(), strict=True)
            for same_values in [[count.value for count in same]]
        ],
    }


def _by_activation(found: dict[Activation, Any]) -> Message:
    """Return what was *found* under the name of each activation; None where it does not exist."""
    return {str(activation): found.get(activation) for activation in Activation}


def _patches(plan: Plan) -> list[frozenset[str]]:
    """Return the argument that says what the kernel is built with; none if nothing was chosen."""
    return [] if plan.patches is None else [frozenset(plan.patches)]


def _open(plan: Plan, size: VmSize) -> Hypervisor:
    """Open a VM on the kernel of *plan*."""
    return backend(plan.backend).open(size, *_patches(plan))


def _open_to_count(plan: Plan, size: VmSize) -> Hypervisor:
    """Open a VM on the kernel of *plan* whose speed does not matter."""
    return backend(plan.backend).open_to_count(size, *_patches(plan))


def _activations(plan: Plan) -> Activations:
    """Return the ways to activate that the kernel of *plan* has."""
    with _open_to_count(plan, plan.shape.vm_size) as host:
        has_hva = Feature.SHINFO_HVA in host.features
    return list(Activation) if has_hva else [Activation.GPA]


def _shape_for(shape: Shape, benchmark: Benchmark) -> Shape:
    return replace(shape, nr_vcpus=max(shape.nr_vcpus, benchmark.nr_vcpus))


@contextlib.contextmanager
def _ready(plan: Plan, shape: Shape, activation: Activation) -> Iterator[Setting]:
    """Open a VM with the overlay in place and every cache active."""
    with _open(plan, shape.vm_size) as host:
        yield ready(host, shape, activation)


def main(source: Callable[[], str], out: Callable[[str], object]) -> None:
    """Measure the plan that *source* returns and hand each message, as a line, to *out*."""
    for message in measure(Plan.from_json(source())):
        out(json.dumps(message) + "\n")


def _write(line: str) -> None:
    """Write *line* at once, whole: the reader may be waiting for it, or about to end us."""
    os.write(1, line.encode())


if __name__ == "__main__":
    main(sys.stdin.readline, _write)
