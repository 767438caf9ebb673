"""One stress run: a modelled VM, a plan of changes, two native threads, and what they counted."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from tests.model.vm import OVERLAY_GFN, VCPU_INFO_GFN, Vm
from tests.stress import loops
from tests.stress.layout import CHURNERS, RUN, SENDERS, STEP
from xenperf.abi.kvm import INVALID_GPA
from xenperf.abi.structs import offset_of
from xenperf.abi.xen import LONG_MODE
from xenperf.hypervisor import Activation
from xenperf.jit import INTERPRETED
from xenperf.memory import Arena
from xenperf.model.loops import pack_regions
from xenperf.units import PAGE_SHIFT, PAGE_SIZE, Gfn, Pfn, gfn_to_gpa

RAM, SPARE, OVERLAY = 1, 2, 4
"""The frames that events may lie in: shared_info's in RAM, one that replaces it, the VMM's page."""

SLOTS, PAGES, CACHES = "slots", "pages", "caches"
KINDS: Final = (SLOTS, PAGES, CACHES)
UPCALL_VECTOR: Final = 0x20
NR_PORTS: Final = LONG_MODE.nr_ports
SEED: Final = 0x5EED
MIN_CYCLES: Final = 10
FEW: Final = 3
_NO_HVA: Final = 1 << 63
_PRESENT_WRITABLE: Final = 3
LIMIT_S: Final = 280.0
GRACE_S: Final = 20.0

Step = tuple[int, int, int, int, int, str]
"""Action, its three words, the frames closed from its end on, and the window that begins then."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run counted, by the names of ``layout.RUN``; and for each port."""

    words: dict[str, int]
    raised: NDArray[np.uint64]
    consumed: NDArray[np.uint64]
    pending: NDArray[np.uint64]
    generations: int
    """How far the generation moved, in steps of one swap."""

    def __getitem__(self, name: str) -> int:
        return self.words[name]


class Stress:
    """A VM with shared_info and vcpu_info active, and the words that both threads share."""

    def __init__(self, activation: Activation, kinds: Iterable[str]) -> None:
        """Make the VM, and a plan of all *kinds* of changes."""
        self.activation = activation
        self.vm = Vm()
        self.shared = Arena(RUN.itemsize)
        self.counts = np.zeros((2, NR_PORTS), np.uint64)
        self._set_up()
        frames = self._frames()
        self.frames = np.array([self.vm.host.memory.khva(frame) for frame in frames], np.uint64)
        self._keep: list[Any] = []
        self.plan = self._packed([step for kind in kinds for step in self._steps(kind, frames)])

    def run(self, nr_sends: int, *, fault: int = 0, cpus: Sequence[int] = ()) -> Counts:
        """Run both threads to their end, on two of *cpus*; ``TimeoutError`` if they do not end.

        The sender goes on until each was seen at work often within single steps of the other.
        """
        usable = cpus or sorted(os.sched_getaffinity(0))
        record = self.shared.view(RUN, 0, 1)
        record[0] = np.zeros(1, RUN)[0]
        overlap = FEW if fault else min_overlap(len(set(usable)))
        for name, value in self._given(nr_sends, fault, overlap).items():
            record[name] = value
        self.counts[:] = 0
        generation = self.vm.host.observed.generation
        vm, run = self.vm.host.state.vm, self.shared.khva
        for kernel in (loops.send_events, loops.churn):
            kernel.compile()
        run_both(
            (usable[0], lambda: loops.send_events(vm, self.vm.cpu(1), run)),
            (usable[-1], lambda: loops.churn(vm, self.vm.cpu(2), run)),
            stop=self._stop,
        )
        return Counts(
            {name: int(record[name][0]) for name in (*SENDERS, *CHURNERS)},
            *(*self.counts.copy(), self._pending()),
            (self.vm.host.observed.generation - generation) // 2,
        )

    def close(self) -> None:
        """Give everything back."""
        self.vm.host.close()
        self.shared.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _given(self, nr_sends: int, fault: int, overlap: int) -> dict[str, int]:
        """Return what both threads are told."""
        return {
            "nr_sends": nr_sends,
            "max_sends": 64 * nr_sends,
            "min_cycles": MIN_CYCLES,
            "min_overlap": overlap,
            "seed": SEED,
            "plan": self.plan.ctypes.data,
            "nr_steps": len(self.plan),
            "raised": self.counts[0].ctypes.data,
            "consumed": self.counts[1].ctypes.data,
            "frames": self.frames.ctypes.data,
            "nr_frames": len(self.frames),
            "vcpu_info": self.vm.khva(self.vm.ram_page(VCPU_INFO_GFN)),
            "fault": fault,
        }

    def _stop(self) -> None:
        """Tell the sender that it has sent enough; the other thread follows it."""
        record = self.shared.view(RUN, 0, 1)
        record["nr_sends"] = record["max_sends"] = 0

    def _set_up(self) -> None:
        self.vm.activate_both(self.activation)
        assert self.vm.host.set_upcall_vector(UPCALL_VECTOR) == 0
        self.vm.host.enter_guest(0)

    def _frames(self) -> list[Pfn]:
        """Return the three frames, the last 64 ports masked in each."""
        mm, memory = self.vm.host.mm, self.vm.host.memory
        ram, overlay = mm.pfn(self.vm.ram_page(OVERLAY_GFN)), mm.pfn(self.vm.overlay)
        assert ram is not None
        assert overlay is not None
        frames = [ram, memory.allocate(), overlay]
        for frame in frames:
            memory.view(frame, np.uint8)[LONG_MODE.mask_offset + 504 :][:8] = 0xFF
        return frames

    def _steps(self, kind: str, frames: list[Pfn]) -> list[Step]:
        if kind == SLOTS:
            return self._slot_steps()
        return self._page_steps(frames) if kind == PAGES else self._cache_steps()

    def _slot_steps(self) -> list[Step]:
        """Break RAM apart around the overlay and join it again; by GPA events follow the slots."""
        packed = pack_regions([*self.vm.break_apart(), *self.vm.rejoin()])
        self._keep.append(packed)
        nowhere, ram, overlay = RAM | SPARE | OVERLAY, SPARE | OVERLAY, RAM | SPARE
        closed = [ram] * 8
        if self.activation is Activation.GPA:
            closed = [nowhere, nowhere, overlay, overlay, overlay, nowhere, nowhere, ram]
        absent = [True, True, False, False, False, True, True, False]
        return [
            (
                int(loops.CHANGE_SLOT),
                *(packed.ctypes.data + idx * packed.itemsize, 0, 0),
                *(closed[idx], "while_absent" if absent[idx] else ""),
            )
            for idx in range(8)
        ]

    def _page_steps(self, frames: list[Pfn]) -> list[Step]:
        """Put another frame behind shared_info's page, and the first one again."""
        hva = self.vm.ram_page(OVERLAY_GFN)
        entry = _page_entry(self.vm, hva)
        return [
            (
                int(loops.REPLACE_PAGE),
                *(hva, entry, frames[shown] << PAGE_SHIFT | _PRESENT_WRITABLE),
                *(closed, ""),
            )
            for shown, closed in ((1, RAM | OVERLAY), (0, SPARE | OVERLAY))
        ]

    def _cache_steps(self) -> list[Step]:
        """Switch shared_info off and on, then vcpu_info, by the same kind of address."""
        state, others = self.vm.host.state, SPARE | OVERLAY
        off, vcpu_off = int(state.shinfo_gpc()), int(state.vcpu_info_gpc(0))
        switch_off, on, vcpu_on = (
            int(a) for a in (loops.SWITCH_OFF, loops.SHINFO_ON, loops.VCPU_INFO_ON)
        )
        return [
            (switch_off, off, 0, 0, RAM | others, "while_off"),
            (on, *self._places(OVERLAY_GFN), 0, others, ""),
            (switch_off, vcpu_off, 0, 0, others, ""),
            (vcpu_on, *self._places(VCPU_INFO_GFN), 0, others, ""),
        ]

    def _places(self, gfn: Gfn) -> tuple[int, int]:
        """Return the GPA and the HVA to activate *gfn* by: one of them says nothing."""
        if self.activation is Activation.GPA:
            return gfn_to_gpa(gfn), _NO_HVA
        return INVALID_GPA, self.vm.ram_page(gfn)

    def _packed(self, steps: list[Step]) -> NDArray[Any]:
        plan = np.zeros(len(steps), STEP)
        for record, (*numbers, window) in zip(plan, steps, strict=True):
            at = offset_of(RUN, window) if window else 0
            for name, number in zip(STEP.names or (), (*numbers, at), strict=True):
                record[name] = number
        return plan

    def _pending(self) -> NDArray[np.uint64]:
        """Return for each port in how many frames it is pending."""
        found = np.zeros(NR_PORTS, np.uint64)
        field = slice(LONG_MODE.pending_offset, LONG_MODE.mask_offset)
        for khva in self.frames:
            page = self.vm.host.memory.view(self.vm.host.memory.pfn_of(int(khva)), np.uint8)
            found += np.unpackbits(page[field], bitorder="little")
        return found


def _page_entry(vm: Vm, hva: int) -> int:
    """Return the khva of the page table entry of *hva*."""
    memory, table = vm.host.memory, vm.host.mm.pgd
    for shift in (39, 30, 21):
        table = Pfn(int(memory.view(table, np.uint64)[hva >> shift & 511]) >> PAGE_SHIFT)
    return int(memory.khva(table)) + (hva // PAGE_SIZE & 511) * 8


def min_overlap(nr_cpus: int) -> int:
    """Return how often each thread must have been at work within a step of the other.

    On one processor threads take turns, which shows nothing.
    """
    if nr_cpus == 1:
        return 0
    return FEW if INTERPRETED else 200


def run_both(*parts: tuple[int, Callable[[], object]], stop: Callable[[], None]) -> None:
    """Run each part in a thread on a CPU of its own; ``TimeoutError`` if they had to be stopped."""

    def work(cpu: int, part: Callable[[], object]) -> None:
        os.sched_setaffinity(0, {cpu})  # of this thread alone
        part()

    threads = [threading.Thread(target=work, args=part, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    if not _have_ended(threads, LIMIT_S):
        stop()  # or they go on in memory that is given back
        how = "were stopped" if _have_ended(threads, GRACE_S) else "cannot be stopped"
        raise TimeoutError(f"the threads have not ended after {LIMIT_S:.0f} s and {how}")


def _have_ended(threads: list[threading.Thread], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
