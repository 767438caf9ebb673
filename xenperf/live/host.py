"""A real kernel as a ``Hypervisor``: each method is the ioctl that a VMM would make."""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import VcpuAttr, VmAttr, XenConfig
from xenperf.abi.sysfs import CLOCK_SOURCE
from xenperf.hypervisor import Activation, Feature, Loop, MemoryRegion, Operation, VmSize
from xenperf.live.event_sources import LiveSources
from xenperf.live.pages import VmmPages
from xenperf.live.slots import Slots
from xenperf.live.vm import Vm
from xenperf.memory import close_all
from xenperf.racing import MEMSLOTS, Player, Race, Sender, Target
from xenperf.sources import ENDLESS_POLL, EventSource
from xenperf.units import Gfn, Gpa, Hva

if TYPE_CHECKING:
    from xenperf.live.loops import LoopMaker

RACED: Final = frozenset({EventSource.SEND, EventSource.IRQFD})
"""Sources whose events a compiled loop raises: the others have to enter the guest."""


class LiveHost(LiveSources):
    """A VM of the running kernel, with its VMM's memory."""

    name = "live"

    def __init__(self, size: VmSize | None = None, *, needs_xen: bool = True) -> None:
        """Make a VM of *size* with no memslot but the guest's own.

        needs_xen
            Without it the VM is for memslots alone, and any KVM will do.

        ``UnavailableError`` says what the machine lacks.
        """
        super().__init__()
        self.size = size or VmSize()
        self.nr_vcpus = self.size.nr_vcpus
        self.nr_slots = self.size.nr_slots
        with contextlib.ExitStack() as owned:
            self.vm = owned.enter_context(contextlib.closing(Vm(self.size, needs_xen=needs_xen)))
            self.pages = owned.enter_context(contextlib.closing(VmmPages(self.size.nr_pages)))
            owned.pop_all()
        self.slots = Slots(self.vm)
        has_hva = XenConfig.SHARED_INFO_HVA in self.vm.xen_flags
        self.features = frozenset(
            {
                Feature.PARALLEL,
                *((Feature.SHINFO_HVA,) if has_hva else ()),
                *((Feature.STEADY_CLOCK,) if _has_steady_clock() else ()),
            }
        )

    # The VMM's memory.

    def allocate_pages(self, nr_pages: int) -> Hva:
        """Give the VMM *nr_pages* of zeroed memory; ``ValueError`` when none is left."""
        return self.pages.map_new(nr_pages)

    def read(self, hva: Hva, nr_bytes: int) -> bytes:
        """Return what the VMM sees at *hva*."""
        return self.pages.view(hva, nr_bytes).tobytes()

    def write(self, hva: Hva, content: bytes) -> None:
        """Store *content* at *hva*, as the VMM."""
        self.pages.view(hva, len(content))[:] = np.frombuffer(content, np.uint8)

    def replace_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Map new zeroed pages over *hva*: mmap(MAP_FIXED)."""
        self.pages.replace(hva, nr_pages)

    def unmap_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Take the pages at *hva* away; the addresses stay reserved, with no access."""
        self.pages.hide(hva, nr_pages)

    def protect_page(self, hva: Hva, writable: bool) -> None:
        """Forbid or allow stores to the page at *hva*: mprotect."""
        self.pages.protect(hva, writable)

    # Memslots.

    def set_memory_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        """Make the requests in order and return each outcome."""
        for region in regions:
            if region.slot >= self.nr_slots:
                raise ValueError(f"slot {region.slot}: this VM has {self.nr_slots}")
        for vcpu in self.vm.vcpus:
            if vcpu.sleeps_on:
                raise ValueError(f"vcpu {vcpu.idx}: {ENDLESS_POLL}")
        return self.slots.request(regions)

    def dirty_pages(self, slot: int) -> list[int]:
        """Return the pages of *slot* marked since it began to log."""
        return self.slots.dirty_pages(slot)

    # Attributes.

    def activate_shinfo_gfn(self, gfn: Gfn) -> int:
        """Set SHARED_INFO; all-ones deactivates."""
        return self.vm.set_attr(VmAttr.SHARED_INFO, gfn=gfn)

    def activate_shinfo_hva(self, hva: Hva) -> int:
        """Set SHARED_INFO_HVA; 0 deactivates."""
        return self.vm.set_attr(VmAttr.SHARED_INFO_HVA, hva=hva)

    def activate_vcpu_info_gpa(self, vcpu_idx: int, gpa: Gpa) -> int:
        """Set VCPU_INFO; all-ones deactivates."""
        return self._vcpu(vcpu_idx).set_attr(VcpuAttr.VCPU_INFO, gpa=gpa)

    def activate_vcpu_info_hva(self, vcpu_idx: int, hva: Hva) -> int:
        """Set VCPU_INFO_HVA; 0 deactivates."""
        return self._vcpu(vcpu_idx).set_attr(VcpuAttr.VCPU_INFO_HVA, hva=hva)

    def set_long_mode(self, long_mode: bool) -> int:
        """Set LONG_MODE."""
        return self.vm.set_attr(VmAttr.LONG_MODE, long_mode=int(long_mode))

    def set_upcall_vector(self, vector: int) -> int:
        """Set UPCALL_VECTOR of the VM; 0 is none."""
        return self.vm.set_attr(VmAttr.UPCALL_VECTOR, vector=vector)

    def set_vcpu_upcall_vector(self, vcpu_idx: int, vector: int) -> int:
        """Set UPCALL_VECTOR of a vCPU; 0 is none."""
        return self._vcpu(vcpu_idx).set_attr(VcpuAttr.UPCALL_VECTOR, vector=vector)

    def get_shinfo_gfn(self) -> int:
        """Get SHARED_INFO."""
        return self.vm.get_attr(VmAttr.SHARED_INFO, "gfn")

    def get_shinfo_hva(self) -> int:
        """Get SHARED_INFO_HVA."""
        return self.vm.get_attr(VmAttr.SHARED_INFO_HVA, "hva")

    def get_vcpu_info_gpa(self, vcpu_idx: int) -> int:
        """Get VCPU_INFO."""
        return self._vcpu(vcpu_idx).get_attr(VcpuAttr.VCPU_INFO, "gpa")

    def get_vcpu_info_hva(self, vcpu_idx: int) -> int:
        """Get VCPU_INFO_HVA."""
        return self._vcpu(vcpu_idx).get_attr(VcpuAttr.VCPU_INFO_HVA, "hva")

    # Events.

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        """Send each port once and store what the ioctl answered."""
        if ports.dtype != np.uint32 or outcomes.dtype != np.int64 or ports.shape != outcomes.shape:
            raise ValueError("ports must be uint32 and outcomes int64, of one length")
        self.vm.send(vcpu_idx, ports, outcomes)

    def enter_guest(self, vcpu_idx: int) -> bool:
        """Run a vCPU until its guest has done nothing; tell whether an upcall interrupted it."""
        return self._vcpu(vcpu_idx).enter()

    # Measuring.

    def counters(self) -> dict[str, int]:
        """Return nothing: a kernel counts none of these for its VMM."""
        return {}

    def loop(self, operation: Operation, activation: Activation, expected: int = 0) -> Loop:
        """Return a compiled loop over the ioctl of *operation*."""
        return self._loops().make(operation, activation, expected)

    def region_loop(self, regions: Sequence[MemoryRegion], send_port: int | None = None) -> Loop:
        """Return a compiled loop that plays *regions* in a cycle."""
        return self._loops().play(regions, send_port)

    # Racing. Imported where it is needed: who only counts need not wait for Numba.

    @property
    def compiled(self) -> frozenset[str]:
        """What runs in a race without an interpreter; nothing with ``NUMBA_DISABLE_JIT=1``."""
        from xenperf.jit import INTERPRETED

        return frozenset() if INTERPRETED else frozenset({MEMSLOTS, *RACED})

    def race_player(self, steps: Sequence[MemoryRegion | None], race: Race) -> Player:
        """Return what makes the requests of *steps* in a cycle; None is a rest."""
        from xenperf.live import races

        return races.player(self.vm.fd, steps, race)

    def race_sender(self, target: Target, race: Race) -> Sender | None:
        """Return what raises *target*; None where the guest must be entered for it."""
        from xenperf.live import races

        if target.source not in RACED:
            return None
        calls = races.send_calls(self.vm.fd, target.port)
        if target.source is EventSource.IRQFD:
            calls = races.irqfd_calls(self.vm.fd, *self.irqfd_of(target.port))
        return races.sender(calls, target, race)

    def close(self) -> None:
        """End the VM and give its memory back."""
        close_all([self.vm, self.pages])
        self.close_sources()

    def _loops(self) -> "LoopMaker":
        """Return the maker of loops. Imported here: who only counts need not wait for Numba."""
        from xenperf.live.loops import LoopMaker

        return LoopMaker(self.vm, self.slots, self.pages)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _has_steady_clock() -> bool:
    """Tell whether KVM can leave a vCPU's time alone; else it writes it, and by GPA marks the page.

    It has one clock for all vCPUs only where the host's own is the TSC
    (``pvclock_update_vm_gtod_copy()``; seen on 6.1.192 and 6.12.95 under hpet and under tsc).
    """
    try:
        return CLOCK_SOURCE.read_text(encoding="ascii").strip() == "tsc"
    except OSError:
        return False
