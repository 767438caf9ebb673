"""What is to be measured and how: the one message that a worker gets."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

from xenperf.errors import UsageError
from xenperf.measure.sides import BY_ACTIVATION, Comparison
from xenperf.vmm.machine import Shape

DEFAULT_WORKERS: Final = 10
DEFAULT_ROUNDS: Final = 16
DEFAULT_SLICE_NS: Final = 1_500_000
QUICK_WORKERS: Final = 1
QUICK_ROUNDS: Final = 32  # one worker: the interval comes from the rounds alone
QUICK_SLICE_NS: Final = 500_000
MAX_WORKERS: Final = 1000
MAX_ROUNDS: Final = 10_000
DISCARDED_SLICES: Final = 3
COUNTED_WORKERS: Final = 1  # where the clock counts instructions: each would find the same
COUNTED_ROUNDS: Final = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: names from the catalogue on one back end, and which sides are compared."""

    names: tuple[str, ...]
    backend: str = "model"
    shape: Shape = Shape()  # noqa: RUF009 - frozen
    workers: int = DEFAULT_WORKERS
    rounds: int = DEFAULT_ROUNDS
    slice_ns: int = DEFAULT_SLICE_NS
    """Thread CPU time of one slice, in nanoseconds."""

    seed: int = 0
    comparisons: tuple[Comparison, ...] = (BY_ACTIVATION,)
    compile_all: bool = True
    """Compile every kernel up front, on two processors; else each when it is first used."""

    apart: bool = False
    """Each side in processes of its own, which take turns: where sides cannot share one."""

    cells_in_turn: bool = False
    """The comparisons are the cells of a sweep: each worker takes them in another order."""

    counts: bool = False
    """The machine's clock counts instructions: single operations are looked at, few suffice."""

    def __post_init__(self) -> None:
        """Refuse numbers that measure nothing or never end."""
        _check("workers", self.workers, MAX_WORKERS)
        _check("rounds", self.rounds, MAX_ROUNDS)
        if not 0 <= self.seed < 1 << 63:
            raise UsageError(f"seed {self.seed}", "out of range", "give 0 to 2^63 - 1")

    def for_worker(self, worker_idx: int) -> Self:
        """Return the plan of one worker: the same with a seed of its own."""
        return replace(self, seed=self.seed * MAX_WORKERS + worker_idx)

    def of(self, name: str) -> tuple[Comparison, ...]:
        """Return the comparisons that *name* takes part in."""
        return tuple(c for c in self.comparisons if c.names is None or name in c.names)

    def to_json(self) -> str:
        """Return the plan as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the plan that ``to_json`` wrote."""
        return cls.from_fields(json.loads(text))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the plan with *fields*, as ``to_json`` lays them out."""
        comparisons = tuple(Comparison.from_fields(c) for c in fields["comparisons"])
        return cls(
            **{
                **fields,
                "names": tuple(fields["names"]),
                "shape": Shape(**fields["shape"]),
                "comparisons": comparisons,
            }
        )


def _check(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise UsageError(f"{name} {value}", "out of range", f"give 1 to {most}")
