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
from dataclasses import asdict
from typing import Any

from xenperf.backends import backend
from xenperf.errors import XenperfError
from xenperf.hypervisor import Activation
from xenperf.measure.plan import Plan
from xenperf.measure.schedule import WrongAnswerError, alternate
from xenperf.scenarios import catalogue
from xenperf.scenarios.kinds import Benchmark, Setting, ready
from xenperf.vmm.machine import Shape

Message = dict[str, Any]
Activations = list[Activation]


def measure(plan: Plan) -> Iterator[Message]:
    """Yield a message for each name of *plan*, costs and counts alike, and before compiling."""
    drawn = random.Random(plan.seed)
    chosen = backend(plan.backend)
    if plan.compile_all:
        yield {"kind": "progress", "doing": "compile"}
        chosen.warm_up()
    for name in plan.names:
        order = drawn.sample(list(Activation), 2)
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
            n, gpa, hva = alternate(
                loops[Activation.GPA],
                loops[Activation.HVA],
                slice_ns=plan.slice_ns,
                rounds=plan.rounds,
                a_first=drawn.random() < 0.5,
                cycle=benchmark.cycle,
            )
        except (WrongAnswerError, XenperfError) as error:
            return {**message, "invalid": str(error)}
    return {**message, "n": n, "gpa": asdict(gpa), "hva": asdict(hva)}


def observe(plan: Plan, name: str, order: Activations) -> Message:
    """Run one scenario by both activations and return its counts."""
    scenario, counts = catalogue.scenario(name), {}
    try:
        for activation in order:
            with backend(plan.backend).open(plan.shape.vm_size) as host:
                counts[activation] = scenario.run(host, plan.shape, activation)
    except XenperfError as error:
        return {"kind": "count", "name": name, "invalid": str(error), "counts": []}
    return {
        "kind": "count",
        "name": name,
        "counts": [
            {**asdict(gpa), "gpa": gpa.value, "hva": hva.value}
            for gpa, hva in zip(counts[Activation.GPA], counts[Activation.HVA], strict=True)
        ],
    }


def _shape_for(shape: Shape, benchmark: Benchmark) -> Shape:
    nr_vcpus = max(shape.nr_vcpus, benchmark.nr_vcpus)
    return Shape(shape.nr_slots, nr_vcpus, shape.long_mode, shape.port)


@contextlib.contextmanager
def _ready(plan: Plan, shape: Shape, activation: Activation) -> Iterator[Setting]:
    """Open a VM with the overlay in place and every cache active."""
    with backend(plan.backend).open(shape.vm_size) as host:
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
