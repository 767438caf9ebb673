"""Dirty bitmaps: each memslot that logs has one, from before its update on, as KVM makes it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import MAX_PAGES_PER_SLOT, MemslotFlag
from xenperf.hypervisor import MemoryRegion
from xenperf.memory import Arena
from xenperf.model.observed import Observed
from xenperf.model.state import VmState
from xenperf.units import bytes_to_pages


class DirtyBitmaps:
    """Owns the bitmaps of one VM; a step marks in the one that the state points at."""

    def __init__(self, state: VmState, observed: Observed) -> None:
        """Start with no slot that logs."""
        self._state = state
        self._observed = observed
        self._bitmaps: dict[int, Arena] = {}
        self._retired: list[Arena] = []

    def concern(self, regions: Sequence[MemoryRegion]) -> bool:
        """Tell whether a bitmap may come or go with one of these requests."""
        return any(region.slot in self._bitmaps or _logs(region) for region in regions)

    def prepare(self, region: MemoryRegion) -> None:
        """Have a clean bitmap in place, in case this request makes its slot log."""
        if _logs(region) and self._is_possible(region) and region.slot not in self._bitmaps:
            self._put(region.slot, bytes_to_pages(region.nr_bytes))

    def settle(self, slot: int) -> None:
        """Take the bitmap of *slot* away again if no slot of that number logs now."""
        if slot not in self._bitmaps:
            return
        record = self._observed.memslot(slot)
        if record is None or not int(record["flags"]) & MemslotFlag.LOG_DIRTY_PAGES:
            self._state.set_dirty_bitmap(slot, None)
            self._retired.append(self._bitmaps.pop(slot))

    def carry_over(self, regions: Sequence[MemoryRegion], update: Callable[[], int]) -> int:
        """Make *update*, which is all of *regions* or nothing; return its outcome.

        Slots that log get clean bitmaps before, and afterwards the marks of the frames they show.
        """
        if not self.concern(regions):
            return update()
        before, frames = dict(self._bitmaps), self._marked_frames()
        for region in regions:
            if _logs(region) and self._is_possible(region):
                self._bitmaps.pop(region.slot, None)
                self._put(region.slot, bytes_to_pages(region.nr_bytes))
        outcome = update()
        if outcome != 0:
            self._retired += [b for slot, b in self._bitmaps.items() if before.get(slot) is not b]
            for slot in self._bitmaps.keys() | before.keys():
                old = before.get(slot)
                self._state.set_dirty_bitmap(slot, None if old is None else old.khva)
            self._bitmaps = before
        else:
            self._retired += [b for slot, b in before.items() if self._bitmaps.get(slot) is not b]
            for region in regions:
                self.settle(region.slot)
            self._mark_frames(frames)
        return outcome

    def reserve(self, regions: Sequence[MemoryRegion]) -> None:
        """Make every bitmap large enough for requests that compiled code will repeat by itself.

        A slot that is made to log there keeps the one bitmap through all repetitions.
        """
        for slot in {region.slot for region in regions if self.concern([region])}:
            sizes = [
                bytes_to_pages(region.nr_bytes)
                for region in regions
                if region.slot == slot and self._is_possible(region)
            ]
            if sizes and (slot not in self._bitmaps or _capacity(self._bitmaps[slot]) < max(sizes)):
                self._put(slot, max(sizes))

    def marked(self, slot: int) -> list[int]:
        """Return the pages of *slot* marked since it began to log, counted from its first."""
        if slot not in self._bitmaps:
            raise ValueError(f"slot {slot}: logs no dirty pages; give it the flag first")
        bits = np.unpackbits(_bytes_of(self._bitmaps[slot]), bitorder="little")
        return [int(page) for page in np.flatnonzero(bits)]

    def owners(self) -> list[Arena]:
        """Return everything that has to be closed."""
        return [*self._bitmaps.values(), *self._retired]

    def _marked_frames(self) -> set[int]:
        """Return the guest frames marked in any slot."""
        return {
            int(record["base_gfn"]) + page
            for slot in self._bitmaps
            if (record := self._observed.memslot(slot)) is not None
            for page in self.marked(slot)
        }

    def _mark_frames(self, frames: set[int]) -> None:
        """Mark those of *frames* that slots with a bitmap show."""
        for slot, bitmap in self._bitmaps.items():
            record = self._observed.memslot(slot)
            if record is None:
                continue
            bits = _bytes_of(bitmap)
            for page in (gfn - int(record["base_gfn"]) for gfn in frames):
                if 0 <= page < int(record["nr_pages"]):
                    bits[page // 8] |= 1 << page % 8

    def _is_possible(self, region: MemoryRegion) -> bool:
        nr_pages = bytes_to_pages(region.nr_bytes)
        return region.slot < self._state.size.nr_slots and 0 < nr_pages <= MAX_PAGES_PER_SLOT

    def _put(self, slot: int, nr_pages: int) -> None:
        bitmap = Arena(nr_pages // 64 * 8 + 8)
        if slot in self._bitmaps:
            old = self._bitmaps.pop(slot)
            _bytes_of(bitmap)[: old.nr_bytes] = _bytes_of(old)
            self._retired.append(old)
        self._bitmaps[slot] = bitmap
        self._state.set_dirty_bitmap(slot, bitmap.khva)


def _logs(region: MemoryRegion) -> bool:
    return bool(region.flags & MemslotFlag.LOG_DIRTY_PAGES) and region.nr_bytes > 0


def _bytes_of(bitmap: Arena) -> NDArray[np.uint8]:
    return bitmap.view(np.uint8, 0, bitmap.nr_bytes)


def _capacity(bitmap: Arena) -> int:
    return bitmap.nr_bytes * 8
