"""The model as a ``Hypervisor``: addresses and exceptions outside, words and kernels inside."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA
from xenperf.abi.status import Delivery, Status, outcome_of
from xenperf.abi.xen import LOWEST_UPCALL_VECTOR
from xenperf.hypervisor import Activation, Feature, Loop, MemoryRegion, Operation, VmSize
from xenperf.memory import PhysicalMemory, close_all
from xenperf.model.attributes import Attributes
from xenperf.model.dirty import DirtyBitmaps
from xenperf.model.kernels import control
from xenperf.model.layout import VCPU, VM
from xenperf.model.loops import LoopMaker, pack_regions
from xenperf.model.memslot_requests import MemslotRequests
from xenperf.model.mm import AddressSpace
from xenperf.model.observed import Observed
from xenperf.model.patches import ATOMIC_OVERLAY, SHINFO_HVA, VCPU_INFO_HVA
from xenperf.model.state import VmState
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, Khva, gfn_to_gpa

_NO_GPA: Final = INVALID_GPA
_NO_HVA: Final = 1 << 63
_WORD: Final = 1 << 64


class ModelHost(Attributes, MemslotRequests):
    """A modelled VM: one arena, one memfd, one VMM address space, and processor 0."""

    name = "model"
    features = frozenset(Feature) - {
        Feature.PARALLEL,
        *(() if SHINFO_HVA and VCPU_INFO_HVA else (Feature.SHINFO_HVA,)),
        *(() if ATOMIC_OVERLAY else (Feature.ATOMIC_SLOTS,)),
    }

    def __init__(self, size: VmSize | None = None, placement: int | None = None) -> None:
        """Make a VM of *size*, its objects placed as ``VmState`` says; no slot, no active cache."""
        self.size = size or VmSize()
        self.nr_vcpus = self.size.nr_vcpus
        self.nr_slots = self.size.nr_slots
        self.memory = PhysicalMemory(self.size.nr_pages)
        self.mm = AddressSpace(self.memory)
        self.state = VmState(self.size, self.memory.direct_map, self.mm.pgd, placement)
        self.observed = Observed(self.state)
        self._dirty = DirtyBitmaps(self.state, self.observed)
        self._loops = LoopMaker(self.state)
        for gpc in self.state.gpcs():
            control.init_cache(gpc)

    def allocate_pages(self, nr_pages: int) -> Hva:
        """Give the VMM *nr_pages* of zeroed memory; ``ValueError`` when none is left."""
        return self.mm.map_new(nr_pages)

    def read(self, hva: Hva, nr_bytes: int) -> bytes:
        """Return what the VMM sees at *hva*."""
        return self.mm.view(hva, nr_bytes).tobytes()

    def write(self, hva: Hva, content: bytes) -> None:
        """Store *content* at *hva*, as the VMM."""
        self.mm.view(hva, len(content))[:] = np.frombuffer(content, np.uint8)

    def replace_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Map new zeroed pages over *hva*; the notifier runs before and after."""
        self.mm.check(hva, nr_pages)
        first = self.memory.allocate(nr_pages)
        with self._notifier(hva, nr_pages):
            self.mm.show(hva, first, nr_pages)

    def unmap_pages(self, hva: Hva, nr_pages: int = 1) -> None:
        """Take the pages at *hva* away; the notifier runs before and after."""
        self.mm.check(hva, nr_pages)
        with self._notifier(hva, nr_pages):
            self.mm.hide(hva, nr_pages)

    def activate_shinfo_gfn(self, gfn: Gfn) -> int:
        """Activate by frame; all-ones deactivates."""
        _check_word("gfn", gfn)
        if gfn == INVALID_GFN:
            return self._deactivate(self.state.shinfo_gpc())
        gpa = gfn_to_gpa(gfn) & (_WORD - 1)  # as KVM shifts: what is above bit 51 drops out
        return outcome_of(control.activate_shinfo(self.state.vm, self.state.cpu, gpa, _NO_HVA))

    def activate_shinfo_hva(self, hva: Hva) -> int:
        """Activate by address; 0 deactivates, an unaligned one is -EINVAL first of all."""
        _check_word("hva", hva)
        if not SHINFO_HVA:
            return Status.ENOENT
        if hva % PAGE_SIZE:
            return Status.EINVAL
        if hva == HVA_OFF:
            return self._deactivate(self.state.shinfo_gpc())
        return outcome_of(control.activate_shinfo(self.state.vm, self.state.cpu, _NO_GPA, hva))

    def activate_vcpu_info_gpa(self, vcpu_idx: int, gpa: Gpa) -> int:
        """Activate by GPA; all-ones deactivates."""
        self._check_vcpu(vcpu_idx)
        _check_word("gpa", gpa)
        if gpa == INVALID_GPA:
            return self._deactivate(self.state.vcpu_info_gpc(vcpu_idx))
        vm, cpu = self.state.vm, self.state.cpu
        return outcome_of(control.activate_vcpu_info(vm, cpu, vcpu_idx, gpa, _NO_HVA))

    def activate_vcpu_info_hva(self, vcpu_idx: int, hva: Hva) -> int:
        """Activate by address; 0 deactivates."""
        self._check_vcpu(vcpu_idx)
        _check_word("hva", hva)
        if not VCPU_INFO_HVA:
            return Status.ENOENT
        if hva == HVA_OFF:
            return self._deactivate(self.state.vcpu_info_gpc(vcpu_idx))
        vm, cpu = self.state.vm, self.state.cpu
        return outcome_of(control.activate_vcpu_info(vm, cpu, vcpu_idx, _NO_GPA, hva))

    def set_long_mode(self, long_mode: bool) -> int:
        """Choose the layouts; the wall clock is rewritten if shared_info is active."""
        return outcome_of(control.set_long_mode(self.state.vm, self.state.cpu, int(long_mode)))

    def set_upcall_vector(self, vector: int) -> int:
        """Choose the VM-wide vector: 0 or from 0x10 on, else -EINVAL."""
        _check_byte(vector)
        if 0 < vector < LOWEST_UPCALL_VECTOR:
            return Status.EINVAL
        self.state.view("vm", VM)["upcall_vector"] = vector
        return Status.OK

    def set_vcpu_upcall_vector(self, vcpu_idx: int, vector: int) -> int:
        """Choose a vCPU's own vector likewise."""
        self._check_vcpu(vcpu_idx)
        _check_byte(vector)
        if 0 < vector < LOWEST_UPCALL_VECTOR:
            return Status.EINVAL
        self.state.view("vcpus", VCPU, self.nr_vcpus)["upcall_vector"][vcpu_idx] = vector
        return Status.OK

    def send(self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]) -> None:
        """Send each port once and store what the ioctl's caller is told."""
        self.deliver(vcpu_idx, ports, outcomes)
        told_apart = (outcomes == Delivery.DELIVERED) | (outcomes == Delivery.MASKED)
        outcomes[told_apart] = Status.OK

    def deliver(
        self, vcpu_idx: int, ports: NDArray[np.uint32], outcomes: NDArray[np.int64]
    ) -> None:
        """Send each port once and store what became of it: 1, 0 or a negative errno."""
        if ports.dtype != np.uint32 or outcomes.dtype != np.int64 or ports.shape != outcomes.shape:
            raise ValueError("ports must be uint32 and outcomes int64, of one length")
        if not (ports.flags.c_contiguous and outcomes.flags.c_contiguous):
            raise ValueError("ports and outcomes must be contiguous")
        _check_word("vcpu", vcpu_idx)
        control.send_ports(
            self.state.vm,
            self.state.cpu,
            vcpu_idx,
            ports.ctypes.data,
            outcomes.ctypes.data,
            ports.size,
        )

    def enter_guest(self, vcpu_idx: int) -> bool:
        """Take a vCPU to guest entry once."""
        self._check_vcpu(vcpu_idx)
        vcpu = self.state.vcpu(vcpu_idx)
        return bool(control.enter_guest(self.state.vm, self.state.cpu, vcpu))

    def counters(self) -> dict[str, int]:
        """Return the processors' counts summed, and the active set's generation."""
        return self.observed.counters()

    def loop(self, operation: Operation, activation: Activation, expected: int = 0) -> Loop:
        """Return a timed loop over the VM as it is now."""
        return self._loops.make(operation, activation, expected % _WORD)

    def region_loop(self, regions: Sequence[MemoryRegion], send_port: int | None = None) -> Loop:
        """Return a loop that plays *regions* in a cycle."""
        packed = pack_regions(regions)
        self._dirty.reserve(regions)
        return self._loops.play(packed, send_port)

    def dirty_pages(self, slot: int) -> list[int]:
        """Return the pages of *slot* marked since it began to log; reading clears nothing."""
        return self._dirty.marked(slot)

    def close(self) -> None:
        """Unmap and close everything."""
        close_all([self.mm, *self._dirty.owners(), self.state, self.memory])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _deactivate(self, gpc: Khva) -> int:
        control.deactivate_cache(self.state.vm, gpc)
        return Status.OK

    @contextlib.contextmanager
    def _notifier(self, hva: Hva, nr_pages: int) -> Iterator[None]:
        """Run the MMU notifier around a change of the VMM's pages."""
        end = hva + nr_pages * PAGE_SIZE
        control.invalidate_start(self.state.vm, self.state.cpu, hva, end)
        try:
            yield
        finally:
            control.invalidate_end(self.state.vm, self.state.cpu, hva, end)


def _check_word(name: str, number: int) -> None:
    if not 0 <= number < _WORD:
        raise ValueError(f"{name} {number}: not a 64-bit word; give 0 to 2**64 - 1")


def _check_byte(vector: int) -> None:
    if not 0 <= vector <= 0xFF:
        raise ValueError(f"vector {vector}: not a byte; give 0 to 255")
