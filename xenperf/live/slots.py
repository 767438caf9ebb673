"""What the VMM remembers of its memslots: where each lies, and which pages KVM called dirty."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from xenperf.abi.kvm import MemslotFlag
from xenperf.errors import MeasurementError
from xenperf.hypervisor import MemoryRegion
from xenperf.live.vm import Vm
from xenperf.units import PAGE_SHIFT, Gpa, Hva


class Slots:
    """The memslots of one VM, as far as its requests were accepted."""

    def __init__(self, vm: Vm) -> None:
        """Start with none."""
        self._vm = vm
        self._there: dict[int, MemoryRegion] = {}
        self._dirty: dict[int, set[int]] = {}

    def request(self, regions: Sequence[MemoryRegion]) -> list[int]:
        """Make the requests in order and return each outcome."""
        outcomes = self._vm.set_regions(regions)
        for region, outcome in zip(regions, outcomes, strict=True):
            if outcome == 0:
                self._remember(region)
        return outcomes

    def hva_of(self, gpa: Gpa) -> Hva | None:
        """Return where the VMM has *gpa*; None where no memslot shows it."""
        for region in self._there.values():
            if region.gpa <= gpa < region.gpa + region.nr_bytes:
                return Hva(region.hva + gpa - region.gpa)
        return None

    def dirty_pages(self, slot: int) -> list[int]:
        """Return the pages of *slot* marked since it began to log; KVM's bits are collected."""
        if slot not in self._dirty:
            raise ValueError(f"slot {slot}: logs no dirty pages; give it the flag first")
        nr_pages = self._there[slot].nr_bytes >> PAGE_SHIFT
        bitmap: Any = np.zeros(-(-nr_pages // 64) * 8, np.uint8)
        rc = self._vm.take_dirty_log(slot, bitmap)
        if rc != 0:
            raise MeasurementError(f"memslot {slot}", f"its dirty log cannot be read: {rc}")
        self._dirty[slot] |= set(np.flatnonzero(np.unpackbits(bitmap, bitorder="little")).tolist())
        return sorted(self._dirty[slot])

    def _remember(self, region: MemoryRegion) -> None:
        if region.nr_bytes == 0:
            self._there.pop(region.slot, None)
            self._dirty.pop(region.slot, None)
            return
        self._there[region.slot] = region
        if not region.flags & MemslotFlag.LOG_DIRTY_PAGES:
            self._dirty.pop(region.slot, None)
        else:
            self._dirty.setdefault(region.slot, set())
