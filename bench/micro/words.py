"""pyperf microbenchmarks of single operations on one shared word, which the catalogue has none of.

    python bench/micro/words.py -o words.json
    python -m pyperf show words.json

They are the floor of the costs: a send sets a bit by ``bit_test_and_set``, takes its lock by
``fetch_add_acquire`` and checks a cache under it. Nobody else has the word here, so its cache line
never moves.
"""

import contextlib
from typing import Any

import numpy as np
from scripts import Loop, Prepare, begin, measure, runner_of
from word_kernels import KERNELS

from xenperf.jit import Kernel


def preparing(made: Kernel) -> Prepare:
    """Return what gives a kernel a cache line of its own and returns its loop."""

    def prepare(stack: contextlib.ExitStack) -> Loop:
        line = np.zeros(32, np.uint64)
        word = (line.ctypes.data + 63) & ~63
        stack.callback(line.fill, 0)  # keeps the line for as long as the loop may run

        def loop(n: int) -> int:
            line.fill(0)
            return made(word, n)

        return loop

    return prepare


def pass_on(command: list[str], args: Any) -> None:
    """Pass nothing on: there is no option that only this script knows."""


def main() -> None:
    """Parse pyperf's options and ours, and run what was asked for."""
    runner = runner_of(__doc__, pass_on)
    args = begin(runner)
    entries = [(one.name.replace("micro_", "word."), preparing(one)) for one in KERNELS]
    measure(runner, args, entries)


if __name__ == "__main__":
    main()
