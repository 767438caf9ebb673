"""What a scenario may ask of one VM, whichever back end runs it: the wall between them.

Outcomes are the kernel's own: 0 or a negative errno, returned and never raised. A caller's mistake
raises ``ValueError`` before any kernel runs. Calls that are made often take batches, because one
crossing costs as much as thirty locked operations. GFN and HVA have two methods each, as KVM gives
them two attribute types; both are ``int`` at run time, so one method could not tell them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import USER_SLOTS
from xenperf.abi.xen import MAX_VCPUS
from xenperf.errors import UsageError
from xenperf.sources import EventSources
from xenperf.units import Gfn, Gpa, Hva


class Activation(StrEnum):
    """How the caches are told where their page is."""

    GPA = "gpa"
    HVA = "hva"


class Feature(StrEnum):
    """What a back end may or may not offer."""

    SHINFO_HVA = "shinfo_hva"
    """Activation by HVA: Linux v6.9 and later."""

    ATOMIC_SLOTS = "atomic_slots"
    """Several memslot requests in one publish: no kernel has it, but the model may."""

    COUNTERS = "counters"
    """Swaps, refreshes and walks can be counted."""

    STEPS = "steps"
    """Single steps (a lock, a check, a search) can be timed."""

    PARALLEL = "parallel"
    """Several threads may make requests at once."""

    WORK_ON_DEMAND = "work_on_demand"
    """What an irqfd leaves to a worker waits for ``run_work``, and may be looked at before."""

    STEADY_CLOCK = "steady_clock"
    """A vCPU's time is not written anew at each entry: the host's clock is the TSC."""


class Operation(StrEnum):
    """What can be repeated in a compiled loop and timed; each counts its expected outcomes."""

    SEND = "send"
    SEND_AGAIN = "send_again"
    SEND_BAD_PORT = "send_bad_port"
    SEND_AFTER_SLOT_CHANGE = "send_after_slot_change"
    SEND_AND_HANDLE = "send_and_handle"
    CHECK = "check"
    LOCK_AND_CHECK = "lock_and_check"
    REFRESH = "refresh"
    REFRESH_AFTER_SLOT_CHANGE = "refresh_after_slot_change"
    REFRESH_AFTER_INVALIDATION = "refresh_after_invalidation"
    ACTIVATE = "activate"
    ACTIVATE_AFTER_SLOT_CHANGE = "activate_after_slot_change"
    DEACTIVATE_AND_ACTIVATE = "deactivate_and_activate"
    NOTIFY = "notify"
    INVALIDATE = "invalidate"
    INVALIDATE_WRITE_LOCKED = "invalidate_write_locked"
    MERGE = "merge"
    HAS_INTERRUPT = "has_interrupt"
    LOOKUP = "lookup"
    SEARCH = "search"
    SEARCH_WITH_BRANCHES = "search_with_branches"
    READ_LOCK = "read_lock"
    WRITE_LOCK = "write_lock"
    SRCU = "srcu"
    SET_PENDING = "set_pending"
    SCAN_PENDING = "scan_pending"
    WALK = "walk"


Loop: TypeAlias = Callable[[int], int]
"""Does *n* operations; returns how many had the outcome expected, so *n* when all is well."""


@runtime_checkable
class StampedLoop(Protocol):
    """A loop that can also look at the clock around each operation."""

    def __call__(self, n: int) -> int:
        """Do *n* operations, as any loop."""

    def each(self, n: int) -> tuple[int, NDArray[np.int64]]:
        """Do the same; return also the ticks of the time stamp counter that each took."""


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """One memslot request: guest frames ``[gpa, gpa + nr_bytes)`` lie at *hva*; none: delete."""

    slot: int
    gpa: Gpa
    nr_bytes: int
    hva: Hva
    flags: int = 0
    """``MemslotFlag`` bits."""


@dataclass(frozen=True, slots=True)
class VmSize:
    """How big a VM is made; ``UsageError`` names a size out of range."""

    nr_pages: int = 4096
    """Frames of physical memory, for guest pages and page tables alike."""

    nr_slots: int = 64
    """Memslot ids: 1 to 32,764."""

    nr_vcpus: int = 1
    """1 to 1,024."""

    def __post_init__(self) -> None:
        """Refuse what no VM can have."""
        _check_range("slots", self.nr_slots, USER_SLOTS)
        _check_range("vcpus", self.nr_vcpus, MAX_VCPUS)
        _check_range("pages", self.nr_pages, 1 << 24)


def _check_range(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise UsageError(f"{name} {value}", "out of range", f"give a number from 1 to {most}")


class Hypervisor(EventSources, Protocol):
    """One VM and the memory its VMM has; closed by whoever opened it."""

    name: str
    features: frozenset[Feature]
    nr_vcpus: int
    nr_slots: int

    def allocate_pages(self, nr_pages: int) -> Hva:
        """Give the VMM *nr_pages* of zeroed, writable memory and return where."""

    def read(self, hva: Hva, nr_bytes: int) -> bytes:
        """Return what the VMM sees at *hva*; ``ValueError`` outside its memory."""

    def write(self, hva: Hva, content: bytes) -> None:
        """Store *content* at *hva*, as the VMM."""

    def replace_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Map new zeroed pages over *hva*, at once and in place: mmap(MAP_FIXED)."""

    def unmap_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Take the pages at *hva* away, so that nothing resolves there: munmap."""

    def protect_page(self, hva: Hva, writable: bool) -> None:
        """Forbid or allow stores to the page at *hva*: mprotect."""

    def dirty_pages(self, slot: int) -> list[int]:
        """Return the pages of *slot* marked since it began to log, counted from its first."""

    def set_memory_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        """Make the requests in order and return each outcome: KVM_SET_USER_MEMORY_REGION.

        A poll sleeps inside its hypercall, with the VM's SRCU read lock held, so that a request
        returns once no vCPU sleeps in one: ``ValueError`` for a poll that has no timeout.
        """

    def activate_shinfo_gfn(self, gfn: Gfn) -> int:
        """Activate through the memslots: attribute SHARED_INFO. All-ones deactivates."""

    def activate_shinfo_hva(self, hva: Hva) -> int:
        """Activate by the VMM's address: attribute SHARED_INFO_HVA. 0 deactivates."""

    def activate_vcpu_info_gpa(self, vcpu_idx: int, gpa: Gpa) -> int:
        """Activate a vCPU's vcpu_info through the memslots; all-ones deactivates."""

    def activate_vcpu_info_hva(self, vcpu_idx: int, hva: Hva) -> int:
        """Activate a vCPU's vcpu_info by the VMM's address; 0 deactivates."""

    def set_long_mode(self, long_mode: bool) -> int:
        """Choose the 64-bit or the 32-bit layouts: attribute LONG_MODE."""

    def set_upcall_vector(self, vector: int) -> int:
        """Choose the VM-wide upcall vector, 0 for none: attribute UPCALL_VECTOR."""

    def set_vcpu_upcall_vector(self, vcpu_idx: int, vector: int) -> int:
        """Choose a vCPU's own upcall vector, 0 for none."""

    def get_shinfo_gfn(self) -> int:
        """Return where shared_info is active by GFN, else all-ones; or a negative errno."""

    def get_shinfo_hva(self) -> int:
        """Return where shared_info is active by HVA, else 0; or a negative errno."""

    def get_vcpu_info_gpa(self, vcpu_idx: int) -> int:
        """Return where a vcpu_info is active by GPA, else all-ones; or a negative errno."""

    def get_vcpu_info_hva(self, vcpu_idx: int) -> int:
        """Return where a vcpu_info is active by HVA, else 0; or a negative errno."""

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        """Send each port once: KVM_XEN_HVM_EVTCHN_SEND. Arrays of one length, shared with nobody.

        An outcome is what the caller of the ioctl is told, 0 or a negative errno: delivered, merged
        and masked are all 0, and the pending bits tell which it was.
        """

    def enter_guest(self, vcpu_idx: int) -> bool:
        """Take a vCPU to guest entry once; tell whether an upcall would interrupt it."""

    def counters(self) -> dict[str, int]:
        """Return counts since the VM was made, by name; empty without ``Feature.COUNTERS``."""

    def loop(self, operation: Operation, activation: Activation, expected: int = 0) -> Loop:
        """Return a compiled loop over *operation*; ``ValueError`` if the back end has none.

        activation
            How the caches were activated, where the loop activates again.
        expected
            The outcome that counts, where the operation has more than one.
        """

    def region_loop(self, regions: Sequence[MemoryRegion], send_port: int | None = None) -> Loop:
        """Return a loop that plays *regions* in a cycle, one request an operation.

        With *send_port* each request is followed by one send, whatever becomes of it.
        """

    def close(self) -> None:
        """Give everything back; nothing of the VM is left."""

    def __enter__(self) -> Self:
        """Return the VM."""

    def __exit__(self, *exc: object) -> None:
        """Close it."""
