"""What was measured of one benchmark or counted of one scenario, before it is judged."""

from dataclasses import dataclass
from typing import Final

CPU_TIME: Final = "cpu_time"
WALL_TIME: Final = "wall_time"
INSTRUCTIONS: Final = "instructions"
"""Of a machine whose clock counts them, one a nanosecond: single requests are timed there."""

CLOCKS: Final = (CPU_TIME, WALL_TIME, INSTRUCTIONS)
ACTIVATIONS: Final = ("gpa", "hva")
NO_HVA: Final = "this kernel has no activation by HVA"


@dataclass(frozen=True, slots=True)
class WorkerTimes:
    """What one worker measured of one benchmark: nanoseconds an operation, slice by slice."""

    base_ns: tuple[float, ...] | None
    """Thread CPU time; None where this side does not have the benchmark."""

    head_ns: tuple[float, ...] | None
    base_wall_ns: tuple[float, ...] = ()
    """Wall time of the same slices; empty where it was not kept."""

    head_wall_ns: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class CostSample:
    """One benchmark over all workers, on two sides that ran in turn."""

    benchmark: str
    unit: str
    workers: tuple[WorkerTimes, ...]
    is_control: bool = False
    invalid: str | None = None
    """Why the figures are worthless: a wrong answer, code compiled while measuring."""

    sides: tuple[str, str] = ACTIVATIONS
    variant: str = ""
    metric: str = CPU_TIME
    """Which clock is judged: the other one is printed beside it."""

    absent: str = NO_HVA
    """Why a side that is None is not there."""

    @property
    def key(self) -> tuple[str, str, tuple[str, str]]:
        """What tells a cost from all others of its report."""
        return self.benchmark, self.variant, self.sides

    @property
    def lacks(self) -> tuple[bool, bool]:
        """Whether base, and whether head, do not have the benchmark."""
        base = bool(self.workers) and all(worker.base_ns is None for worker in self.workers)
        head = bool(self.workers) and all(worker.head_ns is None for worker in self.workers)
        return base, head


@dataclass(frozen=True, slots=True)
class CountSample:
    """One exact figure over all workers; each must have found the same."""

    benchmark: str
    metric: str
    unit: str
    base: tuple[int, ...] | None
    """One of each worker; None where this side does not have it."""

    head: tuple[int, ...] | None
    invalid: str | None = None
    sides: tuple[str, str] = ACTIVATIONS
    variant: str = ""
    absent: str = NO_HVA
