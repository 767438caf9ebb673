"""What is to be counted: the one message that a counting worker gets."""

import json
from dataclasses import asdict, dataclass
from typing import Final, Self

from xenperf.vmm.machine import Shape

DEFAULT_RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class CountPlan:
    """Cost benchmarks of the catalogue, on the model, by both activations."""

    names: tuple[str, ...]
    shape: Shape = Shape()  # noqa: RUF009 - frozen
    patches: tuple[str, ...] | None = None
    """What the modelled kernel is built with; None: as merged."""

    runs: int = DEFAULT_RUNS
    """Fresh processes, each counting everything."""

    compile_all: bool = False
    """Compile every kernel up front, on two processors; else each when it is first used."""

    def to_json(self) -> str:
        """Return the plan as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the plan that ``to_json`` wrote."""
        fields = json.loads(text)
        patches = fields["patches"]
        fields["patches"] = None if patches is None else tuple(patches)
        return cls(**{**fields, "names": tuple(fields["names"]), "shape": Shape(**fields["shape"])})
