"""What a program asks of the Valgrind it runs under: to begin, to stop, to write down its counts.

A request is a sequence of instructions that does nothing on a real processor and that Valgrind
looks for (``valgrind.h``, "How to use client requests"). It lies in a page of its own, so that no
compiler is needed, and the same program runs unchanged without Valgrind.
"""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from xenperf.errors import UnavailableError
from xenperf.hypervisor import Loop
from xenperf.mappings import CodePage

# rdi -> the request's words; the rotations add up to 128 bits and leave rdi as it was
_REQUEST_X86_64: Final = bytes.fromhex(
    "4889f8"  # mov rax, rdi
    "31d2"  # xor edx, edx: the answer without Valgrind
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi by 3, 13, 61, 51
    "4887db"  # xchg rbx, rbx
    "4889d0"  # mov rax, rdx
    "c3"  # ret
)
_NR_WORDS: Final = 6  # the request and five arguments
_RUNNING_ON_VALGRIND: Final = 0x1001
_CALLGRIND: Final = ord("C") << 24 | ord("T") << 16  # callgrind.h: the order of its requests
_ZERO_STATS, _TOGGLE_COLLECT, _DUMP_STATS_AT, _START_INSTRUMENTATION, _STOP_INSTRUMENTATION = range(
    _CALLGRIND + 1, _CALLGRIND + 6
)


class ClientRequests:
    """The requests, ready to be made; a context manager. Without Valgrind they do nothing."""

    def __init__(self) -> None:
        """Map the code; ``UnavailableError`` on a processor whose sequence is not known here."""
        if platform.machine() != "x86_64":
            reason = f"not known how to ask Valgrind on {platform.machine()}"
            raise UnavailableError("instruction counts", reason, "count on an x86-64 machine")
        self._page = CodePage(_REQUEST_X86_64)
        self._make = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(self._page.khva)
        self._toggle = (ctypes.c_uint64 * _NR_WORDS)(_TOGGLE_COLLECT)
        self._toggle_at = ctypes.addressof(self._toggle)

    @property
    def is_valgrind_there(self) -> bool:
        """Tell whether this process runs under Valgrind."""
        return bool(self._ask(_RUNNING_ON_VALGRIND))

    @contextmanager
    def instrumented(self) -> Iterator[None]:
        """Let callgrind look at every instruction meanwhile: much slower, and needed to count."""
        self._ask(_START_INSTRUMENTATION)
        try:
            yield
        finally:
            self._ask(_STOP_INSTRUMENTATION)

    def counted(self, loop: Loop, n: int) -> int:
        """Return ``loop(n)``, with collecting on meanwhile and as little else as can be."""
        make, toggle = self._make, self._toggle_at
        make(toggle)
        hits = loop(n)
        make(toggle)
        return hits

    def forget(self) -> None:
        """Set what was collected to zero."""
        self._ask(_ZERO_STATS)

    def write_down(self, label: str) -> None:
        """Write what was collected to a file that carries *label*."""
        text = ctypes.create_string_buffer(label.encode())
        self._ask(_DUMP_STATS_AT, ctypes.addressof(text))

    def close(self) -> None:
        """Give the page back."""
        self._page.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _ask(self, request: int, argument: int = 0) -> int:
        words = (ctypes.c_uint64 * _NR_WORDS)(request, argument)
        return int(self._make(ctypes.addressof(words)))
