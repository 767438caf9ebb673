"""Two sides in one process, in turn: ABBA, equal counts, the same number of operations each.

Whatever drifts slower than a round - frequency, a neighbour's load - meets both sides alike.
"""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from xenperf.hypervisor import Loop
from xenperf.measure.plan import DISCARDED_SLICES

MIN_OPERATIONS: Final = 1
CALIBRATION_SHARE: Final = 0.1  # of a slice; a shorter trial says too little about its length
MAX_DOUBLINGS: Final = 40


class WrongAnswerError(Exception):
    """A loop did not do what it was timed for."""


@dataclass(slots=True)
class Slices:
    """Every slice of one side, in the order it ran."""

    cpu_ns: list[int] = field(default_factory=list)
    wall_ns: list[int] = field(default_factory=list)
    involuntary_switches: list[int] = field(default_factory=list)


def timed(loop: Loop, n: int, slices: Slices) -> None:
    """Run *n* operations once and record what they took; ``WrongAnswerError`` if one failed."""
    switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw
    wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
    hits = loop(n)
    cpu_ns, wall_ns = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
    if hits != n:
        raise WrongAnswerError(f"{n - hits} of {n} operations did not have the outcome expected")
    slices.cpu_ns.append(cpu_ns)
    slices.wall_ns.append(wall_ns)
    switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw - switches
    slices.involuntary_switches.append(switches)


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


def alternate(
    a: Loop, b: Loop, *, slice_ns: int, rounds: int, a_first: bool, cycle: int = 1
) -> tuple[int, Slices, Slices]:
    """Time *a* against *b*; return operations a slice, and the slices of each side.

    Slice *i* of one side ran right before or after slice *i* of the other. The first three of each
    are thrown away. Blocks are A B, B A, A B, ...; *a_first* turns them round.
    """
    n = calibrate(a, slice_ns, cycle)
    for _ in range(DISCARDED_SLICES):
        timed(a, n, Slices())
        timed(b, n, Slices())
    slices_a, slices_b = Slices(), Slices()
    sides: list[Callable[[], None]] = [
        lambda: timed(a, n, slices_a),
        lambda: timed(b, n, slices_b),
    ]
    for round_idx in range(rounds):
        order = sides if (round_idx % 2 == 0) == a_first else sides[::-1]
        for run in order:
            run()
    return n, slices_a, slices_b


def alone(loop: Loop, *, slice_ns: int, rounds: int, cycle: int = 1) -> tuple[int, Slices]:
    """Time *loop* where there is no other side; return operations a slice, and the slices."""
    n, slices = calibrate(loop, slice_ns, cycle), Slices()
    for _ in range(DISCARDED_SLICES):
        timed(loop, n, Slices())
    for _ in range(rounds):
        timed(loop, n, slices)
    return n, slices


def _cpu_ns(loop: Loop, n: int) -> int:
    trial = Slices()
    timed(loop, n, trial)
    return trial.cpu_ns[0]
