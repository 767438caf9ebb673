"""pyperf microbenchmarks of the catalogue's costs, by one activation a run.

    python bench/micro/costs.py --activation gpa -o gpa.json
    python bench/micro/costs.py --activation hva -o hva.json
    python -m pyperf compare_to gpa.json hva.json

Two files recorded one after the other share neither process nor minute. What pyperf then calls
significant may be drift; ``xenperf run`` times both activations in turn instead. Options of pyperf
(``--fast``, ``--affinity``, ``-o``, ...) work as usual.
"""

import fnmatch
import time
from typing import Any

import pyperf

from xenperf.backends import backend
from xenperf.hypervisor import Activation, Loop
from xenperf.scenarios.catalogue import BENCHMARKS
from xenperf.scenarios.kinds import Benchmark, ready
from xenperf.vmm.machine import Shape

BATCH = 4096  # operations a pyperf loop: the call itself is below one part in a hundred
INHERITED = "PYTHONPATH,XENPERF_CACHE_DIR,XDG_CACHE_HOME,HOME,NUMBA_DISABLE_JIT,NUMBA_CPU_NAME"


def time_batches(loops: int, loop: Loop) -> float:
    """Return the seconds that *loops* batches took; every operation must have gone right."""
    n = loops * BATCH
    start = time.perf_counter()
    hits = loop(n)
    seconds = time.perf_counter() - start
    if hits != n:
        raise RuntimeError(f"{n - hits} of {n} operations did not have the outcome expected")
    return seconds


def pass_on(command: list[str], args: Any) -> None:
    """Give worker processes the options that pyperf does not know."""
    command += ["--activation", args.activation]
    for glob in args.only:
        command += ["--only", glob]


def run(runner: pyperf.Runner, entry: Benchmark, activation: Activation) -> None:
    """Measure one cost on a fresh machine."""
    shape = Shape(nr_vcpus=entry.nr_vcpus)
    with backend("model").open(shape.vm_size) as host:
        loop = entry.prepare(ready(host, shape, activation))
        loop(BATCH)  # compiles
        runner.bench_time_func(entry.name, time_batches, loop, inner_loops=BATCH)


def main() -> None:
    """Parse pyperf's options and ours, and run what was asked for."""
    runner = pyperf.Runner(add_cmdline_args=pass_on)
    runner.argparser.description = (__doc__ or "").partition("\n")[0]
    runner.argparser.add_argument(
        "--activation", choices=[str(a) for a in Activation], required=True
    )
    runner.argparser.add_argument(
        "--only", metavar="GLOB", action="append", default=[], help="names from 'xenperf list'"
    )
    args = runner.parse_args()
    args.inherit_environ = [*(args.inherit_environ or []), *INHERITED.split(",")]
    runner.metadata["xenperf_activation"] = args.activation
    chosen = [
        entry
        for entry in BENCHMARKS
        if not args.only or any(fnmatch.fnmatch(entry.name, glob) for glob in args.only)
    ]
    if not chosen:
        raise SystemExit(f"--only {' '.join(args.only)}: no such cost; xenperf list shows them all")
    for entry in chosen:
        run(runner, entry, Activation(args.activation))


if __name__ == "__main__":
    main()
