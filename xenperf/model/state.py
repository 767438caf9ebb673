"""One VM's kernel objects, laid out in an arena: what a fresh ``struct kvm`` holds."""

import random
from collections.abc import Mapping
from typing import Any, Final, Self

from numpy.typing import NDArray

from xenperf.abi.structs import offset_of
from xenperf.abi.xen import LONG_MODE
from xenperf.hypervisor import VmSize
from xenperf.memory import Arena
from xenperf.model.layout import CPU, MEMSLOT, MEMSLOTS, NR_CPUS, VCPU, VM, VM_BYTES
from xenperf.model.source_layout import EVTCHN_PORT, GSI, NR_EVENTFDS, NR_GSIS
from xenperf.units import PAGE_SIZE, Khva, Pfn

BOOT_NS = 1_700_000_000 * 10**9  # a fixed guest boot time, so that runs can be compared bytewise
FIRST_NS = 10**9  # what the guest's clock shows at first: past times exist
CACHE_LINE: Final = 64
PLACED: Final = ("vm", "cpus", "vcpus", "slots0", "slots1")
"""The parts that timed loops touch, whatever they time."""


class VmState:
    """The arena of one VM, with the khva of each part and structured views for set-up and tests."""

    def __init__(
        self, size: VmSize, direct_map: Khva, pgd: Pfn, placement: int | None = None
    ) -> None:
        """Lay *size* out and fill in what never changes.

        placement
            A seed: each part begins at a cache line of its page that is drawn by it and by the
            part's name, so at the same one in every VM of this seed. None: all without a gap.
        """
        self.size = size
        slots_bytes = (size.nr_slots + 2) * MEMSLOT.itemsize
        parts = {
            "vm": VM_BYTES,
            "cpus": NR_CPUS * CPU.itemsize,
            "vcpus": size.nr_vcpus * VCPU.itemsize,
            "slots0": slots_bytes,
            "slots1": slots_bytes,
            "gfn_by_id0": size.nr_slots * 8,
            "gfn_by_id1": size.nr_slots * 8,
            "dirty_bitmaps": size.nr_slots * 8,
            "gpc_list": (size.nr_vcpus + 1) * 8,
            "gsis": NR_GSIS * GSI.itemsize,
            "evtchn_ports": LONG_MODE.nr_ports * EVTCHN_PORT.itemsize,
            "eventfds": NR_EVENTFDS * 8,
        }
        self._offsets, end = laid_out(parts, placement)
        self.arena = Arena(end)
        self.vm = self.khva("vm")
        self.cpu = self.khva("cpus")
        self._fill(direct_map, pgd)

    def khva(self, part: str) -> Khva:
        """Return where *part* starts."""
        return Khva(self.arena.khva + self._offsets[part])

    def view(self, part: str, dtype: Any, count: int = 1) -> NDArray[Any]:
        """Return *part* as *count* records; drop the view before closing."""
        return self.arena.view(dtype, self._offsets[part], count)

    def page_offsets(self) -> dict[str, int]:
        """Return at which byte of its page each part begins that timed loops touch."""
        found = {part: self.khva(part) % PAGE_SIZE for part in PLACED}
        return {**found, "shinfo_gpc": self.shinfo_gpc() % PAGE_SIZE}

    def shinfo_gpc(self) -> Khva:
        """Return the khva of the cache of shared_info."""
        return Khva(self.vm + offset_of(VM, "shinfo"))

    def vcpu(self, vcpu_idx: int) -> Khva:
        """Return the khva of a vCPU's block."""
        return Khva(self.khva("vcpus") + vcpu_idx * VCPU.itemsize)

    def vcpu_info_gpc(self, vcpu_idx: int) -> Khva:
        """Return the khva of the cache of a vCPU's vcpu_info."""
        return Khva(self.vcpu(vcpu_idx) + offset_of(VCPU, "vcpu_info"))

    def gpcs(self) -> list[Khva]:
        """Return the khva of every cache, active or not."""
        return [self.shinfo_gpc(), *map(self.vcpu_info_gpc, range(self.size.nr_vcpus))]

    def set_dirty_bitmap(self, slot: int, khva: Khva | None) -> None:
        """Let *slot* mark dirty pages in the bitmap at *khva*; None: nowhere."""
        self.view("dirty_bitmaps", "<u8", self.size.nr_slots)[slot] = khva or 0

    def close(self) -> None:
        """Give the arena back."""
        self.arena.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _fill(self, direct_map: Khva, pgd: Pfn) -> None:
        vm = self.view("vm", VM)[0]
        vm["generation_step"] = 2
        vm["nr_slot_ids"] = self.size.nr_slots
        vm["gpc_list"] = self.khva("gpc_list")
        vm["long_mode"] = 1
        vm["nr_vcpus"] = self.size.nr_vcpus
        vm["vcpus"] = self.khva("vcpus")
        vm["direct_map"] = direct_map
        vm["pgd"] = pgd
        vm["cpus"] = self.khva("cpus")
        vm["dirty_bitmaps"] = self.khva("dirty_bitmaps")
        vm["wall_clock_ns"] = BOOT_NS
        vm["memslots"] = self.vm + offset_of(VM, "set0")
        self._fill_sources()
        for idx in (0, 1):
            memslots = vm[f"set{idx}"]
            assert memslots.dtype == MEMSLOTS
            memslots["slots"] = self.khva(f"slots{idx}")
            memslots["gfn_by_id"] = self.khva(f"gfn_by_id{idx}")

    def _fill_sources(self) -> None:
        """Fill in what the event sources need: tables, the clock, the vCPUs' numbers."""
        vm = self.view("vm", VM)[0]
        for name in ("gsis", "evtchn_ports", "eventfds"):
            vm[name] = self.khva(name)
        vm["nr_gsis"] = NR_GSIS
        vm["nr_eventfds"] = NR_EVENTFDS
        vm["now_ns"] = FIRST_NS
        vcpus = self.view("vcpus", VCPU, self.size.nr_vcpus)
        vcpus["vcpu_id"] = vcpus["vcpu_idx"] = range(self.size.nr_vcpus)


def laid_out(parts: Mapping[str, int], placement: int | None) -> tuple[dict[str, int], int]:
    """Return the offset of each of *parts*, given in bytes, and the end: whole cache lines all."""
    offsets: dict[str, int] = {}
    end = 0
    for name, nr_bytes in parts.items():
        if placement is not None:
            drawn = random.Random(f"{placement} {name}").randrange(0, PAGE_SIZE, CACHE_LINE)
            end += (drawn - end) % PAGE_SIZE
        offsets[name] = end
        end += -(-nr_bytes // CACHE_LINE) * CACHE_LINE
    return offsets, end
