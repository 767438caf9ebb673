"""The small VM that two operations meet in: RAM in one slot, both pages active, one vCPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import numpy as np

from xenperf.abi.kvm import MemslotFlag
from xenperf.abi.xen import LONG_MODE
from xenperf.explore.accesses import peek, poke
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation, MemoryRegion, VmSize
from xenperf.units import PAGE_SHIFT, PAGE_SIZE, Gfn, Gpa, Hva, Khva, gfn_to_gpa

RAM_PAGES: Final = 32
SHINFO_GFN: Final = Gfn(7)
VCPU_INFO_GFN: Final = Gfn(9)
ELSEWHERE: Final = Gpa(1 << 30)
WHOLE, LOW, OVERLAY, HIGH, OTHER = range(5)
FIRST_PORT: Final = 66
SHADOWED: Final = 1 << 3  # a selector bit that waits for a merge
OTHER_BITS: Final = 1 << 5  # of a pending word and of a mask word
UPCALL_VECTOR: Final = 0x20
_PRESENT_WRITABLE: Final = 3


class Machine:
    """One VM of a tapped model, as every schedule of a pair finds it."""

    def __init__(self, tap: Tap, activation: Activation) -> None:
        """Set the VM up with shared_info and vcpu_info active by *activation*."""
        self.tap = tap
        self.activation = activation
        self.host: Any = tap.model("host").ModelHost(VmSize(128, 8, 1))
        self.ram: Hva = self.host.allocate_pages(RAM_PAGES)
        self.overlay: Hva = self.host.allocate_pages(1)
        self.new_frame: int = self.host.memory.allocate(1)
        self.event_pages: list[Khva] = []
        self.first_generation = 0
        self.first_kicks = 0
        self._kept: list[Any] = []
        self.vm: int = self.host.state.vm
        self.vcpu: int = self.host.state.vcpu(0)
        self._set_up()

    def _set_up(self) -> None:
        host = self.host
        done = host.set_memory_regions([self.whole()])
        done.append(host.set_upcall_vector(UPCALL_VECTOR))
        if self.activation is Activation.GPA:
            done.append(host.activate_shinfo_gfn(SHINFO_GFN))
            done.append(host.activate_vcpu_info_gpa(0, gfn_to_gpa(VCPU_INFO_GFN)))
        else:
            done.append(host.activate_shinfo_hva(self.ram_page(SHINFO_GFN)))
            done.append(host.activate_vcpu_info_hva(0, self.ram_page(VCPU_INFO_GFN)))
        assert not any(done), done
        host.enter_guest(0)  # the clock update that activation asked for

    # What operations ask for.

    def ram_page(self, gfn: int) -> Hva:
        """Return where the VMM has frame *gfn* of RAM."""
        return Hva(self.ram + gfn * PAGE_SIZE)

    def whole(self, flags: int = 0, first: int = 0) -> MemoryRegion:
        """Return RAM as one slot, from frame *first* on."""
        gpa = gfn_to_gpa(Gfn(first))
        return MemoryRegion(WHOLE, gpa, RAM_PAGES * PAGE_SIZE, self.ram, flags)

    def logged(self) -> MemoryRegion:
        """Return RAM with dirty logging on."""
        return self.whole(MemslotFlag.LOG_DIRTY_PAGES)

    def without_ram(self) -> MemoryRegion:
        """Return the request that deletes RAM."""
        return MemoryRegion(WHOLE, Gpa(0), 0, Hva(0))

    def page_elsewhere(self) -> MemoryRegion:
        """Return a slot that nothing here lies in."""
        return MemoryRegion(OTHER, ELSEWHERE, PAGE_SIZE, self.overlay)

    def broken_apart(self) -> list[MemoryRegion]:
        """Return the requests that lay the VMM's page over the frame of shared_info."""
        after = SHINFO_GFN + 1
        high = MemoryRegion(
            *(HIGH, gfn_to_gpa(Gfn(after)), (RAM_PAGES - after) * PAGE_SIZE, self.ram_page(after))
        )
        return [
            self.without_ram(),
            MemoryRegion(LOW, Gpa(0), SHINFO_GFN * PAGE_SIZE, self.ram),
            MemoryRegion(OVERLAY, gfn_to_gpa(SHINFO_GFN), PAGE_SIZE, self.overlay),
            high,
        ]

    def packed(self, regions: list[MemoryRegion]) -> list[int]:
        """Return the khva of each request, as the model reads it; kept until closed."""
        array = self.tap.model("loops").pack_regions(regions)
        first = self.keep(array)
        return [first + idx * array.itemsize for idx in range(len(regions))]

    def keep(self, array: Any) -> int:
        """Return the khva of *array*, which is kept until closed."""
        self._kept.append(array)
        return int(array.ctypes.data)

    def cpu(self, actor: int) -> np.uint64:
        """Return the processor of an actor: each has its own."""
        layout = self.tap.model("layout")
        return np.uint64(self.host.state.khva("cpus") + actor * layout.CPU.itemsize)

    def shadow_a_selector(self) -> None:
        """Leave a selector bit in the shadow and the kick that announces it."""
        vcpu = self.vcpu_record()
        vcpu["shadow_sel"] |= SHADOWED
        vcpu["requests"] |= 1

    def set_other_bits(self) -> None:
        """Leave a pending and a masked port of which nobody here has heard."""
        page = self.shinfo_page()
        poke(page + LONG_MODE.pending_offset, OTHER_BITS)
        poke(page + LONG_MODE.mask_offset, OTHER_BITS)

    # Where things are.

    def vcpu_record(self) -> Any:
        """Return the vCPU's block; drop it before closing."""
        return self.host.state.view("vcpus", self.tap.model("layout").VCPU, 1)[0]

    def shinfo_page(self) -> Khva:
        """Return where the direct map has the page that shared_info is in at first."""
        frame = self.frame(self.ram_page(SHINFO_GFN))
        assert frame is not None
        return self.khva(frame)

    def page_entry(self, hva: Hva) -> int:
        """Return the khva of the page table entry of *hva*."""
        table = int(self.host.mm.pgd)
        for shift in (39, 30, 21):
            table = peek(self._entry_at(table, hva >> shift)) >> PAGE_SHIFT
        return self._entry_at(table, hva >> PAGE_SHIFT)

    def _entry_at(self, table: int, index: int) -> int:
        return int(self.host.memory.khva(table)) + (index % 512) * 8

    def entry_of(self, frame: int) -> int:
        """Return the entry that shows *frame*, writable."""
        return frame << PAGE_SHIFT | _PRESENT_WRITABLE

    def frame(self, hva: Hva) -> int | None:
        """Return the frame behind *hva* now, or None."""
        frame: int | None = self.host.mm.pfn(hva)
        return frame

    def khva(self, frame: int) -> Khva:
        """Return where the direct map has *frame*."""
        return Khva(self.host.memory.khva(frame))

    def note_start(self) -> None:
        """Note, before the first schedule, every page that an event may be written to in any."""
        self.first_generation = int(self.host.observed.generation)
        self.first_kicks = int(self.vcpu_record()["nr_kicks"])
        homes = [self.ram_page(gfn) for gfn in range(SHINFO_GFN - 1, VCPU_INFO_GFN + 1)]
        frames = [*map(self.host.mm.pfn, (*homes, self.overlay)), self.new_frame]
        self.event_pages = [self.khva(frame) for frame in frames]

    @contextmanager
    def holding(self, words: dict[int, int]) -> Iterator[None]:
        """Let the real pages hold *words* while the block looks at them."""
        before = {word: peek(word) for word in words}
        for word, value in words.items():
            poke(word, value)
        try:
            yield
        finally:
            for word, value in before.items():
                poke(word, value)

    def close(self) -> None:
        """Unmap everything."""
        self.host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


Act = Callable[[], Any]
