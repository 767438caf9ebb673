"""The machine that every scenario starts from: RAM in one memslot, and a page for shared_info."""

from dataclasses import dataclass
from typing import Final

from xenperf.abi.kvm import USER_SLOTS
from xenperf.abi.xen import COMPAT, LONG_MODE, MAX_VCPUS, SharedInfoLayout
from xenperf.errors import MeasurementError, UsageError
from xenperf.hypervisor import Hypervisor, MemoryRegion, VmSize
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa

RAM_SLOT, OVERLAY_SLOT, HIGH_SLOT, FIRST_FILLER = 0, 1, 2, 3
SLOTS_ADDED_APART: Final = 2
RAM_PAGES: Final = 1024
OVERLAY_GFN: Final = Gfn(512)
OTHER_GFN: Final = Gfn(768)
VCPU_INFO_GFN: Final = Gfn(16)
FILLER_GFN: Final = Gfn(1 << 20)
VCPU_INFO_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """How the machine is made; ``UsageError`` names a number that no machine can have."""

    nr_slots: int = 1
    """Memslots while RAM is whole: one of RAM, the rest small ones above it."""

    nr_vcpus: int = 1
    long_mode: bool = True
    port: int = 66
    """The first port that a scenario sends."""

    def __post_init__(self) -> None:
        """Refuse what is out of range before anything is built."""
        mode = "64-bit" if self.long_mode else "32-bit"
        _check("slots", self.nr_slots, USER_SLOTS - SLOTS_ADDED_APART, "with RAM whole")
        _check("vcpus", self.nr_vcpus, MAX_VCPUS, "in one VM")
        _check("port", self.port, self.layout.nr_ports - 1, f"for a {mode} guest")

    @property
    def layout(self) -> SharedInfoLayout:
        """The layout of the shared pages in this guest's mode."""
        return LONG_MODE if self.long_mode else COMPAT

    @property
    def vm_size(self) -> VmSize:
        """The VM that holds such a machine, with frames to spare for pages that are replaced."""
        return VmSize(
            nr_pages=4 * RAM_PAGES,
            nr_slots=self.nr_slots + SLOTS_ADDED_APART,
            nr_vcpus=self.nr_vcpus,
        )


def _check(name: str, value: int, most: int, where: str) -> None:
    if not 1 <= value <= most:
        raise UsageError(f"{name} {value}", "out of range", f"give 1 to {most} {where}")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the VMM keeps the machine's memory, and the memslots that show it to the guest."""

    shape: Shape
    ram_hva: Hva
    overlay_hva: Hva

    @property
    def whole(self) -> MemoryRegion:
        """All of RAM in one slot."""
        return MemoryRegion(RAM_SLOT, Gpa(0), RAM_PAGES * PAGE_SIZE, self.ram_hva)

    def low(self, gfn: Gfn = OVERLAY_GFN) -> MemoryRegion:
        """RAM below the overlay at *gfn*."""
        return MemoryRegion(RAM_SLOT, Gpa(0), gfn * PAGE_SIZE, self.ram_hva)

    def overlay(self, gfn: Gfn = OVERLAY_GFN) -> MemoryRegion:
        """The page of shared_info, shown at *gfn*."""
        return MemoryRegion(OVERLAY_SLOT, gfn_to_gpa(gfn), PAGE_SIZE, self.overlay_hva)

    def high(self, gfn: Gfn = OVERLAY_GFN) -> MemoryRegion:
        """RAM above the overlay at *gfn*."""
        first = Gfn(gfn + 1)
        nr_bytes = (RAM_PAGES - first) * PAGE_SIZE
        return MemoryRegion(HIGH_SLOT, gfn_to_gpa(first), nr_bytes, self.ram_at(first))

    def ram_at(self, gfn: Gfn) -> Hva:
        """Return where the VMM has the RAM of frame *gfn*."""
        return Hva(self.ram_hva + gfn * PAGE_SIZE)

    def vcpu_info_gpa(self, vcpu_idx: int) -> Gpa:
        """Return where the guest has a vCPU's vcpu_info: in RAM, clear of the overlay."""
        return Gpa(gfn_to_gpa(VCPU_INFO_GFN) + vcpu_idx * VCPU_INFO_BYTES)

    def vcpu_info_hva(self, vcpu_idx: int) -> Hva:
        """Return where the VMM has it."""
        return Hva(self.ram_hva + self.vcpu_info_gpa(vcpu_idx))


def without(region: MemoryRegion) -> MemoryRegion:
    """Return the request that deletes the slot of *region*."""
    return MemoryRegion(region.slot, region.gpa, 0, region.hva)


def assemble(host: Hypervisor, shape: Shape) -> Machine:
    """Give the VM its memory and its memslots; no cache is active yet, RAM is whole."""
    machine = Machine(shape, host.allocate_pages(RAM_PAGES), host.allocate_pages(1))
    fillers = [
        MemoryRegion(
            FIRST_FILLER + i, gfn_to_gpa(Gfn(FILLER_GFN + 2 * i)), PAGE_SIZE, machine.ram_hva
        )
        for i in range(shape.nr_slots - 1)
    ]
    host.set_long_mode(shape.long_mode)
    play(host, [machine.whole, *fillers])
    return machine


def play(host: Hypervisor, regions: list[MemoryRegion]) -> None:
    """Make memslot requests that must succeed; ``MeasurementError`` names the one that did not."""
    for region, rc in zip(regions, host.set_memory_regions(regions), strict=True):
        if rc != 0:
            raise MeasurementError(f"memslot {region.slot}", f"request failed with {rc}")
