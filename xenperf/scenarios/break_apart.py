"""What a send gets in every phase of a break-apart: refused, delivered, or in the wrong page."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Hypervisor, MemoryRegion
from xenperf.scenarios.kinds import Count, ready
from xenperf.vmm.events import pending_ports, send_ports
from xenperf.vmm.machine import OVERLAY_GFN, Machine, Shape, play
from xenperf.vmm.overlay import break_apart, rejoin


@dataclass(frozen=True, slots=True)
class Phase:
    """What was sent after one memslot request, and which sends the caller saw refused."""

    name: str
    ports: NDArray[np.uint32]
    was_refused: NDArray[np.bool]


@dataclass(frozen=True, slots=True)
class BreakApart:
    """The guest's overlay page is taken away and laid again, with events arriving all the while.

    The caches stay active throughout. Events carry a port of their own, so each can be found again.
    """

    name: str = "break_apart"
    summary: str = "sends in every phase of taking the overlay away and laying it again"
    sends_per_phase: int = 64

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count, by phase, the sends that were refused and those found in the wrong page."""
        machine = ready(host, shape, activation).machine
        steps: list[tuple[str, MemoryRegion | None]] = [("overlay_in", None)]
        steps += [(s.name, s.region) for s in (*rejoin(machine), *break_apart(machine))]
        phases: list[Phase] = []
        for idx, (name, region) in enumerate(steps):
            if region is not None:
                play(host, [region])
            ports = self._ports(shape, idx)
            phases.append(Phase(name, ports, send_ports(host, ports) != 0))
        return self._counts(host, machine, phases)

    def _ports(self, shape: Shape, phase: int) -> NDArray[np.uint32]:
        """Return this phase's own ports, from the first on and round to port 1 again."""
        first = shape.port - 1 + phase * self.sends_per_phase
        numbers = np.arange(first, first + self.sends_per_phase)
        return (1 + numbers % (shape.layout.nr_ports - 1)).astype(np.uint32)

    def _counts(self, host: Hypervisor, machine: Machine, phases: list[Phase]) -> list[Count]:
        """Find every event in the overlay page, or in the RAM that the overlay lies over.

        Bits are never cleared and ports never reused, so one look at the end accounts for all.
        """
        layout = machine.shape.layout
        arrived = pending_ports(host, machine.overlay_hva, layout)
        in_ram = pending_ports(host, machine.ram_at(OVERLAY_GFN), layout)
        counts: list[Count] = []
        for phase in phases:
            delivered, misplaced, refused = (
                int(np.count_nonzero(fate))
                for fate in (
                    np.isin(phase.ports, arrived),
                    np.isin(phase.ports, in_ram),
                    phase.was_refused,
                )
            )
            if delivered + misplaced + refused != len(phase.ports):
                raise MeasurementError(
                    f"{self.name}.{phase.name}",
                    f"{len(phase.ports)} sends, but {delivered} delivered, {misplaced} in the "
                    f"wrong page and {refused} refused",
                )
            unit = f"of {len(phase.ports)} sends"
            counts.append(Count(phase.name, "refused", unit, refused))
            counts.append(Count(phase.name, "wrong_page", unit, misplaced))
        return counts
