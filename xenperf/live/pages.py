"""The VMM's own pages of a live VM: real mappings, which KVM's MMU notifier follows by itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xenperf.memory import PhysicalMemory, UserMapping, close_all
from xenperf.units import PAGE_SHIFT, PAGE_SIZE, Hva, page_offset

_HIDDEN, _READ_ONLY, _WRITABLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Range:
    """One mapping, and what each of its pages allows."""

    mapping: UserMapping
    state: NDArray[np.uint8]


class VmmPages:
    """Every mapping of one VMM, over one memfd."""

    def __init__(self, nr_pages: int) -> None:
        """Start with no mapping; *nr_pages* frames can be given out, each once."""
        self._memory = PhysicalMemory(nr_pages + 1)  # frame 0 is never given out
        self._ranges: list[_Range] = []

    def map_new(self, nr_pages: int) -> Hva:
        """Return new addresses that show *nr_pages* unused frames, all zero and writable."""
        first = self._memory.allocate(nr_pages)
        mapping = UserMapping(self._memory, nr_pages)
        mapping.show(mapping.hva, first, nr_pages)
        self._ranges.append(_Range(mapping, np.full(nr_pages, _WRITABLE, np.uint8)))
        return mapping.hva

    def replace(self, hva: Hva, nr_pages: int) -> None:
        """Let *nr_pages* from *hva* on show unused frames: mmap(MAP_FIXED)."""
        mapping, state = self._part(hva, nr_pages)
        mapping.show(hva, self._memory.allocate(nr_pages), nr_pages)
        state[:] = _WRITABLE

    def hide(self, hva: Hva, nr_pages: int) -> None:
        """Let nothing be accessible there; the addresses stay ours."""
        mapping, state = self._part(hva, nr_pages)
        mapping.hide(hva, nr_pages)
        state[:] = _HIDDEN

    def protect(self, hva: Hva, writable: bool) -> None:
        """Forbid or allow stores to one page: mprotect."""
        mapping, state = self._part(hva, 1)
        if state[0] == _HIDDEN:
            raise ValueError(f"hva {hva:#x}: nothing is mapped there")
        mapping.protect(hva, writable=writable)
        state[:] = _WRITABLE if writable else _READ_ONLY

    def view(self, hva: Hva, nr_bytes: int) -> NDArray[np.uint8]:
        """Return *nr_bytes* at *hva*, all of which must be shown; not writable if any is not."""
        first = Hva(hva - page_offset(hva))
        nr_pages = -(-(hva + nr_bytes - first) // PAGE_SIZE)
        mapping, state = self._part(first, nr_pages)
        if not state.all():
            raise ValueError(f"hva {hva:#x} (+{nr_bytes} bytes): nothing is mapped there")
        found = mapping.view(hva, nr_bytes)
        found.flags.writeable = bool((state == _WRITABLE).all())
        return found

    def close(self) -> None:
        """Unmap everything; ``BufferError`` while a view lives."""
        close_all([*(each.mapping for each in self._ranges), self._memory])

    def _part(self, hva: Hva, nr_pages: int) -> tuple[UserMapping, NDArray[np.uint8]]:
        """Return the mapping that holds a range, and the states of its pages."""
        if nr_pages < 1 or page_offset(hva):
            raise ValueError(f"hva {hva:#x} (+{nr_pages} pages): give at least one whole page")
        for each in self._ranges:
            first = (hva - each.mapping.hva) >> PAGE_SHIFT
            if first >= 0 and first + nr_pages <= len(each.state):
                return each.mapping, each.state[first : first + nr_pages]
        raise ValueError(f"hva {hva:#x} (+{nr_pages} pages): not memory of this VMM")
