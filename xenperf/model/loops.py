"""Timed loops over a modelled VM: the kernel behind each ``Operation``, and its arguments.

Requests come in a drawn order, fixed by a seed: a sequence that a branch predictor or a prefetcher
can learn makes a search look ten times cheaper than it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import INVALID_GPA, USERSPACE_MEMORY_REGION
from xenperf.abi.status import Status
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.hypervisor import Activation, Loop, MemoryRegion, Operation
from xenperf.jit import Kernel
from xenperf.model.kernels import caches, sending, slots, steps, vcpus
from xenperf.model.layout import VM
from xenperf.model.observed import Observed
from xenperf.model.state import VmState
from xenperf.units import PAGE_SIZE

PORTS_SEED: Final = 0x5EED
EVENTS_PER_UPCALL: Final = 64
NR_GFNS: Final = 1 << 14
MAX_WALKED_PAGES: Final = 256
_NO_HVA: Final = 1 << 63
_AFTER_SLOT_CHANGE, _AFTER_INVALIDATION, _AFTER_DEACTIVATION = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Bound:
    """A loop kernel with its three words, and what they point at."""

    kernel: Kernel
    a: int = 0
    b: int = 0
    c: int = 0
    keep: object = None


@dataclass(frozen=True, slots=True)
class BoundLoop:
    """A loop kernel over one VM: a ``Loop`` that can say where it and its data lie."""

    state: VmState
    bound: Bound

    def __call__(self, n: int) -> int:
        """Do *n* operations; return how many had the outcome expected."""
        bound = self.bound
        return bound.kernel(self.state.vm, self.state.cpu, n, bound.a, bound.b, bound.c)

    def page_offsets(self) -> dict[str, int]:
        """Return at which byte of its page each thing begins that the loop reads or runs."""
        found = self.state.page_offsets()
        if self.bound.kernel.address is not None:
            found["code"] = self.bound.kernel.address % PAGE_SIZE
        if self.bound.keep is not None:
            found["requests"] = self.bound.a % PAGE_SIZE
        return found


def pack_regions(regions: Sequence[MemoryRegion]) -> NDArray[Any]:
    """Return *regions* as an array of ``struct kvm_userspace_memory_region``.

    ``ValueError`` for a number that the structure cannot hold; what KVM refuses it gets to refuse.
    """
    packed = np.zeros(len(regions), USERSPACE_MEMORY_REGION)
    for record, region in zip(packed, regions, strict=True):
        numbers = (region.slot, int(region.flags), region.gpa, region.nr_bytes, region.hva)
        limits = (1 << 32, 1 << 32, 1 << 64, 1 << 64, 1 << 64)
        if any(not 0 <= number < limit for number, limit in zip(numbers, limits, strict=True)):
            raise ValueError(f"{region}: a number does not fit its field")
        record["slot"], record["flags"] = numbers[:2]
        record["guest_phys_addr"], record["memory_size"], record["userspace_addr"] = numbers[2:]
    return packed


class LoopMaker:
    """Binds loop kernels to one VM, and keeps what they point at alive."""

    def __init__(self, state: VmState) -> None:
        """Serve the VM of *state*."""
        self.state = state

    def make(self, operation: Operation, activation: Activation, expected: int) -> Loop:
        """Return the loop over *operation* on the VM as it is now."""
        maker = _MAKERS.get(operation)
        if maker is None:
            raise ValueError(f"{operation}: the model has no loop for it")
        return self._bind(maker(self, activation, expected))

    def play(self, packed: NDArray[Any], send_port: int | None) -> Loop:
        """Return a loop over memslot requests, with or without a send after each."""
        if not len(packed):
            raise ValueError("no memslot requests to play; give at least one")
        kernel = slots.loop_update_slots
        if send_port is not None:
            kernel = slots.loop_update_slots_and_send
        return self._bind(Bound(kernel, packed.ctypes.data, len(packed), send_port or 0, packed))

    def _bind(self, bound: Bound) -> Loop:
        return BoundLoop(self.state, bound)

    def _send(self, kernel: Kernel, expected: int) -> Bound:
        """Send all ports of the current mode but 0, in drawn order."""
        layout = LONG_MODE if self._vm_record()["long_mode"] else COMPAT
        drawn = np.random.default_rng(PORTS_SEED)
        ports = drawn.permutation(np.arange(1, layout.nr_ports, dtype=np.uint32))
        return Bound(kernel, ports.ctypes.data, len(ports), expected, ports)

    def _refused(self) -> Bound:
        """Send port 0, which is refused before any cache is looked at."""
        port = np.zeros(1, np.uint32)
        expected = Status.EINVAL % (1 << 64)
        return Bound(sending.loop_send_again, port.ctypes.data, 1, expected, port)

    def _refresh(self, spoil: int, expected: int) -> Bound:
        return Bound(caches.loop_refresh, spoil, 0, expected)

    def _check(self, kernel: Kernel) -> Bound:
        """Go round as many vCPUs as a power of two allows."""
        return Bound(kernel, (1 << self.state.size.nr_vcpus.bit_length() - 1) - 1)

    def _activate(self, activation: Activation, before: int) -> Bound:
        """Activate shared_info where it is active now, by the same kind of address."""
        gpc = self._vm_record()["shinfo"]
        by_gpa = activation is Activation.GPA
        gpa = int(gpc["gpa"]) if by_gpa else INVALID_GPA
        return Bound(caches.loop_activate, gpa, _NO_HVA if by_gpa else int(gpc["uhva"]), before)

    def _unrelated_range(self, kernel: Kernel, read_first: int) -> Bound:
        """A page just below the page of shared_info: no cache lies there."""
        uhva = int(self._vm_record()["shinfo"]["uhva"])
        return Bound(kernel, uhva - PAGE_SIZE, uhva, read_first)

    def _gfns(self, kernel: Kernel) -> Bound:
        """Frames drawn evenly over the slots, whatever their sizes."""
        records = self._slot_records()
        drawn = np.random.default_rng(PORTS_SEED)
        picked = records[drawn.integers(0, len(records), NR_GFNS)]
        offsets = (drawn.random(NR_GFNS) * picked["nr_pages"]).astype(np.uint64)
        gfns = np.ascontiguousarray(picked["base_gfn"] + offsets)
        return Bound(kernel, gfns.ctypes.data, NR_GFNS - 1, 0, gfns)

    def _walk(self) -> Bound:
        """Walk the pages of the first slot, up to 256 of them."""
        slot = self._slot_records()[0]
        nr_pages = min(int(slot["nr_pages"]), MAX_WALKED_PAGES)
        return Bound(steps.loop_walk, int(slot["uhva"]), (1 << nr_pages.bit_length() - 1) - 1)

    def _vm_record(self) -> Any:
        return self.state.view("vm", VM)[0]

    def _slot_records(self) -> NDArray[Any]:
        """Return a copy of the active set's slots; ``ValueError`` if there is none."""
        records = Observed(self.state).memslots()
        if not len(records):
            raise ValueError("the VM has no memslot to look up; create one first")
        return records


_Maker: TypeAlias = Callable[[LoopMaker, Activation, int], Bound]
_MAKERS: Final[dict[Operation, _Maker]] = {
    Operation.SEND: lambda m, _, e: m._send(sending.loop_send, e),
    Operation.SEND_BAD_PORT: lambda m, _, e: m._refused(),
    Operation.SEND_AGAIN: lambda m, _, e: m._send(sending.loop_send_again, e),
    Operation.SEND_AFTER_SLOT_CHANGE: lambda m, _, e: m._send(
        sending.loop_send_after_slot_change, e
    ),
    Operation.SEND_AND_HANDLE: lambda m, _, e: m._send(
        sending.loop_send_and_handle, EVENTS_PER_UPCALL
    ),
    Operation.CHECK: lambda m, _, e: m._check(caches.loop_check),
    Operation.LOCK_AND_CHECK: lambda m, _, e: m._check(caches.loop_lock_and_check),
    Operation.REFRESH: lambda m, _, e: m._refresh(0, e),
    Operation.REFRESH_AFTER_SLOT_CHANGE: lambda m, _, e: m._refresh(_AFTER_SLOT_CHANGE, e),
    Operation.REFRESH_AFTER_INVALIDATION: lambda m, _, e: m._refresh(_AFTER_INVALIDATION, e),
    Operation.ACTIVATE: lambda m, a, _: m._activate(a, 0),
    Operation.ACTIVATE_AFTER_SLOT_CHANGE: lambda m, a, _: m._activate(a, _AFTER_SLOT_CHANGE),
    Operation.DEACTIVATE_AND_ACTIVATE: lambda m, a, _: m._activate(a, _AFTER_DEACTIVATION),
    Operation.NOTIFY: lambda m, _, e: m._unrelated_range(caches.loop_notify, 1),
    Operation.INVALIDATE: lambda m, _, e: m._unrelated_range(caches.loop_invalidate, 1),
    Operation.INVALIDATE_WRITE_LOCKED: lambda m, _, e: m._unrelated_range(
        caches.loop_invalidate, 0
    ),
    Operation.MERGE: lambda m, _, e: Bound(vcpus.loop_merge),
    Operation.HAS_INTERRUPT: lambda m, _, e: Bound(vcpus.loop_has_interrupt, c=e),
    Operation.LOOKUP: lambda m, _, e: m._gfns(slots.loop_lookup),
    Operation.SEARCH: lambda m, _, e: m._gfns(slots.loop_search),
    Operation.SEARCH_WITH_BRANCHES: lambda m, _, e: m._gfns(slots.loop_search_with_branches),
    Operation.READ_LOCK: lambda m, _, e: Bound(steps.loop_read_lock),
    Operation.WRITE_LOCK: lambda m, _, e: Bound(steps.loop_write_lock),
    Operation.SRCU: lambda m, _, e: Bound(steps.loop_srcu),
    Operation.SET_PENDING: lambda m, _, e: m._send(steps.loop_set_pending, 0),
    Operation.SCAN_PENDING: lambda m, _, e: Bound(steps.loop_scan_pending, c=e),
    Operation.WALK: lambda m, _, e: m._walk(),
}
