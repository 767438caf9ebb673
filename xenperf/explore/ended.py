"""What two operations left behind, as the checks look at it."""

from dataclasses import dataclass
from typing import Any

from xenperf.abi.xen import LONG_MODE
from xenperf.explore.accesses import peek
from xenperf.explore.machine import Machine
from xenperf.explore.operation import Operation
from xenperf.units import PAGE_SIZE, Khva


@dataclass(frozen=True, slots=True)
class Event:
    """One event and what whoever raised it was told, in words."""

    port: int
    told: str

    @property
    def is_refused(self) -> bool:
        """Whether it was told to have failed: an errno, or a return to the VMM."""
        return self.told.isupper() or self.told == "returned"


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
        self.operations = operations
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

    def events(self) -> list[Event]:
        """Return each event that was raised, with what was told about it."""
        told = zip(self.operations, self.outcomes, strict=True)
        return [
            Event(operation.port(actor), operation.outcome(word))
            for actor, (operation, word) in enumerate(told)
            if operation.port is not None
        ]

    def is_pending(self, port: int) -> bool:
        """Tell whether the bit of *port* is set in any page that was shared_info."""
        at = LONG_MODE.pending_offset + port // 64 * 8
        return any(peek(page + at) >> port % 64 & 1 for page in self.machine.event_pages)

    @property
    def are_masked(self) -> bool:
        """Whether the ports of the events are masked from the start."""
        return "polls" in self.all_effects

    def lost(self) -> list[int]:
        """Return the ports of events that nobody was told about and that are nowhere."""
        is_left = bool(self.machine.vcpu_record()["timer_pending"])
        return [
            operation.port(actor)
            for actor, operation in enumerate(self.operations)
            if operation.port is not None
            and "untold" in operation.effects
            and not self.is_pending(operation.port(actor))
            and not ("timer" in operation.holds and is_left)
        ]

    def words_of_shinfo(self) -> frozenset[int]:
        """Return the words of the page that shared_info was in at first."""
        first = self.machine.shinfo_page()
        return frozenset(range(first, first + PAGE_SIZE, 8))
