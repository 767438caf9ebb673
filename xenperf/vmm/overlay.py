"""Laying the overlay page over RAM and taking it away again, one memslot request at a time.

KVM has no request that does it at once. Between the first and the last the overlay's frame is
absent for a while: no usable memslot covers it.
"""

from dataclasses import dataclass

from xenperf.hypervisor import MemoryRegion
from xenperf.units import Gfn
from xenperf.vmm.machine import OVERLAY_GFN, Machine, without


@dataclass(frozen=True, slots=True)
class Step:
    """One memslot request of the VMM's, by name."""

    name: str
    region: MemoryRegion


def break_apart(machine: Machine, gfn: Gfn = OVERLAY_GFN) -> tuple[Step, ...]:
    """Replace whole RAM by low part, overlay at *gfn* and high part, as QEMU orders it.

    Five swaps. The frame is absent from the first until the overlay is created.
    """
    return (
        Step("delete_whole", without(machine.whole)),
        Step("create_low", machine.low(gfn)),
        Step("create_overlay", machine.overlay(gfn)),
        Step("create_high", machine.high(gfn)),
    )


def rejoin(machine: Machine, gfn: Gfn = OVERLAY_GFN) -> tuple[Step, ...]:
    """Replace the three parts by whole RAM again. Seven swaps.

    The frame is absent from the overlay's deletion until whole RAM is created; then RAM is there.
    """
    return (
        Step("delete_low", without(machine.low(gfn))),
        Step("delete_overlay", without(machine.overlay(gfn))),
        Step("delete_high", without(machine.high(gfn))),
        Step("create_whole", machine.whole),
    )


def regions(steps: tuple[Step, ...]) -> list[MemoryRegion]:
    """Return the requests alone."""
    return [step.region for step in steps]
