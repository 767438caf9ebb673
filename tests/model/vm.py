"""A small modelled VM for tests, and short words for what its VMM, its guest and its mm do."""

import contextlib
from collections.abc import Iterator

import numpy as np
from hypothesis import settings

from xenperf.abi.kvm import MemslotFlag
from xenperf.abi.xen import COMPAT, LONG_MODE, SharedInfoLayout
from xenperf.hypervisor import Activation, MemoryRegion, VmSize
from xenperf.model.host import ModelHost
from xenperf.model.kernels import control
from xenperf.model.layout import CPU
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, Khva, gfn_to_gpa, hva_to_page, page_offset

RAM_PAGES = 32
OVERLAY_GFN = Gfn(7)
VCPU_INFO_GFN = Gfn(9)
ELSEWHERE = Gpa(1 << 30)
WHOLE, LOW, OVERLAY, HIGH, OTHER = 0, 1, 2, 3, 4

drawn = settings(deadline=None, derandomize=True, max_examples=60)
"""For properties: the same draws on every run, and time to compile."""


class Vm:
    """RAM in slot 0 from guest address 0 on, and one page of the VMM's own to lay over it."""

    def __init__(
        self,
        nr_vcpus: int = 1,
        nr_slots: int = 64,
        nr_pages: int = 4096,
        host: type[ModelHost] = ModelHost,
    ) -> None:
        self.host = host(VmSize(nr_pages, nr_slots, nr_vcpus))
        self.ram = self.host.allocate_pages(RAM_PAGES)
        self.overlay = self.host.allocate_pages(1)
        self.spare = self.host.allocate_pages(1)  # never in a slot
        self.long_mode = True
        self.request(self.whole())

    # What the VMM asks of the memslots.

    def whole(self, flags: int = 0) -> MemoryRegion:
        return MemoryRegion(WHOLE, Gpa(0), RAM_PAGES * PAGE_SIZE, self.ram, flags)

    def part(self, slot: int, gfn: int, nr_pages: int, hva: Hva) -> MemoryRegion:
        return MemoryRegion(slot, gfn_to_gpa(Gfn(gfn)), nr_pages * PAGE_SIZE, hva)

    def low(self) -> MemoryRegion:
        return self.part(LOW, 0, OVERLAY_GFN, self.ram)

    def laid_over(self) -> MemoryRegion:
        return self.part(OVERLAY, OVERLAY_GFN, 1, self.overlay)

    def high(self) -> MemoryRegion:
        first = OVERLAY_GFN + 1
        return self.part(HIGH, first, RAM_PAGES - first, self.ram_page(first))

    def without(self, slot: int) -> MemoryRegion:
        return MemoryRegion(slot, Gpa(0), 0, Hva(0))

    def break_apart(self) -> list[MemoryRegion]:
        return [self.without(WHOLE), self.low(), self.laid_over(), self.high()]

    def rejoin(self) -> list[MemoryRegion]:
        return [self.without(LOW), self.without(OVERLAY), self.without(HIGH), self.whole()]

    def request(self, *regions: MemoryRegion) -> None:
        assert self.host.set_memory_regions(regions) == [0] * len(regions)

    def change_slots_elsewhere(self) -> None:
        """One swap that touches no slot of ours: create a page far away, or flip its flag."""
        record = self.host.observed.memslot(OTHER)
        on = record is None or not int(record["flags"]) & MemslotFlag.LOG_DIRTY_PAGES
        flags = MemslotFlag.LOG_DIRTY_PAGES if on else 0
        self.request(MemoryRegion(OTHER, ELSEWHERE, PAGE_SIZE, self.ram, flags))

    # Activation.

    def ram_page(self, gfn: int) -> Hva:
        return Hva(self.ram + gfn * PAGE_SIZE)

    def activate_shinfo(self, activation: Activation, gfn: Gfn = OVERLAY_GFN) -> int:
        """Activate in RAM at *gfn*, by either address."""
        if activation is Activation.GPA:
            return self.host.activate_shinfo_gfn(gfn)
        return self.host.activate_shinfo_hva(self.ram_page(gfn))

    def activate_vcpu_info(self, activation: Activation, vcpu_idx: int = 0, offset: int = 0) -> int:
        """Activate vcpu *vcpu_idx*'s 64 bytes on the page for them, by either address."""
        offset += 64 * vcpu_idx
        if activation is Activation.GPA:
            gpa = Gpa(gfn_to_gpa(VCPU_INFO_GFN) + offset)
            return self.host.activate_vcpu_info_gpa(vcpu_idx, gpa)
        hva = Hva(self.ram_page(VCPU_INFO_GFN) + offset)
        return self.host.activate_vcpu_info_hva(vcpu_idx, hva)

    def activate_both(self, activation: Activation) -> None:
        assert self.activate_shinfo(activation) == 0
        assert self.activate_vcpu_info(activation) == 0

    # Events.

    def send(self, *ports: int, vcpu_idx: int = 0) -> int | list[int]:
        """What the ioctl's caller is told: one outcome, or a list of them."""
        outcomes = np.full(len(ports), 99, np.int64)
        self.host.send(vcpu_idx, np.array(ports, np.uint32), outcomes)
        return int(outcomes[0]) if len(ports) == 1 else [int(rc) for rc in outcomes]

    def deliver(self, port: int, vcpu_idx: int = 0) -> int:
        """What became of it: 1, 0, -ENOTCONN or an error."""
        outcomes = np.full(1, 99, np.int64)
        self.host.deliver(vcpu_idx, np.array([port], np.uint32), outcomes)
        return int(outcomes[0])

    def pages(self) -> list[bytes]:
        """What the pages for shared_info and vcpu_info hold; nothing where nothing is mapped."""
        return [
            self.host.read(page, PAGE_SIZE) if self.host.mm.pfn(page) is not None else b""
            for page in (*map(self.ram_page, (OVERLAY_GFN, VCPU_INFO_GFN)), self.overlay)
        ]

    def still_pending(self, seen: list[bytes]) -> bool:
        """Tell whether every bit of the pending arrays that was set then is set now."""
        ports = slice(0x800, 0x880)
        then = [int.from_bytes(page[ports], "little") for page in seen]
        now = [int.from_bytes(page[ports], "little") for page in self.pages()]
        return all(before & ~after == 0 for before, after in zip(then, now, strict=True))

    def handle(self, shared_info: Hva, vcpu_info: Hva) -> tuple[int, int]:
        """Let the guest's handler run: how many events it found, and the xor of their ports."""
        digest = control.handle_events(self.khva(shared_info), self.khva(vcpu_info), self.long_mode)
        return digest & 0xFFFF_FFFF, digest >> 32

    def khva(self, hva: Hva) -> int:
        """Where the direct map has what lies at *hva* now."""
        pfn = self.host.mm.pfn(hva_to_page(hva))
        assert pfn is not None
        return self.host.memory.khva(pfn) + page_offset(hva)

    # What the guest sees.

    @property
    def layout(self) -> SharedInfoLayout:
        return LONG_MODE if self.long_mode else COMPAT

    def set_long_mode(self, long_mode: bool) -> int:
        self.long_mode = long_mode
        return self.host.set_long_mode(long_mode)

    def bits(self, hva: Hva, nr_bytes: int) -> set[int]:
        field = np.frombuffer(self.host.read(hva, nr_bytes), np.uint8)
        return {int(bit) for bit in np.flatnonzero(np.unpackbits(field, bitorder="little"))}

    def pending(self, page: Hva) -> set[int]:
        return self.bits(Hva(page + self.layout.pending_offset), self.layout.pending_bytes)

    def set_mask(self, page: Hva, *ports: int) -> None:
        mask = np.zeros(8 * self.layout.mask_bytes, np.uint8)
        mask[list(ports)] = 1
        field = np.packbits(mask, bitorder="little").tobytes()
        self.host.write(Hva(page + self.layout.mask_offset), field)

    def vcpu_info(self, vcpu_idx: int = 0) -> tuple[int, int]:
        """The selector and the upcall flag on the page for vcpu_info."""
        return self.vcpu_info_at(Hva(self.ram_page(VCPU_INFO_GFN) + 64 * vcpu_idx))

    def vcpu_info_at(self, hva: Hva) -> tuple[int, int]:
        fields = self.layout.vcpu_info
        sel = self.host.read(Hva(hva + fields.pending_sel), self.layout.nr_selector_bits // 8)
        return int.from_bytes(sel, "little"), self.host.read(hva, 1)[0]

    def shadow(self, vcpu_idx: int = 0) -> int:
        return self.host.observed.shadow_sel(vcpu_idx)

    # What cannot be seen from outside.

    def shinfo(self) -> dict[str, int]:
        return self.host.observed.gpc(self.host.state.shinfo_gpc())

    def vcpu_info_gpc(self, vcpu_idx: int = 0) -> dict[str, int]:
        return self.host.observed.gpc(self.host.state.vcpu_info_gpc(vcpu_idx))

    def dirty(self) -> list[int]:
        """The pages of RAM marked since its slot began to log."""
        return self.host.dirty_pages(WHOLE)

    def state_bytes(self) -> bytes:
        """Every byte of the modelled kernel's own objects."""
        arena = self.host.state.arena
        return arena.view(np.uint8, 0, arena.nr_bytes).tobytes()

    @contextlib.contextmanager
    def open_range(self, hva: Hva, nr_pages: int = 1) -> Iterator[None]:
        """Keep a notifier range open, as a slow munmap does."""
        vm, cpu, end = self.host.state.vm, self.host.state.cpu, hva + nr_pages * PAGE_SIZE
        control.invalidate_start(vm, cpu, hva, end)
        try:
            yield
        finally:
            control.invalidate_end(vm, cpu, hva, end)

    def protect(self, hva: Hva, writable: bool) -> None:
        """What mprotect does to one page."""
        pfn = self.host.mm.pfn(hva)
        assert pfn is not None
        with self.open_range(hva):
            self.host.mm.show(hva, pfn, 1, writable=writable)

    @contextlib.contextmanager
    def on_cpu(self, number: int) -> Iterator[None]:
        """Do what follows on another processor, as an actor of its own."""
        state = self.host.state
        state.cpu = self.cpu(number)
        try:
            yield
        finally:
            state.cpu = self.cpu(0)

    def cpu(self, number: int) -> Khva:
        return Khva(self.host.state.khva("cpus") + number * CPU.itemsize)

    @contextlib.contextmanager
    def counting(self) -> Iterator[dict[str, int]]:
        """Give a dict that holds, afterwards, how much each counter rose in the block."""
        before, rise = self.host.counters(), dict[str, int]()
        yield rise
        rise.update({name: count - before[name] for name, count in self.host.counters().items()})
