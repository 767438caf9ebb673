"""Where a case is played: a machine on a back end, and short texts for what became of it."""

from typing import Final

import numpy as np

from xenperf.abi.status import Status, errno_name
from xenperf.hypervisor import Activation, Hypervisor, MemoryRegion
from xenperf.units import PAGE_SIZE, Gfn, Hva, gfn_to_gpa
from xenperf.vmm import activate
from xenperf.vmm.events import pending_ports, send_ports
from xenperf.vmm.machine import (
    FILLER_GFN,
    FIRST_FILLER,
    OVERLAY_GFN,
    Shape,
    assemble,
    without,
)
from xenperf.vmm.overlay import break_apart, regions, rejoin

PORT: Final = 66


def told(*outcomes: int) -> str:
    """Return the names of *outcomes*, such as "OK EFAULT"."""
    return " ".join(errno_name(outcome) for outcome in outcomes)


class Stage:
    """The VMM's side of one VM; whatever it sees comes through the back end."""

    def __init__(self, host: Hypervisor, shape: Shape, activation: Activation) -> None:
        """Give the VM its memory and whole RAM; no cache is active."""
        self.host = host
        self.activation = activation
        self.machine = assemble(host, shape)
        self.layout = shape.layout

    # What the VMM asks for.

    def request(self, *requests: MemoryRegion) -> str:
        """Make memslot requests; return what each was told."""
        return told(*self.host.set_memory_regions(requests))

    def delete(self, *regions_: MemoryRegion) -> str:
        """Delete the slots of *regions_*."""
        return self.request(*(without(region) for region in regions_))

    def lay(self, gfn: Gfn = OVERLAY_GFN) -> str:
        """Break RAM apart around the overlay."""
        return self.request(*regions(break_apart(self.machine, gfn)))

    def rejoin(self, gfn: Gfn = OVERLAY_GFN) -> str:
        """Make RAM whole again."""
        return self.request(*regions(rejoin(self.machine, gfn)))

    def shinfo(self, gfn: Gfn = OVERLAY_GFN) -> str:
        """Activate shared_info, by GPA at *gfn*, by HVA where the overlay is."""
        return told(activate.activate_shinfo(self.host, self.machine, self.activation, gfn))

    def vcpu_info(self, vcpu_idx: int = 0) -> str:
        """Activate a vcpu_info in RAM."""
        return told(activate.activate_vcpu_info(self.host, self.machine, self.activation, vcpu_idx))

    def shinfo_off(self) -> None:
        """Stop using shared_info."""
        activate.deactivate_shinfo(self.host, self.activation)

    def vcpu_info_off(self) -> None:
        """Stop using the first vCPU's vcpu_info."""
        activate.deactivate_vcpu_info(self.host, self.activation, 0)

    def send(self, *ports: int, vcpu_idx: int = 0) -> str:
        """Send each port once; return what each caller was told."""
        return told(*send_ports(self.host, np.array(ports, np.uint32), vcpu_idx).tolist())

    def sends_along(self, requests: list[MemoryRegion]) -> str:
        """Send one event after each request: o for accepted, F for EFAULT, ! for anything else."""
        letters = {0: "o", int(Status.EFAULT): "F"}
        seen = ""
        for idx, region in enumerate(requests):
            self.host.set_memory_regions([region])
            (outcome,) = send_ports(self.host, np.array([PORT + idx], np.uint32)).tolist()
            seen += letters.get(outcome, "!")
        return seen

    def run(self, vcpu_idx: int = 0) -> bool:
        """Take a vCPU to guest entry once."""
        return self.host.enter_guest(vcpu_idx)

    # Where the VMM has its pages.

    @property
    def overlay(self) -> Hva:
        """The page that shared_info is meant to be in."""
        return self.machine.overlay_hva

    @property
    def ram_under_overlay(self) -> Hva:
        """The RAM that the overlay lies over."""
        return self.machine.ram_at(OVERLAY_GFN)

    @property
    def filler(self) -> MemoryRegion:
        """The memslot far above RAM that a machine of two slots has."""
        gpa = gfn_to_gpa(FILLER_GFN)
        return MemoryRegion(FIRST_FILLER, gpa, PAGE_SIZE, self.machine.ram_hva)

    def vcpu_info_hva(self, vcpu_idx: int = 0) -> Hva:
        """Where a vCPU's vcpu_info is meant to be."""
        return self.machine.vcpu_info_hva(vcpu_idx)

    # What the VMM sees.

    def pending(self, page_hva: Hva | None = None) -> str:
        """Return the ports pending in a page, the overlay unless given: "1,66", or "none"."""
        ports = pending_ports(
            self.host, self.overlay if page_hva is None else page_hva, self.layout
        )
        return ",".join(str(port) for port in ports.tolist()) or "none"

    def upcall(self, vcpu_info_hva: Hva | None = None) -> str:
        """Return selector and upcall flag of a vcpu_info, the first vCPU's unless given."""
        where = self.vcpu_info_hva() if vcpu_info_hva is None else vcpu_info_hva
        parts = self.layout.vcpu_info
        selector = self.read_int(Hva(where + parts.pending_sel), self.layout.word_bits // 8)
        return f"sel={selector:#x} up={self.read_int(Hva(where + parts.upcall_pending), 1)}"

    def look(self) -> str:
        """Return pending ports, selector and upcall flag: "66 sel=0x2 up=1"."""
        return f"{self.pending()} {self.upcall()}"

    def read_int(self, hva: Hva, nr_bytes: int) -> int:
        """Return the little-endian number at *hva*."""
        return int.from_bytes(self.host.read(hva, nr_bytes), "little")

    def write_int(self, hva: Hva, value: int, nr_bytes: int) -> None:
        """Store a little-endian number at *hva*."""
        self.host.write(hva, value.to_bytes(nr_bytes, "little"))

    def set_selector(self, selector: int, upcall: int = 0) -> None:
        """Let the guest's vcpu_info of vCPU 0 hold *selector* and *upcall*."""
        parts = self.layout.vcpu_info
        where = self.vcpu_info_hva()
        self.write_int(Hva(where + parts.pending_sel), selector, self.layout.word_bits // 8)
        self.write_int(Hva(where + parts.upcall_pending), upcall, 1)
