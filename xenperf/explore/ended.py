"""What two operations left behind, as the checks look at it."""

from collections.abc import Iterator
from typing import Any

from xenperf.explore.machine import FIRST_PORT, Machine
from xenperf.explore.operations import Operation, signed
from xenperf.units import Khva


class Ended:
    """What both operations left: the machine, who did what, and what each was told."""

    def __init__(
        self,
        machine: Machine,
        operations: tuple[Operation, ...],
        outcomes: tuple[int, ...],
        changed: frozenset[int],
    ) -> None:
        """Look at *machine*, whose pages hold the end; *changed* words differ from the start."""
        self.machine = machine
        self.effects = tuple(operation.effects for operation in operations)
        self.nr_swaps = sum(operation.nr_swaps for operation in operations)
        self.outcomes = outcomes
        self.changed = changed
        self.all_effects = frozenset[str]().union(*self.effects)
        self.layout = machine.tap.model("layout")

    def vm(self) -> Any:
        """Return the VM's own record."""
        return self.machine.host.state.view("vm", self.layout.VM)[0]

    def gpcs(self) -> list[tuple[Khva, dict[str, int]]]:
        """Return every cache with its place."""
        host = self.machine.host
        return [(khva, host.observed.gpc(khva)) for khva in host.state.gpcs()]

    def senders(self) -> Iterator[tuple[int, int]]:
        """Yield the port and the signed outcome of each send."""
        for actor, (effects, word) in enumerate(zip(self.effects, self.outcomes, strict=True)):
            if "sends" in effects:
                yield FIRST_PORT + actor, signed(word)
