"""Laying the overlay page over RAM and taking it away again, one memslot request at a time.

KVM has no request that does it at once, though the model may have. Between the first and the last
the overlay's frame is absent for a while: no usable memslot covers it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from xenperf.errors import MeasurementError
from xenperf.hypervisor import Feature, Hypervisor, MemoryRegion
from xenperf.units import Gfn
from xenperf.vmm.machine import OVERLAY_GFN, Machine, play, without


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


@runtime_checkable
class AtomicSlots(Protocol):
    """What a VM with ``Feature.ATOMIC_SLOTS`` offers besides."""

    def set_memory_regions_at_once(self, regions: Sequence[MemoryRegion]) -> int:
        """Make all requests together or none; 0 or the first refusal."""


def play_at_once(
    host: Hypervisor, steps: tuple[Step, ...], after_each: Callable[[], object] = lambda: None
) -> int:
    """Make the requests of *steps* in as few calls as the kernel allows; return how many.

    One where it is able to (a wish: no kernel is), else one for each request. *after_each* is
    called after every one.
    """
    if Feature.ATOMIC_SLOTS in host.features and isinstance(host, AtomicSlots):
        outcome = host.set_memory_regions_at_once(regions(steps))
        if outcome != 0:
            raise MeasurementError("memslots", f"request failed with {outcome}")
        after_each()
        return 1
    for step in steps:
        play(host, [step.region])
        after_each()
    return len(steps)


def regions(steps: tuple[Step, ...]) -> list[MemoryRegion]:
    """Return the requests alone."""
    return [step.region for step in steps]
