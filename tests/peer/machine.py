"""One VM to run the same kernel in three ways, and its memory to compare and to put back."""

import ctypes

import numpy as np

from xenperf.abi.kvm import MemslotFlag
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.hypervisor import Activation, MemoryRegion, VmSize
from xenperf.model.host import ModelHost
from xenperf.model.kernels import control
from xenperf.model.layout import GPC, VCPU
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, Khva, Pfn, gfn_to_gpa

RAM_PAGES = 16
SHINFO_GFN, VCPU_INFO_GFN = Gfn(3), Gfn(5)
VCPU_INFO_OFFSET = 0x440
RAM_SLOT, OTHER_SLOT = 0, 3
OTHER_GFN = Gfn(0x100)
BUFFER_BYTES = PAGE_SIZE


class Machine:
    """Some RAM in slot 0 and two vCPUs; a buffer for ports, requests and outcomes."""

    def __init__(self, placement: int | None = None) -> None:
        self.host = ModelHost(VmSize(nr_pages=96, nr_slots=8, nr_vcpus=2), placement)
        self.ram = self.host.allocate_pages(RAM_PAGES)
        self.spare = self.host.allocate_pages(2)
        self.first_pfn = Pfn(self.host.mm.pfn(self.ram) or 0)
        self.vm, self.cpu = self.host.state.vm, self.host.state.cpu
        self.buffer = np.zeros(BUFFER_BYTES, np.uint8)
        self.request(self.slot(RAM_SLOT, Gfn(0), RAM_PAGES, self.ram))

    # The VMM's side.

    def slot(self, slot: int, gfn: Gfn, nr_pages: int, hva: Hva, flags: int = 0) -> MemoryRegion:
        return MemoryRegion(slot, gfn_to_gpa(gfn), nr_pages * PAGE_SIZE, hva, flags)

    def request(self, *regions: MemoryRegion) -> None:
        assert self.host.set_memory_regions(regions) == [0] * len(regions)

    def change_elsewhere(self) -> None:
        self.request(self.slot(OTHER_SLOT, OTHER_GFN, 2, self.spare))

    def delete_ram(self) -> None:
        self.request(MemoryRegion(RAM_SLOT, Gpa(0), 0, Hva(0)))

    def remake_ram(self, flags: MemslotFlag) -> None:
        self.delete_ram()
        self.request(self.slot(RAM_SLOT, Gfn(0), RAM_PAGES, self.ram, flags))

    def hva(self, gfn: Gfn) -> Hva:
        return Hva(self.ram + gfn * PAGE_SIZE)

    def activate(self, activation: Activation) -> None:
        """Activate both, vCPU 0's vcpu_info by the same kind of address."""
        if activation is Activation.GPA:
            gpa = Gpa(gfn_to_gpa(VCPU_INFO_GFN) + VCPU_INFO_OFFSET)
            assert self.host.activate_shinfo_gfn(SHINFO_GFN) == 0
            assert self.host.activate_vcpu_info_gpa(0, gpa) == 0
        else:
            assert self.host.activate_shinfo_hva(self.hva(SHINFO_GFN)) == 0
            hva = Hva(self.hva(VCPU_INFO_GFN) + VCPU_INFO_OFFSET)
            assert self.host.activate_vcpu_info_hva(0, hva) == 0

    # The guest's side.

    def set_bits(self, *, pending: tuple[int, ...] = (), masked: tuple[int, ...] = ()) -> None:
        layout = LONG_MODE if self.host.state.view("vm", "u1", 1024)[256] else COMPAT
        page = bytearray(self.host.read(self.hva(SHINFO_GFN), PAGE_SIZE))
        for ports, offset in ((pending, layout.pending_offset), (masked, layout.mask_offset)):
            for port in ports:
                page[offset + port // 8] |= 1 << port % 8
        self.host.write(self.hva(SHINFO_GFN), bytes(page))

    def set_selector(self, selector: int) -> None:
        """Store all 64 bits where long mode has them, and the upcall flag."""
        hva = Hva(self.hva(VCPU_INFO_GFN) + VCPU_INFO_OFFSET)
        self.host.write(hva, b"\1")
        self.host.write(Hva(hva + 4), (selector & 0xFFFF_FFFF).to_bytes(4, "little"))
        self.host.write(Hva(hva + 8), selector.to_bytes(8, "little"))

    def set_vcpu(self, **fields: int) -> None:
        """Store *fields* of vCPU 0's block as they are."""
        vcpus = self.host.state.view("vcpus", VCPU, 2)
        for name, value in fields.items():
            vcpus[name][0] = value

    def invalidate(self, gfn: Gfn, nr_pages: int = 1) -> None:
        """Run the notifier over pages that then stay as they are."""
        start, end = self.hva(gfn), self.hva(Gfn(gfn + nr_pages))
        control.invalidate_start(self.vm, self.cpu, start, end)
        control.invalidate_end(self.vm, self.cpu, start, end)

    def show(self, hva: int, pfn: int, writable: int) -> int:
        """Let *hva* show *pfn*, or nothing for 0, in the page table alone: all that kernels see."""
        shown = Pfn(pfn) if pfn else None
        self.host.mm._set_entries(Hva(hva), shown, 1, writable=bool(writable))
        return 0

    # What the arguments of kernels point at.

    def put_words(self, values: list[int], dtype: str, offset: int = 0) -> Khva:
        """Store *values* in the buffer at *offset* and return where."""
        packed = np.array(values, dtype).view(np.uint8)
        self.buffer[offset : offset + packed.size] = packed
        return Khva(self.buffer.ctypes.data + offset)

    def khva_of(self, gpc: Khva) -> int:
        """Return the khva that the cache at *gpc* holds; 0: none."""
        return int(self.host.state.arena.view(GPC, gpc - self.host.state.arena.khva, 1)[0]["khva"])

    def has_khvas(self) -> bool:
        """Tell whether both caches hold one: a loop may take them beforehand."""
        state = self.host.state
        return all(map(self.khva_of, (state.shinfo_gpc(), state.vcpu_info_gpc(0))))

    # Memory as a whole.

    def save(self) -> dict[str, bytes]:
        """Return every byte that a kernel may write, or might write by mistake."""
        return {name: ctypes.string_at(*span) for name, span in self._spans().items()}

    def restore(self, memory: dict[str, bytes]) -> None:
        """Put back what ``save`` returned."""
        for name, (khva, _) in self._spans().items():
            ctypes.memmove(khva, memory[name], len(memory[name]))

    def close(self) -> None:
        self.host.close()

    def _spans(self) -> dict[str, tuple[int, int]]:
        """Return khva and size of each stretch of memory."""
        arena, memory = self.host.state.arena, self.host.memory
        khvas = self.host.state.view("dirty_bitmaps", "<u8", self.host.nr_slots)
        bitmaps = {
            f"bitmap {slot}": (int(khva), PAGE_SIZE) for slot, khva in enumerate(khvas) if khva
        }
        return {
            "arena": (arena.khva, arena.nr_bytes),
            "pages": (memory.direct_map, memory.nr_pages * PAGE_SIZE),
            "buffer": (self.buffer.ctypes.data, BUFFER_BYTES),
            **bitmaps,
        }
