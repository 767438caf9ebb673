"""Back ends that are wrong in one way each, by which a case shows that it can fail."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import HVA_OFF, INVALID_GFN
from xenperf.abi.status import Status
from xenperf.hypervisor import Hypervisor, MemoryRegion
from xenperf.sources import GuestCall, PortRequest
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva


class Liar:
    """Passes everything on to a true back end."""

    def __init__(self, host: Hypervisor) -> None:
        self.host = host

    def __getattr__(self, name: str) -> Any:
        return getattr(self.host, name)


class SwallowsSends(Liar):
    """Accepts every send and delivers none."""

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        outcomes[:] = Status.OK


class RefusesSends(Liar):
    """Delivers nothing and says so."""

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        outcomes[:] = Status.EFAULT


class AcceptsSends(Liar):
    """Delivers what can be delivered, and says so of everything."""

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        self.host.send(vcpu_idx, ports, outcomes)
        outcomes[:] = Status.OK


class SeesNothing(Liar):
    """Shows 0 for every selector, flag and version, though bitmaps are what they are."""

    def read(self, hva: Hva, nr_bytes: int) -> bytes:
        return bytes(nr_bytes) if nr_bytes <= 8 else self.host.read(hva, nr_bytes)


class SendsToTwo(Liar):
    """Sends every port to its neighbour too."""

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        self.host.send(vcpu_idx, ports ^ np.uint32(1), np.zeros_like(outcomes))
        self.host.send(vcpu_idx, ports, outcomes)


class NeverEnters(Liar):
    """Keeps every vCPU out of the guest, and says that it was interrupted."""

    def enter_guest(self, vcpu_idx: int) -> bool:
        return True


class KnowsOneMode(Liar):
    """Takes LONG_MODE and does not act on it."""

    def set_long_mode(self, long_mode: bool) -> int:
        return Status.OK


class KeepsSlots(Liar):
    """Refuses to delete a memslot, and then whatever comes in its place."""

    def set_memory_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        keep = [region for region in regions if region.nr_bytes]
        kept = iter(self.host.set_memory_regions(keep))
        return [next(kept) if region.nr_bytes else 0 for region in regions]


class SlotsAreFine(Liar):
    """Makes requests and says that each succeeded."""

    def set_memory_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        self.host.set_memory_regions(regions)
        return [Status.OK] * len(regions)


class ActivatesNothing(Liar):
    """Says that every activation succeeded."""

    def activate_shinfo_gfn(self, gfn: Gfn) -> int:
        return Status.OK

    def activate_shinfo_hva(self, hva: Hva) -> int:
        return Status.OK

    def activate_vcpu_info_gpa(self, vcpu_idx: int, gpa: Gpa) -> int:
        return Status.OK

    def activate_vcpu_info_hva(self, vcpu_idx: int, hva: Hva) -> int:
        return Status.OK


class ActivatesNever(ActivatesNothing):
    """Refuses every activation."""

    def activate_shinfo_gfn(self, gfn: Gfn) -> int:
        return Status.EINVAL

    def activate_shinfo_hva(self, hva: Hva) -> int:
        return Status.EINVAL

    def activate_vcpu_info_gpa(self, vcpu_idx: int, gpa: Gpa) -> int:
        return Status.EFAULT if gpa + 1 != 1 << 64 else Status.EINVAL

    def activate_vcpu_info_hva(self, vcpu_idx: int, hva: Hva) -> int:
        return Status.EFAULT


class ForgetsAttributes(Liar):
    """Answers every GET with 5."""

    def get_shinfo_gfn(self) -> int:
        return 5

    def get_shinfo_hva(self) -> int:
        return 5

    def get_vcpu_info_gpa(self, vcpu_idx: int) -> int:
        return 5

    def get_vcpu_info_hva(self, vcpu_idx: int) -> int:
        return 5


class TakesAnyVector(Liar):
    """Takes every upcall vector."""

    def set_upcall_vector(self, vector: int) -> int:
        return Status.OK

    def set_vcpu_upcall_vector(self, vcpu_idx: int, vector: int) -> int:
        return Status.OK


class MarksEverything(Liar):
    """Calls every page dirty."""

    def dirty_pages(self, slot: int) -> list[int]:
        return [0, 16]


class CountsAlong(Liar):
    """Counts one of everything whenever it is asked."""

    def __init__(self, host: Hypervisor) -> None:
        super().__init__(host)
        self.asked = 0

    def counters(self) -> dict[str, int]:
        self.asked += 1
        return {name: 3 * self.asked for name in self.host.counters()}


class MissesNotifications(Liar):
    """Leaves the old page where a new one was asked for."""

    def replace_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        self.host.write(hva, b"\xff" * PAGE_SIZE)

    def unmap_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Do nothing."""

    def protect_page(self, hva: Hva, writable: bool) -> None:
        """Do nothing."""


class NeverOff(Liar):
    """Keeps every cache active."""

    def activate_shinfo_gfn(self, gfn: Gfn) -> int:
        return Status.OK if gfn == INVALID_GFN else self.host.activate_shinfo_gfn(gfn)

    def activate_shinfo_hva(self, hva: Hva) -> int:
        return Status.OK if hva == HVA_OFF else self.host.activate_shinfo_hva(hva)


class NoSources(Liar):
    """Knows no source of events but the send ioctl, and admits it nowhere."""

    def set_irq_route(self, gsi: int, port: int) -> int:
        return Status.EINVAL

    def irqfd_write(self, gsi: int) -> None:
        """Do nothing."""

    def irq_line(self, gsi: int) -> int:
        return 1

    def set_evtchn(self, request: PortRequest) -> int:
        return Status.OK

    def set_timer(self, vcpu_idx: int, port: int, expires_ns: int) -> int:
        return Status.OK

    def get_timer(self, vcpu_idx: int) -> int:
        return 5

    def guest_send(self, vcpu_idx: int, port: int) -> int:
        return GuestCall.OK

    def guest_poll(self, vcpu_idx: int, ports: list[int], timeout_ns: int) -> int:
        return GuestCall.OK


class NeverWakes(Liar):
    """Keeps a guest in its poll for good, and every other poll too."""

    def guest_poll(self, vcpu_idx: int, ports: list[int], timeout_ns: int) -> int:
        return GuestCall.ASLEEP

    def poll_result(self, vcpu_idx: int) -> int:
        return GuestCall.ASLEEP


LIARS: tuple[Callable[[Hypervisor], Any], ...] = (
    *(SwallowsSends, RefusesSends, AcceptsSends, SendsToTwo, NeverEnters, SeesNothing),
    *(KnowsOneMode, KeepsSlots, SlotsAreFine, ActivatesNothing, ActivatesNever),
    *(ForgetsAttributes, TakesAnyVector, MarksEverything, CountsAlong, MissesNotifications),
    *(NeverOff, NoSources, NeverWakes),
)
