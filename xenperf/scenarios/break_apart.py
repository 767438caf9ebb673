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
class BreakApart:
    """The guest's overlay page is taken away and laid again, with events arriving all the while.

    The caches stay active throughout. Events carry a port of their own, so each can be found again.
    """

    name: str = "break_apart"
    summary: str = "sends in every phase of taking the overlay away and laying it again"
    sends_per_phase: int = 64

    def run(self, host: Hypervisor, shape: Shape, activation: Activation) -> list[Count]:
        """Count refused sends by phase, and where the accepted ones are in the end."""
        machine = ready(host, shape, activation).machine
        phases: list[tuple[str, MemoryRegion | None]] = [("overlay_in", None)]
        phases += [(s.name, s.region) for s in (*rejoin(machine), *break_apart(machine))]
        refused: list[Count] = []
        issued = np.zeros(0, np.uint32)
        for idx, (name, region) in enumerate(phases):
            if region is not None:
                play(host, [region])
            ports = self._ports(shape, idx)
            outcomes = send_ports(host, ports)
            issued = np.concatenate([issued, ports])
            nr_refused = int(np.count_nonzero(outcomes))
            refused.append(Count(name, "refused", f"of {len(ports)} sends", nr_refused))
        return refused + self._totals(host, machine, issued, sum(c.value for c in refused))

    def _ports(self, shape: Shape, phase: int) -> NDArray[np.uint32]:
        """Return this phase's own ports, from the first on and round to port 1 again."""
        first = shape.port - 1 + phase * self.sends_per_phase
        numbers = np.arange(first, first + self.sends_per_phase)
        return (1 + numbers % (shape.layout.nr_ports - 1)).astype(np.uint32)

    def _totals(
        self, host: Hypervisor, machine: Machine, issued: NDArray[np.uint32], nr_refused: int
    ) -> list[Count]:
        """Find every event in the overlay page or in the RAM that it lies over."""
        layout, ram = machine.shape.layout, machine.ram_at(OVERLAY_GFN)
        delivered = len(np.intersect1d(pending_ports(host, machine.overlay_hva, layout), issued))
        misplaced = len(np.intersect1d(pending_ports(host, ram, layout), issued))
        if delivered + misplaced + nr_refused != len(issued):
            raise MeasurementError(
                self.name,
                f"{len(issued)} sends, but {delivered} delivered, {misplaced} in the wrong page "
                f"and {nr_refused} refused",
            )
        unit = f"of {len(issued)} sends"
        return [
            Count("all", "delivered", unit, delivered),
            Count("all", "refused", unit, nr_refused),
            Count("all", "wrong_page", unit, misplaced),
        ]
