"""Sides in one process, in turn: equal counts, balanced order, the same number of operations each.

Whatever drifts slower than a round - frequency, a neighbour's load - meets all sides alike.
"""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from xenperf.hypervisor import Loop
from xenperf.measure import processor
from xenperf.measure.plan import DISCARDED_SLICES

MIN_OPERATIONS: Final = 1
CALIBRATION_SHARE: Final = 0.1  # of a slice; a shorter trial says too little about its length
MAX_DOUBLINGS: Final = 40


class WrongAnswerError(Exception):
    """A loop did not do what it was timed for."""


@dataclass(slots=True)
class Slices:
    """Every slice of one side, in the order it ran; nothing is left out."""

    cpu_ns: list[int] = field(default_factory=list)
    """Thread CPU time."""

    wall_ns: list[int] = field(default_factory=list)
    voluntary_switches: list[int] = field(default_factory=list)
    involuntary_switches: list[int] = field(default_factory=list)
    minor_faults: list[int] = field(default_factory=list)
    first_cpu: list[int | None] = field(default_factory=list)
    """The CPU that it began on; None where the system does not tell."""

    last_cpu: list[int | None] = field(default_factory=list)
    """The CPU that it ended on."""


def timed(loop: Loop, n: int, slices: Slices) -> None:
    """Run *n* operations once and record what they took; ``WrongAnswerError`` if one failed."""
    before, first_cpu = resource.getrusage(resource.RUSAGE_THREAD), processor.number()
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    hits = loop(n)
    cpu_ns, wall_ns = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    last_cpu, after = processor.number(), resource.getrusage(resource.RUSAGE_THREAD)
    if hits != n:
        raise WrongAnswerError(f"{n - hits} of {n} operations did not have the outcome expected")
    slices.cpu_ns.append(cpu_ns)
    slices.wall_ns.append(wall_ns)
    slices.voluntary_switches.append(after.ru_nvcsw - before.ru_nvcsw)
    slices.involuntary_switches.append(after.ru_nivcsw - before.ru_nivcsw)
    slices.minor_faults.append(after.ru_minflt - before.ru_minflt)
    slices.first_cpu.append(first_cpu)
    slices.last_cpu.append(last_cpu)


def calibrate(loop: Loop, slice_ns: int, cycle: int) -> int:
    """Return how many operations fill a slice, a multiple of *cycle*, confirmed twice.

    Done once, on one side; both sides then run as many, since separate counts bias the ratio.
    """
    n = cycle
    for _ in range(MAX_DOUBLINGS):
        if _cpu_ns(loop, n) >= slice_ns * CALIBRATION_SHARE:
            break
        n *= 2
    for _ in range(2):
        n = max(1, round(n * slice_ns / max(1, _cpu_ns(loop, n)) / cycle)) * cycle
    return n


def orders(nr_sides: int, rounds: int, start: int) -> list[list[int]]:
    """Return who runs when: a list of side numbers for each round.

    Two sides: A B, B A, A B, ... More: a cyclic Latin square, every second round backwards, so
    that each side stands in each place, and before and after each neighbour, equally often.

    start
        Turns the whole round: the number of the side that opens.
    """
    found = []
    for round_idx in range(rounds):
        turn = start + round_idx // 2
        if nr_sides == 2:
            turn = start
        order = [(turn + place) % nr_sides for place in range(nr_sides)]
        found.append(order if round_idx % 2 == 0 else order[::-1])
    return found


def take_turns(
    loops: Sequence[Loop], *, slice_ns: int, rounds: int, start: int = 0, cycle: int = 1
) -> tuple[int, list[Slices]]:
    """Time *loops* against each other; return operations a slice, and the slices of each.

    The number of operations is calibrated once, on the first loop. Slice *i* of every loop ran in
    round *i*. The first three slices of each are thrown away.
    """
    n = calibrate(loops[0], slice_ns, cycle)
    for _ in range(DISCARDED_SLICES):
        for loop in loops:
            timed(loop, n, Slices())
    slices = [Slices() for _ in loops]
    for order in orders(len(loops), rounds, start):
        for side in order:
            timed(loops[side], n, slices[side])
    return n, slices


def alternate(
    a: Loop, b: Loop, *, slice_ns: int, rounds: int, a_first: bool, cycle: int = 1
) -> tuple[int, Slices, Slices]:
    """Time *a* against *b*, as ``take_turns`` does; *a_first* says who opens."""
    start = 0 if a_first else 1
    n, (slices_a, slices_b) = take_turns(
        [a, b], slice_ns=slice_ns, rounds=rounds, start=start, cycle=cycle
    )
    return n, slices_a, slices_b


def _cpu_ns(loop: Loop, n: int) -> int:
    trial = Slices()
    timed(loop, n, trial)
    return trial.cpu_ns[0]
