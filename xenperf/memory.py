"""Real pages: physical memory as a memfd, the kernel's direct map of it, the VMM's own mappings.

Frame *pfn* lies at byte ``pfn * PAGE_SIZE`` of the memfd. The direct map shows all of it, so the
kernel address of a frame is ``direct_map + pfn * PAGE_SIZE``. A user mapping shows chosen frames
at addresses of the VMM's. All mappings are MAP_SHARED over the same pages: what is written through
a stale khva lands in the old page for real.

Every object owns what it maps and is a context manager; views taken of a mapping must be dropped
before it is closed, else ``close`` raises ``BufferError`` and may be called again. What is never
closed goes back when the object does.
"""

import ctypes
import mmap
import os
import weakref
from collections.abc import Iterable
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from xenperf.units import PAGE_SHIFT, PAGE_SIZE, Hva, Khva, Pfn

_PROT_NONE: Final = 0
_MAP_FIXED: Final = 0x10
_MAP_NORESERVE: Final = 0x4000
_MAP_FAILED: Final = ctypes.c_void_p(-1).value
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]


class Arena:
    """Zeroed anonymous memory at a fixed khva: where the model keeps the kernel's own objects."""

    def __init__(self, nr_bytes: int) -> None:
        """Map *nr_bytes*, rounded up to whole pages; untouched pages cost nothing."""
        if nr_bytes <= 0:
            raise ValueError(f"an arena needs at least one byte, not {nr_bytes}")
        self.nr_bytes = -(-nr_bytes // PAGE_SIZE) * PAGE_SIZE
        self._map = mmap.mmap(-1, self.nr_bytes)
        self.khva = _start_of(self._map)

    def view(self, dtype: Any, offset: int, count: int) -> NDArray[Any]:
        """Return *count* items of *dtype* at byte *offset*, over the memory itself."""
        return np.frombuffer(self._map, dtype, count, offset)

    def close(self) -> None:
        """Unmap; ``BufferError`` while a view lives."""
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class PhysicalMemory:
    """*nr_pages* frames of guest and host memory, handed out once each, and their direct map."""

    def __init__(self, nr_pages: int) -> None:
        """Make the memfd and map all of it; frames take real memory when first touched."""
        if nr_pages < 1:
            raise ValueError(f"physical memory needs at least one page, not {nr_pages}")
        self.nr_pages = nr_pages
        self.fd = os.memfd_create("xenperf-physical", os.MFD_CLOEXEC)
        self._close_fd = weakref.finalize(self, os.close, self.fd)
        try:
            os.ftruncate(self.fd, nr_pages * PAGE_SIZE)
            self._map = mmap.mmap(self.fd, nr_pages * PAGE_SIZE)
        except BaseException:
            self._close_fd()
            raise
        self.direct_map = _start_of(self._map)
        self._next_pfn = 1  # frame 0 stays unused, so that a zero PFN is always a mistake

    def allocate(self, nr_pages: int = 1) -> Pfn:
        """Return the first of *nr_pages* consecutive unused frames, all zero."""
        if nr_pages < 1 or self._next_pfn + nr_pages > self.nr_pages:
            left = self.nr_pages - self._next_pfn
            raise ValueError(f"{nr_pages} frames asked for, {left} of {self.nr_pages} are left")
        first = Pfn(self._next_pfn)
        self._next_pfn += nr_pages
        return first

    def khva(self, pfn: Pfn) -> Khva:
        """Return the address of *pfn* in the direct map."""
        return Khva(self.direct_map + pfn * PAGE_SIZE)

    def pfn_of(self, khva: Khva) -> Pfn:
        """Return the frame that *khva* lies in."""
        return Pfn((khva - self.direct_map) >> PAGE_SHIFT)

    def view(self, pfn: Pfn, dtype: Any, nr_pages: int = 1) -> NDArray[Any]:
        """Return *nr_pages* frames from *pfn* on as items of *dtype*, through the direct map."""
        count = nr_pages * PAGE_SIZE // np.dtype(dtype).itemsize
        return np.frombuffer(self._map, dtype, count, pfn * PAGE_SIZE)

    def close(self) -> None:
        """Unmap and close the memfd; ``BufferError`` while a view lives."""
        self._map.close()
        self._close_fd()
        self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class UserMapping:
    """A range of the VMM's own addresses, reserved whole, whose pages show chosen frames."""

    def __init__(self, memory: PhysicalMemory, nr_pages: int) -> None:
        """Reserve *nr_pages* addresses that nothing backs yet."""
        if nr_pages < 1:
            raise ValueError(f"a user mapping needs at least one page, not {nr_pages}")
        self.memory = memory
        self.nr_pages = nr_pages
        self._map = mmap.mmap(-1, nr_pages * PAGE_SIZE, mmap.MAP_PRIVATE | _MAP_NORESERVE)
        self.hva = Hva(_start_of(self._map))
        self._mmap(self.hva, nr_pages, _PROT_NONE, None)

    def show(self, hva: Hva, pfn: Pfn, nr_pages: int = 1, *, writable: bool = True) -> None:
        """Let *nr_pages* from *hva* on show the frames from *pfn* on: mmap(MAP_FIXED)."""
        self._check(hva, nr_pages)
        if pfn < 1 or pfn + nr_pages > self.memory.nr_pages:
            raise ValueError(f"pfn {pfn} (+{nr_pages} pages): not frames of this memory")
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        self._mmap(hva, nr_pages, protection, pfn)

    def hide(self, hva: Hva, nr_pages: int = 1) -> None:
        """Take the pages from *hva* on away again; the addresses stay reserved."""
        self._check(hva, nr_pages)
        self._mmap(hva, nr_pages, _PROT_NONE, None)

    def protect(self, hva: Hva, nr_pages: int = 1, *, writable: bool) -> None:
        """Forbid or allow stores to pages that are shown: mprotect."""
        self._check(hva, nr_pages)
        protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        if _libc.mprotect(hva, nr_pages * PAGE_SIZE, protection):
            error = ctypes.get_errno()
            raise OSError(error, f"mprotect of {nr_pages} pages: {os.strerror(error)}")

    def view(self, hva: Hva, nr_bytes: int) -> NDArray[np.uint8]:
        """Return the bytes at *hva* as the VMM sees them; touching a hidden page kills us."""
        offset = hva - self.hva
        if nr_bytes < 0 or offset < 0 or offset + nr_bytes > self.nr_pages * PAGE_SIZE:
            raise ValueError(f"hva {hva:#x} (+{nr_bytes} bytes) lies outside this mapping")
        return np.frombuffer(self._map, np.uint8, nr_bytes, offset)

    def close(self) -> None:
        """Give the addresses back; ``BufferError`` while a view lives."""
        self._map.close()

    def _check(self, hva: Hva, nr_pages: int) -> None:
        if self._map.closed:
            raise ValueError(f"hva {hva:#x}: this mapping is closed")
        if hva % PAGE_SIZE:
            raise ValueError(f"hva {hva:#x}: not page aligned; give a multiple of {PAGE_SIZE}")
        first = (hva - self.hva) // PAGE_SIZE
        if nr_pages < 1 or first < 0 or first + nr_pages > self.nr_pages:
            raise ValueError(f"hva {hva:#x} (+{nr_pages} pages) lies outside this mapping")

    def _mmap(self, hva: Hva, nr_pages: int, protection: int, pfn: Pfn | None) -> None:
        """Map over our own addresses; *pfn* None: nothing but the reservation."""
        fd, offset, flags = -1, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE
        if pfn is not None:
            fd, offset, flags = self.memory.fd, pfn * PAGE_SIZE, mmap.MAP_SHARED
        nr_bytes = nr_pages * PAGE_SIZE
        mapped = _libc.mmap(hva, nr_bytes, protection, flags | _MAP_FIXED, fd, offset)
        if mapped == _MAP_FAILED:
            error = ctypes.get_errno()
            raise OSError(error, f"mmap of {nr_pages} pages: {os.strerror(error)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Closable(Protocol):
    """What owns memory: any of the above, or what is made of them."""

    def close(self) -> None:
        """Give it back; ``BufferError`` while a view lives, after which it may be tried again."""


def close_all(owners: Iterable[Closable]) -> None:
    """Close every one of *owners*, even when one refuses; then raise the first refusal."""
    refusals = []
    for owner in owners:
        try:
            owner.close()
        except BufferError as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]


def _start_of(mapping: mmap.mmap) -> Khva:
    """Return the address of *mapping*, keeping no view of it."""
    return Khva(ctypes.addressof(ctypes.c_char.from_buffer(mapping)))
