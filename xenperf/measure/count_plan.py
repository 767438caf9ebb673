"""What is to be counted: the one message that a counting worker gets."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Self, TypeAlias

from xenperf.hypervisor import Activation
from xenperf.measure.sides import Build
from xenperf.vmm.machine import Shape

DEFAULT_RUNS: Final = 3
Pair: TypeAlias = tuple[str, Activation]


@dataclass(frozen=True, slots=True)
class CountPlan:
    """Cost benchmarks of one build of the model, each by one activation or by both."""

    pairs: tuple[Pair, ...]
    """What is counted: benchmark and activation. What a build does not have is passed over."""

    shape: Shape = Shape()  # noqa: RUF009 - frozen
    build: Build = Build()  # noqa: RUF009 - frozen
    runs: int = DEFAULT_RUNS
    """Fresh processes, each counting everything."""

    compile_all: bool = False
    """Compile every kernel up front, on two processors; else each when it is first used."""

    @classmethod
    def of(cls, names: Iterable[str], **more: Any) -> Self:
        """Return the plan of *names* by both activations."""
        return cls(tuple((name, each) for name in names for each in Activation), **more)

    @property
    def names(self) -> tuple[str, ...]:
        """The benchmarks, in their order."""
        return tuple(dict.fromkeys(name for name, _ in self.pairs))

    def to_json(self) -> str:
        """Return the plan as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the plan that ``to_json`` wrote."""
        fields = json.loads(text)
        fields["pairs"] = tuple((name, Activation(each)) for name, each in fields["pairs"])
        fields["build"] = Build.from_fields(fields["build"])
        return cls(**{**fields, "shape": Shape(**fields["shape"])})
