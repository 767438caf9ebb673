"""One fresh process that counts the instructions of every benchmark in a plan.

Reads a plan from standard input and writes one JSON object a line to standard output; the totals
are written by Valgrind, into files that carry the label in the line. Without Valgrind it does the
same and counts nothing: so it fills the cache of compiled code, and checks every answer. Run as
``python -m xenperf.measure.count_worker``.
"""

import contextlib
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from xenperf.backends import backend
from xenperf.errors import XenperfError
from xenperf.hypervisor import Activation, Feature
from xenperf.measure.client_requests import ClientRequests
from xenperf.measure.count_plan import CountPlan
from xenperf.scenarios import catalogue
from xenperf.scenarios.kinds import Benchmark, Setting, ready

MODEL: Final = "model"
MIN_OPERATIONS: Final = 1 << 15  # eight passes over all ports, two over the drawn frames
PRACTICE_CALLS: Final = 200  # CPython rewrites the code of a caller that is hot: so first heat it
REPEATS: Final = 3  # what happens once in a process falls into one of them; the median is taken
Message = dict[str, Any]


def count(plan: CountPlan, requests: ClientRequests) -> Iterator[Message]:
    """Yield a message for each benchmark and activation, and before compiling."""
    if plan.compile_all and not requests.is_valgrind_there:
        yield {"kind": "progress", "doing": "compile"}
        backend(MODEL).warm_up(*_patches(plan))
    gc.disable()  # or a collection would fall into some total
    for name in plan.names:
        for activation in Activation:
            message = _message(plan, catalogue.benchmark(name), activation, requests)
            if message is not None:
                yield message


def _message(
    plan: CountPlan, benchmark: Benchmark, activation: Activation, requests: ClientRequests
) -> Message | None:
    """Count one benchmark one way; None where the kernel has no such activation."""
    message: Message = {"kind": "counted", "name": benchmark.name, "activation": str(activation)}
    try:
        with _ready(plan, benchmark, activation) as setting:
            if setting is None:
                return None
            return {**message, **_counted(benchmark, setting, requests)}
    except XenperfError as error:
        return {**message, "invalid": str(error)}


def _counted(benchmark: Benchmark, setting: Setting, requests: ClientRequests) -> Message:
    """Count one loop at two sizes, some times over; *labels* has a pair for each time."""
    n = -(-MIN_OPERATIONS // benchmark.cycle) * benchmark.cycle
    labels = [
        [f"{benchmark.name} {setting.activation} {size} {idx}" for size in (n, 2 * n)]
        for idx in range(REPEATS)
    ]
    loop = benchmark.prepare(setting)
    practice = [benchmark.cycle] * PRACTICE_CALLS
    wrong = [size for size in practice if requests.counted(loop, size) != size]
    with requests.instrumented():
        for label, size in ((pair[idx], (idx + 1) * n) for pair in labels for idx in (0, 1)):
            requests.forget()
            if requests.counted(loop, size) != size:
                wrong.append(size)
            requests.write_down(label)
    if wrong:
        return {"invalid": f"not every one of {wrong[0]} operations went as expected"}
    return {"n": n, "labels": labels}


@contextlib.contextmanager
def _ready(
    plan: CountPlan, benchmark: Benchmark, activation: Activation
) -> Iterator[Setting | None]:
    """Open a VM with every cache active; None where the kernel has no such activation."""
    shape = replace(plan.shape, nr_vcpus=max(plan.shape.nr_vcpus, benchmark.nr_vcpus))
    with backend(MODEL).open(shape.vm_size, *_patches(plan)) as host:
        has_it = activation is Activation.GPA or Feature.SHINFO_HVA in host.features
        yield ready(host, shape, activation) if has_it else None


def _patches(plan: CountPlan) -> list[frozenset[str]]:
    """Return the argument that says what the kernel is built with; none if nothing was chosen."""
    return [] if plan.patches is None else [frozenset(plan.patches)]


def main(source: Callable[[], str], out: Callable[[str], object]) -> None:
    """Count the plan that *source* returns and hand each message, as a line, to *out*."""
    with ClientRequests() as requests:
        for message in count(CountPlan.from_json(source()), requests):
            out(json.dumps(message) + "\n")


def _write(line: str) -> None:
    """Write *line* at once, whole: the reader may be waiting for it."""
    os.write(1, line.encode())


if __name__ == "__main__":
    main(sys.stdin.readline, _write)
