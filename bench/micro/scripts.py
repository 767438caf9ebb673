"""What the pyperf scripts here share: options, clocks, and loops that check themselves."""

import argparse
import contextlib
import fnmatch
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

try:
    import pyperf

    from xenperf.jit import DIGEST
except ModuleNotFoundError as missing:
    sys.stderr.write(
        f"{Path(sys.argv[0]).name}: {missing.name} is not installed for {sys.executable}; "
        "pip install '.[bench]' in a checkout of xenperf\n"
    )
    sys.exit(3)

BATCH = 4096  # operations a pyperf loop: the call itself is below one part in a hundred
INHERITED = (
    *("PYTHONPATH", "HOME", "XENPERF_CACHE_DIR", "XDG_CACHE_HOME"),
    *("NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_OPT"),
)
MISUSE = 2

Loop = Callable[[int], int]
"""Does so many operations, and returns how many of them went as expected."""

Prepare = Callable[[contextlib.ExitStack], Loop]
"""Sets up what a loop works on, to be closed by the stack, and returns the loop."""


class Batch:
    """A loop that pyperf can time; it is prepared when first called.

    pyperf runs the whole script in every worker, for one benchmark each: what the others would
    need is never built.
    """

    def __init__(self, prepare: Prepare, clock: Callable[[], float], stack: Any) -> None:
        self.prepare, self.clock, self.stack = prepare, clock, stack
        self.loop: Loop | None = None

    def __call__(self, loops: int) -> float:
        """Return the seconds that *loops* batches took; every operation must have gone right."""
        if self.loop is None:
            self.loop = self.prepare(self.stack)
            self.loop(BATCH)  # compiles
        n = loops * BATCH
        start = self.clock()
        hits = self.loop(n)
        seconds = self.clock() - start
        if hits != n:
            raise RuntimeError(f"{n - hits} of {n} operations did not have the outcome expected")
        return seconds


def runner_of(document: str | None, pass_on: Callable[[list[str], Any], None]) -> pyperf.Runner:
    """Return pyperf's runner with the options that all scripts have."""

    def command(words: list[str], args: argparse.Namespace) -> None:
        for glob in args.only:
            words += ["--only", glob]
        words += ["--cpu-time"] if args.cpu_time else []
        pass_on(words, args)

    runner = pyperf.Runner(add_cmdline_args=command)
    runner.argparser.description = (document or "").partition("\n")[0]
    runner.argparser.usage = "%(prog)s [--only GLOB] [--cpu-time] [any option of pyperf]"
    add = runner.argparser.add_argument
    add("--only", metavar="GLOB", action="append", default=[], help="names that match; again")
    add("--cpu-time", action="store_true", help="CPU time of the thread; else wall time")
    return runner


def begin(runner: pyperf.Runner) -> argparse.Namespace:
    """Parse the options, and see to it that workers run what this process would."""
    args = runner.parse_args()
    args.inherit_environ = [*(args.inherit_environ or []), *INHERITED]
    runner.metadata["xenperf_sources"] = DIGEST
    if args.cpu_time:
        runner.metadata["timer"] = "time.thread_time()"
    return args


def measure(
    runner: pyperf.Runner, args: argparse.Namespace, entries: Sequence[tuple[str, Prepare]]
) -> None:
    """Have pyperf measure the *entries* asked for."""
    chosen = chosen_of([name for name, _ in entries], args.only)
    clock = time.thread_time if args.cpu_time else time.perf_counter
    with contextlib.ExitStack() as stack:
        for name, prepare in entries:
            if name in chosen:
                runner.bench_time_func(name, Batch(prepare, clock, stack), inner_loops=BATCH)


def chosen_of(names: Sequence[str], globs: Sequence[str]) -> set[str]:
    """Return the names that match; a glob that matches none ends the script."""
    for glob in globs:
        if not fnmatch.filter(names, glob):
            refuse(f"--only {glob}: no such name; there are {', '.join(names)}")
    return {name for name in names if not globs or any(fnmatch.fnmatch(name, g) for g in globs)}


def refuse(reason: str) -> NoReturn:
    """End the script with one line."""
    sys.stderr.write(f"{Path(sys.argv[0]).name}: {reason}\n")
    sys.exit(MISUSE)
