"""Words that another thread, the guest or the VMM may change: the only way to touch them.

Every function takes the kernel address (khva) of a naturally aligned word. The order is in the
name: plain names are relaxed loads and stores (never torn, never hoisted out of a loop),
``acquire`` and ``release`` are one-sided, and the ``fetch_*``, ``exchange*``, ``compare_exchange*``
and ``bit_test_and_set*`` operations are locked and full barriers unless their name says less.
An array index is no substitute: LLVM moves it out of a waiting loop, which then never ends.

Each operation exists twice, compiled and interpreted; which one is bound here is decided at import
by ``NUMBA_DISABLE_JIT``. ``traced_by`` sees interpreted accesses only.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from xenperf.jit import INTERPRETED
from xenperf.words.interpreted import TraceHook, traced_by

if INTERPRETED:
    from xenperf.words import interpreted as _bound
else:
    from xenperf.words import compiled as _bound  # type: ignore[no-redef]

Word: TypeAlias = np.uint64
Flag: TypeAlias = bool | np.bool
_Load: TypeAlias = Callable[[Word], Word]
_Load32: TypeAlias = Callable[[Word], np.uint32]
_Store: TypeAlias = Callable[[Word, Word], None]
_Store32: TypeAlias = Callable[[Word, np.uint32], None]
_Fetch: TypeAlias = Callable[[Word, Word], Word]
_Fetch32: TypeAlias = Callable[[Word, np.uint32], np.uint32]
_Test: TypeAlias = Callable[[Word, Word], bool]
_Barrier: TypeAlias = Callable[[], None]
_Hint: TypeAlias = Callable[[Any], bool]

load8: Callable[[Word], np.uint8] = _bound.load8
load16: Callable[[Word], np.uint16] = _bound.load16
load32: _Load32 = _bound.load32
load64: _Load = _bound.load64
load_acquire32: _Load32 = _bound.load_acquire32
load_acquire64: _Load = _bound.load_acquire64
store8: Callable[[Word, np.uint8], None] = _bound.store8
store16: Callable[[Word, np.uint16], None] = _bound.store16
store32: _Store32 = _bound.store32
store64: _Store = _bound.store64
store_release8: Callable[[Word, np.uint8], None] = _bound.store_release8
store_release32: _Store32 = _bound.store_release32
store_release64: _Store = _bound.store_release64
fetch_or64: _Fetch = _bound.fetch_or64
fetch_and64: _Fetch = _bound.fetch_and64
fetch_add64: _Fetch = _bound.fetch_add64
exchange64: _Fetch = _bound.exchange64
fetch_or32: _Fetch32 = _bound.fetch_or32
fetch_and32: _Fetch32 = _bound.fetch_and32
exchange32: _Fetch32 = _bound.exchange32
fetch_add_acquire32: _Fetch32 = _bound.fetch_add_acquire32
fetch_add_release32: _Fetch32 = _bound.fetch_add_release32
compare_exchange32: Callable[[Word, np.uint32, np.uint32], bool] = _bound.compare_exchange32
compare_exchange_acquire32: Callable[[Word, np.uint32, np.uint32], bool] = (
    _bound.compare_exchange_acquire32
)
compare_exchange64: Callable[[Word, Word, Word], bool] = _bound.compare_exchange64
bit_test_and_set32: _Test = _bound.bit_test_and_set32
bit_test_and_set64: _Test = _bound.bit_test_and_set64
full_barrier: _Barrier = _bound.full_barrier
read_barrier: _Barrier = _bound.read_barrier
write_barrier: _Barrier = _bound.write_barrier
pause: _Barrier = _bound.pause
sched_yield: Callable[[], int] = _bound.sched_yield
trailing_zeros: Callable[[Word], Word] = _bound.trailing_zeros
leading_zeros: Callable[[Word], Word] = _bound.leading_zeros
likely: _Hint = _bound.likely
unlikely: _Hint = _bound.unlikely
select: Callable[[Any, Word, Word], Word] = _bound.select
timestamp: Callable[[], Word] = _bound.timestamp
timestamp_ordered: Callable[[], Word] = _bound.timestamp_ordered

__all__ = [
    "Flag",
    "TraceHook",
    "Word",
    "bit_test_and_set32",
    "bit_test_and_set64",
    "compare_exchange32",
    "compare_exchange64",
    "compare_exchange_acquire32",
    "exchange32",
    "exchange64",
    "fetch_add64",
    "fetch_add_acquire32",
    "fetch_add_release32",
    "fetch_and32",
    "fetch_and64",
    "fetch_or32",
    "fetch_or64",
    "full_barrier",
    "leading_zeros",
    "likely",
    "load8",
    "load16",
    "load32",
    "load64",
    "load_acquire32",
    "load_acquire64",
    "pause",
    "read_barrier",
    "sched_yield",
    "select",
    "store8",
    "store16",
    "store32",
    "store64",
    "store_release8",
    "store_release32",
    "store_release64",
    "timestamp",
    "timestamp_ordered",
    "traced_by",
    "trailing_zeros",
    "unlikely",
    "write_barrier",
]
