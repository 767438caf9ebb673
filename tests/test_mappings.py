import ctypes
import os
import platform
import signal

import numpy as np
import pytest

from tests.holdings import holdings
from tests.touching import killed_by, store
from xenperf.mappings import CodePage, FileMapping
from xenperf.units import PAGE_SIZE


def test_a_file_is_shared_with_its_mapping() -> None:
    before = holdings()
    fd = os.memfd_create("xenperf-test")
    os.write(fd, b"0123456789abcdef")
    mapping = FileMapping(fd, 16)
    mapping.view(np.uint8, 4)[:] = ord("x")
    assert os.pread(fd, 16, 0) == b"0123x56789abcdef"
    kept = mapping.view("<u2", 0, 2)
    with pytest.raises(BufferError):
        mapping.close()
    del kept
    mapping.close()
    os.close(fd)
    assert holdings() == before


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the code below is for x86-64")
def test_a_code_page_runs_and_cannot_be_written() -> None:
    with CodePage(b"\x48\x8d\x04\x3f\xc3") as page:  # lea rax, [rdi+rdi]; ret
        double = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)(page.khva)
        assert double(21) == 42
        assert killed_by(store, page.khva, 0x90) == signal.SIGSEGV


@pytest.mark.parametrize("nr_bytes", [0, PAGE_SIZE + 1])
def test_code_that_is_no_page_is_refused(nr_bytes: int) -> None:
    with pytest.raises(ValueError, match="bytes of code"):
        CodePage(bytes(nr_bytes))
