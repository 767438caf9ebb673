"""Timed loops over a real kernel: the ioctl behind each ``Operation``, and its arguments.

Ports come in a drawn order, fixed by a seed, as in the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import (
    HVA_OFF,
    INVALID_GFN,
    PRIORITY_2LEVEL,
    XEN_EVTCHN_SEND,
    XEN_VM_ATTR,
    Ioctl,
    VcpuAttr,
    VmAttr,
)
from xenperf.abi.status import Delivery, Status
from xenperf.abi.xen import COMPAT, LONG_MODE, SharedInfoLayout
from xenperf.hypervisor import Activation, Loop, MemoryRegion, Operation
from xenperf.jit import Kernel
from xenperf.live.kernels import (
    loop_live_notify,
    loop_live_regions,
    loop_live_requests,
    loop_live_sends,
)
from xenperf.live.pages import VmmPages
from xenperf.live.slots import Slots
from xenperf.live.vm import Vm, pack_regions
from xenperf.units import Gfn, Gpa, Hva, gfn_to_gpa

PORTS_SEED: Final = 0x5EED
_WORD: Final = 1 << 64
_ACCEPTED: Final = frozenset({Delivery.DELIVERED, Delivery.MERGED, Delivery.MASKED})
"""Outcomes that the send ioctl reports as 0, all alike."""


@dataclass(frozen=True, slots=True)
class LiveLoop:
    """A compiled loop that can also look at the clock around each operation."""

    run: Callable[[int, int], int]
    """Takes how many, and where two time stamps of each go; 0 is nowhere."""

    def __call__(self, n: int) -> int:
        """Do *n* operations; return how many were answered as expected."""
        return self.run(n, 0)

    def each(self, n: int) -> tuple[int, NDArray[np.int64]]:
        """Do *n* operations; return the same, and the ticks of the clock that each took."""
        stamps = np.ones(2 * n, np.uint64)  # written to, so that no page is missing when it counts
        hits = self.run(n, stamps.ctypes.data)
        return hits, (stamps[1::2] - stamps[::2]).astype(np.int64)


class LoopMaker:
    """Binds compiled loops to one live VM as it is now."""

    def __init__(self, vm: Vm, slots: Slots, pages: VmmPages) -> None:
        """Serve the VM of *vm*."""
        self._vm = vm
        self._slots = slots
        self._pages = pages

    def make(self, operation: Operation, activation: Activation, expected: int) -> Loop:
        """Return the loop over *operation*; ``ValueError`` if no ioctl does it by itself."""
        maker = _MAKERS.get(operation)
        if maker is None:
            raise ValueError(f"{operation}: a real kernel has no request that does this alone")
        return maker(self, activation, expected)

    def play(self, regions: Sequence[MemoryRegion], send_port: int | None) -> Loop:
        """Return a loop over memslot requests, with or without a send after each."""
        if not regions:
            raise ValueError("no memslot requests to play; give at least one")
        packed = pack_regions(regions)
        event = None if send_port is None else _events([send_port])
        send = 0 if event is None else event.ctypes.data
        plan = _plan(packed.ctypes.data, len(packed), send)
        return _bound(loop_live_regions, self._vm.fd, plan, (packed, event))

    def _send(self, expected: int, *, clears: bool) -> Loop:
        """Send all ports of the current mode but 0, in drawn order."""
        layout = self._layout()
        drawn = np.random.default_rng(PORTS_SEED)
        events = _events(drawn.permutation(np.arange(1, layout.nr_ports)))
        told = Status.OK if expected in _ACCEPTED else expected
        places = self._cleared(layout) if clears else (0, 0, 0, 0)
        plan = _plan(events.ctypes.data, len(events), told % _WORD, *places)
        return _bound(loop_live_sends, self._vm.fd, plan, events)

    def _cleared(self, layout: SharedInfoLayout) -> tuple[int, int, int, int]:
        """Return where a pass over the ports has to clear: bitmap, its end, selector, upcall."""
        shared_info, vcpu_info = self._shinfo_hva(), self._vcpu_info_hva()
        pending = shared_info + layout.pending_offset if shared_info else 0
        past = pending + layout.pending_bytes if shared_info else 0
        if not vcpu_info:
            return pending, past, 0, 0
        parts = layout.vcpu_info
        return pending, past, vcpu_info + (parts.pending_sel & ~7), vcpu_info + parts.upcall_pending

    def _refused(self) -> Loop:
        """Send port 0, which is refused before any cache is looked at."""
        events = _events([0])
        plan = _plan(events.ctypes.data, 1, Status.EINVAL % _WORD, 0, 0, 0, 0)
        return _bound(loop_live_sends, self._vm.fd, plan, events)

    def _activate(self, activation: Activation, *, off_first: bool) -> Loop:
        """Activate shared_info where it is active now, by the same kind of address."""
        wanted = np.zeros(2, XEN_VM_ATTR)
        if activation is Activation.GPA:
            wanted["type"] = VmAttr.SHARED_INFO
            wanted["gfn"] = INVALID_GFN, self._vm.get_attr(VmAttr.SHARED_INFO, "gfn")
        else:
            wanted["type"] = VmAttr.SHARED_INFO_HVA
            wanted["hva"] = HVA_OFF, self._vm.get_attr(VmAttr.SHARED_INFO_HVA, "hva")
        wanted = wanted if off_first else wanted[1:]
        number = int(Ioctl.XEN_HVM_SET_ATTR)
        plan = _plan(number, wanted.ctypes.data, wanted.itemsize, len(wanted), int(Status.OK))
        return _bound(loop_live_requests, self._vm.fd, plan, wanted)

    def _notify(self) -> Loop:
        """Drop a page of its own, which no cache has."""
        page = self._pages.map_new(1)
        return LiveLoop(lambda n, stamps: loop_live_notify(page, n, stamps))

    def _layout(self) -> SharedInfoLayout:
        return LONG_MODE if self._vm.get_attr(VmAttr.LONG_MODE, "long_mode") == 1 else COMPAT

    def _shinfo_hva(self) -> Hva | None:
        """Return where the VMM has shared_info; None if off, or if no memslot shows it."""
        gfn = self._vm.get_attr(VmAttr.SHARED_INFO, "gfn")
        if gfn != INVALID_GFN:
            return self._slots.hva_of(gfn_to_gpa(Gfn(gfn)))
        return Hva(max(0, self._vm.get_attr(VmAttr.SHARED_INFO_HVA, "hva"))) or None

    def _vcpu_info_hva(self) -> Hva | None:
        """Return where the VMM has the first vCPU's vcpu_info, likewise."""
        vcpu = self._vm.vcpus[0]
        gpa = vcpu.get_attr(VcpuAttr.VCPU_INFO, "gpa")
        if gpa != INVALID_GFN:
            return self._slots.hva_of(Gpa(gpa))
        return Hva(max(0, vcpu.get_attr(VcpuAttr.VCPU_INFO_HVA, "hva"))) or None


def _plan(*words: int) -> NDArray[np.uint64]:
    """Return what a loop is to do, as its kernel reads it."""
    return np.array(words, np.uint64)


def _bound(kernel: Kernel, fd: int, plan: NDArray[np.uint64], keep: object) -> LiveLoop:
    """Return *kernel* over *plan*, which points at *keep*."""

    def loop(n: int, stamps: int) -> int:
        assert keep is not None
        return kernel(fd, n, plan.ctypes.data, stamps)

    return LiveLoop(loop)


def _events(ports: Any) -> NDArray[Any]:
    """Return the arguments of the send ioctl for each of *ports*, to the first vCPU."""
    events = np.zeros(len(ports), XEN_EVTCHN_SEND)
    events["port"], events["priority"] = ports, PRIORITY_2LEVEL
    return events


_Maker: TypeAlias = Callable[[LoopMaker, Activation, int], Loop]
_MAKERS: Final[dict[Operation, _Maker]] = {
    Operation.SEND: lambda m, _, e: m._send(e, clears=True),
    Operation.SEND_AGAIN: lambda m, _, e: m._send(e, clears=False),
    Operation.SEND_BAD_PORT: lambda m, _, e: m._refused(),
    Operation.ACTIVATE: lambda m, a, _: m._activate(a, off_first=False),
    Operation.DEACTIVATE_AND_ACTIVATE: lambda m, a, _: m._activate(a, off_first=True),
    Operation.NOTIFY: lambda m, _, e: m._notify(),
}
