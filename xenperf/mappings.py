"""What else is mapped: machine code of our own, and the memory of files and devices.

Owned and released as in ``xenperf.memory``: views of a mapping must be dropped before it is closed.
"""

import mmap
import os
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from xenperf.units import PAGE_SIZE, Khva

_BREAKPOINT: Final = b"\xcc"  # of x86: what lies behind the code is never run


class CodePage:
    """One page of machine code: it can be read and run, and nobody can write to it any more."""

    def __init__(self, code: bytes) -> None:
        """Map *code*; ``OSError`` where this system lets nobody run code of his own."""
        if not 0 < len(code) <= PAGE_SIZE:
            raise ValueError(f"{len(code)} bytes of code; give 1 to {PAGE_SIZE}")
        fd = os.memfd_create("xenperf-code", os.MFD_CLOEXEC)
        try:
            os.write(fd, code.ljust(PAGE_SIZE, _BREAKPOINT))
            protection = mmap.PROT_READ | mmap.PROT_EXEC
            self._map = mmap.mmap(fd, PAGE_SIZE, mmap.MAP_PRIVATE, protection)
        finally:
            os.close(fd)
        self.khva = Khva(np.frombuffer(self._map, np.uint8).ctypes.data)

    def close(self) -> None:
        """Unmap; whoever calls the code then is killed."""
        self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FileMapping:
    """*nr_bytes* of a file or of a device's memory, shared with whoever else has it."""

    def __init__(self, fd: int, nr_bytes: int) -> None:
        """Map from the start of *fd*, which stays the caller's."""
        self._map = mmap.mmap(fd, nr_bytes)

    def view(self, dtype: Any, offset: int = 0, count: int = 1) -> NDArray[Any]:
        """Return *count* items of *dtype* at byte *offset*, over the memory itself."""
        return np.frombuffer(self._map, dtype, count, offset)

    def close(self) -> None:
        """Unmap; ``BufferError`` while a view lives."""
        self._map.close()
