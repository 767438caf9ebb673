"""What compiled loops ask of the C library: system calls, each answering 0 or more, or -errno.

Declared with fixed arguments, which the C library's variadic ``ioctl`` takes on x86-64. With
``NUMBA_DISABLE_JIT=1`` the same functions come from ctypes.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from xenperf.jit import INTERPRETED, op
from xenperf.words import Word, load32, load64

U64 = np.uint64
ZERO = np.uint64(0)
NO_ANSWER = np.int32(0)
ADVICE_DONTNEED = np.int32(4)  # MADV_DONTNEED, Linux v6.12, asm-generic/mman-common.h
MONOTONIC = np.int32(1)  # CLOCK_MONOTONIC, Linux v6.12, linux/time.h
WORD_BYTES = np.uint64(8)
NS_PER_S = np.uint64(1_000_000_000)

_Call = Callable[..., Any]

if INTERPRETED:
    _libc = ctypes.CDLL(None)

    def _bound(name: str, result: Any, *arguments: Any) -> _Call:
        function = getattr(_libc, name)
        function.restype, function.argtypes = result, arguments
        return lambda *words: function(*map(int, words))

    _ioctl = _bound("ioctl", ctypes.c_int, ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong)
    _madvise = _bound("madvise", ctypes.c_int, ctypes.c_ulong, ctypes.c_size_t, ctypes.c_int)
    _errno_location = _bound("__errno_location", ctypes.c_ulong)
    _write = _bound("write", ctypes.c_ssize_t, ctypes.c_int, ctypes.c_ulong, ctypes.c_size_t)
    _usleep = _bound("usleep", ctypes.c_int, ctypes.c_uint)
    _clock_gettime = _bound("clock_gettime", ctypes.c_int, ctypes.c_int, ctypes.c_ulong)
else:
    _ioctl = types.ExternalFunction("ioctl", types.int32(types.int32, types.uint64, types.uint64))
    _madvise = types.ExternalFunction(
        "madvise", types.int32(types.uint64, types.uint64, types.int32)
    )
    _errno_location = types.ExternalFunction("__errno_location", types.uint64())
    _write = types.ExternalFunction("write", types.int64(types.int32, types.uint64, types.uint64))
    _usleep = types.ExternalFunction("usleep", types.int32(types.uint32))
    _clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.uint64))


@op
def _answer(rc: Any) -> Word:
    """Return what a call answered as a word: a negative errno where it answered -1."""
    if rc < NO_ANSWER:
        return ZERO - U64(load32(_errno_location()))
    return U64(rc)


@op
def request(fd: Word, number: Word, argument: Word) -> Word:
    """Make one ioctl."""
    return _answer(_ioctl(np.int32(fd), number, argument))


@op
def drop_pages(hva: Word, nr_bytes: Word) -> Word:
    """Drop the content of pages: madvise(MADV_DONTNEED), of which KVM's MMU notifier hears."""
    return _answer(_madvise(hva, nr_bytes, ADVICE_DONTNEED))


@op
def write_word(fd: Word, khva: Word) -> Word:
    """Write the 8 bytes at an address of this process: how an eventfd is signalled."""
    written = _write(np.int32(fd), khva, WORD_BYTES)
    if written < NO_ANSWER:
        return ZERO - U64(load32(_errno_location()))
    return U64(written)


@op
def rest(us: Word) -> None:
    """Sleep for *us* microseconds, or a little longer; 0 does not sleep."""
    if us != ZERO:
        _usleep(np.uint32(us))


@op
def clock_ns(timespec: Word) -> Word:
    """Return CLOCK_MONOTONIC in ns; the 16 bytes at *timespec* are this thread's alone."""
    _clock_gettime(MONOTONIC, timespec)
    return load64(timespec) * NS_PER_S + load64(timespec + WORD_BYTES)
