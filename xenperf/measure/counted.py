"""Sides in one process, in turn, on a machine whose clock counts instructions.

Such a count repeats to the last digit, but for what else the machine does meanwhile: a tick of its
timer, a page that is missing. Hence single operations, and of each round their median.
"""

import statistics
from collections.abc import Sequence
from typing import Final

from xenperf.hypervisor import Loop, StampedLoop
from xenperf.measure import processor
from xenperf.measure.schedule import Slices, WrongAnswerError, orders

OPERATIONS: Final = 255
"""Single ones of a round: most of a drawn order of ports find their selector bit set already."""

CYCLES: Final = 5
"""Of a round, where operations come in cycles; a cycle is then counted as a whole."""

WARM_UP_ROUNDS: Final = 2


def count_in_turn(
    loops: Sequence[Loop], *, rounds: int, start: int, cycle: int
) -> tuple[int, list[Slices]]:
    """Count *loops* in turn, as ``take_turns`` times them; return operations a slice, and slices.

    A slice is here the median of what a round took for *cycle* operations, in ticks of the time
    stamp counter. ``WrongAnswerError`` if an operation failed, or a loop cannot be looked at.
    """
    slices = [Slices() for _ in loops]
    for _ in range(WARM_UP_ROUNDS):
        for loop in loops:
            _median(loop, cycle)
    for order in orders(len(loops), rounds, start):
        for side in order:
            _add(slices[side], _median(loops[side], cycle))
    return cycle, slices


def _median(loop: Loop, cycle: int) -> int:
    """Return the median count of a cycle, one that was observed, over a round."""
    if not isinstance(loop, StampedLoop):
        raise WrongAnswerError("this back end cannot count single operations")
    n = OPERATIONS if cycle == 1 else CYCLES * cycle
    hits, ticks = loop.each(n)
    if hits != n:
        raise WrongAnswerError(f"{n - hits} of {n} operations did not have the outcome expected")
    return statistics.median_low(map(int, ticks.reshape(-1, cycle).sum(axis=1)))


def _add(slices: Slices, ticks: int) -> None:
    """Add a round: under such a clock both kinds of time are the same count."""
    slices.cpu_ns.append(ticks)
    slices.wall_ns.append(ticks)
    for each in (slices.voluntary_switches, slices.involuntary_switches, slices.minor_faults):
        each.append(0)
    for cpus in (slices.first_cpu, slices.last_cpu):  # the only one there
        cpus.append(processor.number())
