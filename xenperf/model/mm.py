"""The VMM's address space from the outside: user mappings and the page tables that agree with them.

Changing either without the notifier would be a bug of the model, so only ``host`` calls this.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from xenperf.memory import PhysicalMemory, UserMapping, close_all
from xenperf.units import PAGE_SHIFT, PAGE_SIZE, Hva, Pfn

_PRESENT, _WRITABLE = 1, 2
_ENTRIES = 512
_UPPER_SHIFTS = (39, 30, 21)


class AddressSpace:
    """Every user mapping of one VMM, and one four-level page table in physical memory."""

    def __init__(self, memory: PhysicalMemory) -> None:
        """Start with an empty top table."""
        self.memory = memory
        self.pgd = memory.allocate()
        self._mappings: list[UserMapping] = []

    def map_new(self, nr_pages: int) -> Hva:
        """Return new addresses that show *nr_pages* unused frames, all zero and writable."""
        first = self.memory.allocate(nr_pages)
        mapping = UserMapping(self.memory, nr_pages)
        try:
            mapping.show(mapping.hva, first, nr_pages)
            self._set_entries(mapping.hva, first, nr_pages)
        except BaseException:
            mapping.close()
            raise
        self._mappings.append(mapping)
        return mapping.hva

    def show(self, hva: Hva, pfn: Pfn, nr_pages: int, *, writable: bool = True) -> None:
        """Let the pages at *hva* show the frames from *pfn* on."""
        self._owner(hva, nr_pages).show(hva, pfn, nr_pages, writable=writable)
        self._set_entries(hva, pfn, nr_pages, writable=writable)

    def hide(self, hva: Hva, nr_pages: int) -> None:
        """Let nothing lie behind the pages at *hva*."""
        self._owner(hva, nr_pages).hide(hva, nr_pages)
        self._set_entries(hva, None, nr_pages)

    def pfn(self, hva: Hva) -> Pfn | None:
        """Return the frame that *hva* shows, or None."""
        entry = self._entry(hva)
        return Pfn(entry >> PAGE_SHIFT) if entry & _PRESENT else None

    def view(self, hva: Hva, nr_bytes: int) -> NDArray[np.uint8]:
        """Return *nr_bytes* at *hva* through the VMM's own mapping; all of it must be shown.

        Not writable where any of it is shown read-only: such a write would kill us.
        """
        first = hva & ~(PAGE_SIZE - 1)
        nr_pages = -(-(hva + nr_bytes - first) // PAGE_SIZE)
        bytes_seen = self._owner(Hva(first), nr_pages).view(hva, nr_bytes)
        for page in range(nr_pages):
            entry = self._entry(Hva(first + page * PAGE_SIZE))
            if not entry & _PRESENT:
                raise ValueError(f"hva {hva:#x} (+{nr_bytes} bytes): nothing is mapped there")
            bytes_seen.flags.writeable &= bool(entry & _WRITABLE)
        return bytes_seen

    def check(self, hva: Hva, nr_pages: int) -> None:
        """Raise ``ValueError`` unless *hva* is page aligned and the pages are the VMM's."""
        if nr_pages < 1:
            raise ValueError(f"hva {hva:#x}: at least one page, not {nr_pages}")
        if hva % PAGE_SIZE:
            raise ValueError(f"hva {hva:#x}: not page aligned; give a multiple of {PAGE_SIZE}")
        self._owner(hva, nr_pages)

    def close(self) -> None:
        """Unmap all of it; ``BufferError`` while a view lives, when the rest is unmapped."""
        close_all(self._mappings)

    def _owner(self, hva: Hva, nr_pages: int) -> UserMapping:
        for mapping in self._mappings:
            first = hva - mapping.hva
            if first >= 0 and first + nr_pages * PAGE_SIZE <= mapping.nr_pages * PAGE_SIZE:
                return mapping
        raise ValueError(f"hva {hva:#x} (+{nr_pages} pages): not memory of this VMM")

    def _set_entries(
        self, hva: Hva, pfn: Pfn | None, nr_pages: int, *, writable: bool = True
    ) -> None:
        """Write the leaf entries of a range, a table at a time; *pfn* None clears them."""
        flags = _PRESENT | (_WRITABLE if writable else 0)
        first = hva >> PAGE_SHIFT
        past = first + nr_pages
        table_starts = range(first - first % _ENTRIES + _ENTRIES, past, _ENTRIES)
        parts = list(pairwise([first, *table_starts, past]))
        leaves = [self._leaf_table(start << PAGE_SHIFT) for start, _ in parts]  # first: it may fail
        for (start, end), leaf in zip(parts, leaves, strict=True):
            entries = self._table(leaf)[start % _ENTRIES : start % _ENTRIES + end - start]
            if pfn is None:
                entries[:] = 0
            else:
                frames = np.arange(pfn + start - first, pfn + end - first, dtype=np.uint64)
                entries[:] = (frames << np.uint64(PAGE_SHIFT)) | np.uint64(flags)

    def _entry(self, hva: Hva) -> int:
        """Return the leaf entry of *hva*, or 0 where a level is not present."""
        table, entry = self.pgd, 0
        for shift in (*_UPPER_SHIFTS, PAGE_SHIFT):
            entry = int(self._table(table)[hva >> shift & _ENTRIES - 1])
            if not entry & _PRESENT:
                return 0
            table = Pfn(entry >> PAGE_SHIFT)
        return entry

    def _leaf_table(self, hva: int) -> Pfn:
        """Return the lowest table of *hva*, made if need be."""
        pfn = self.pgd
        for shift in _UPPER_SHIFTS:
            table, index = self._table(pfn), hva >> shift & _ENTRIES - 1
            if not int(table[index]) & _PRESENT:
                table[index] = self.memory.allocate() << PAGE_SHIFT | _PRESENT | _WRITABLE
            pfn = Pfn(int(table[index]) >> PAGE_SHIFT)
        return pfn

    def _table(self, pfn: Pfn) -> NDArray[np.uint64]:
        return self.memory.view(pfn, np.uint64)
