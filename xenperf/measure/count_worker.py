"""One fresh process that counts the instructions of every benchmark in a plan.

Reads a plan from standard input and writes one JSON object a line to standard output; the totals
are written by Valgrind, into files that carry the label in the line. Without Valgrind it does the
same and counts nothing: so it fills the cache of compiled code, and checks every answer. Run as
``python -m xenperf.measure.count_worker``.
"""

import gc
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from xenperf.hypervisor import Activation, Loop
from xenperf.measure.builds import MODEL, LoadedBuild, load
from xenperf.measure.client_requests import ClientRequests
from xenperf.measure.count_plan import CountPlan, Pair

MIN_OPERATIONS: Final = 1 << 15  # eight passes over all ports, two over the drawn frames
PRACTICE_CALLS: Final = 200  # CPython rewrites the code of a caller that is hot: so first heat it
REPEATS: Final = 3  # what happens once in a process falls into one of them; the median is taken
Message = dict[str, Any]


def count(plan: CountPlan, requests: ClientRequests) -> Iterator[Message]:
    """Yield a message for each benchmark and activation of *plan*, and before compiling."""
    build = load([plan.build], MODEL, random.Random(0))[plan.build]
    if plan.compile_all and not requests.is_valgrind_there:
        yield {"kind": "progress", "doing": "compile"}
        build.warm_up()
    gc.disable()  # or a collection would fall into some total
    for name, activation in plan.pairs:
        if requests.is_valgrind_there or _has(build, name, activation):
            yield _message(plan, build, (name, activation), requests)


def _has(build: LoadedBuild, name: str, activation: Activation) -> bool:
    """Tell whether *build* knows the cost *name* and its kernel the activation.

    Asked in the rehearsal alone: what is counted then is what was found there.
    """
    is_cost = build.has(name) and build.benchmark(name) is not None
    return is_cost and build.supports(activation)


def _message(plan: CountPlan, build: LoadedBuild, pair: Pair, requests: ClientRequests) -> Message:
    """Count one benchmark one way."""
    name, activation = pair
    message: Message = {"kind": "counted", "name": name, "activation": str(activation)}
    try:
        with build.loop(name, plan.shape, activation) as loop:
            return {**message, **_counted(loop, build.benchmark(name).cycle, pair, requests)}
    except build.errors as error:
        return {**message, "invalid": str(error)}


def _counted(loop: Loop, cycle: int, pair: Pair, requests: ClientRequests) -> Message:
    """Count *loop* at two sizes, some times over; *labels* has a pair for each time."""
    n = -(-MIN_OPERATIONS // cycle) * cycle
    labels = [
        [f"{pair[0]} {pair[1]} {size} {idx}" for size in (n, 2 * n)] for idx in range(REPEATS)
    ]
    practice = [cycle] * PRACTICE_CALLS
    wrong = [size for size in practice if requests.counted(loop, size) != size]
    with requests.instrumented():
        for label, size in ((each[idx], (idx + 1) * n) for each in labels for idx in (0, 1)):
            requests.forget()
            if requests.counted(loop, size) != size:
                wrong.append(size)
            requests.write_down(label)
    if wrong:
        return {"invalid": f"not every one of {wrong[0]} operations went as expected"}
    return {"n": n, "labels": labels}


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
