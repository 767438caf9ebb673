"""Timed loops over single steps: locks, bits, the page walk. They do not depend on activation."""

from xenperf.jit import kernel
from xenperf.model.bits import clear_bit, test_and_set_bit, test_bit
from xenperf.model.constants import (
    MASK32,
    MASK64,
    ONE,
    PAGE_BITS,
    PENDING,
    THREE,
    TWO,
    ZERO,
)
from xenperf.model.evtchn import is_long_mode
from xenperf.model.layout import GPC_KHVA, U64, VM_SHINFO
from xenperf.model.locks import (
    read_lock,
    read_unlock,
    srcu_read_lock,
    srcu_read_unlock,
    write_lock,
    write_unlock,
)
from xenperf.model.memslots import active_set
from xenperf.model.pagetable import walk
from xenperf.words import Word, load32, load64, trailing_zeros


@kernel
def loop_read_lock(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Read-lock and unlock the cache of shared_info."""
    i = ZERO
    while i < n:
        read_lock(vm + VM_SHINFO)
        read_unlock(vm + VM_SHINFO)
        i += ONE
    return i


@kernel
def loop_write_lock(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Write-lock and unlock the cache of shared_info."""
    i = ZERO
    while i < n:
        write_lock(vm + VM_SHINFO)
        write_unlock(vm + VM_SHINFO)
        i += ONE
    return i


@kernel
def loop_srcu(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Enter an SRCU section, read the pointer it protects, and leave.

    With nothing inside, the compiler would make one barrier of the two.
    """
    seen = ZERO
    i = ZERO
    while i < n:
        idx = srcu_read_lock(vm, cpu)
        seen += ONE if active_set(vm) != ZERO else ZERO
        srcu_read_unlock(cpu, idx)
        i += ONE
    return seen


@kernel
def loop_set_pending(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Set a pending bit, read its mask bit and clear it again. *a*, *b*: ports, as in sends."""
    shared_info = load64(vm + VM_SHINFO + GPC_KHVA)
    new = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == b else place
        port = U64(load32(a + (place << TWO)))
        if not test_and_set_bit(shared_info + PENDING, port):
            new += ONE - test_bit(shared_info + MASK64, port)
        clear_bit(shared_info + PENDING, port)
        place += ONE
        i += ONE
    return new


@kernel
def loop_scan_pending(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Find every set and unmasked port of the whole bitmap and leave them set.

    c
        Exclusive-or of the ports that each scan must find.
    """
    pending = load64(vm + VM_SHINFO + GPC_KHVA) + PENDING
    nr_bytes = (MASK64 if is_long_mode(vm) else MASK32) - PENDING
    good = ZERO
    i = ZERO
    while i < n:
        ports = ZERO
        offset = ZERO
        while offset < nr_bytes:
            left = load64(pending + offset)
            left &= ~load64(pending + nr_bytes + offset)  # the mask follows
            while left != ZERO:
                ports ^= (offset << THREE) + trailing_zeros(left)
                left &= left - ONE
            offset += ONE << THREE
        good += ONE if ports == c else ZERO
        i += ONE
    return good


@kernel
def loop_walk(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Walk the page tables. *a*: first hva; *b*: pages to go round, a power of two, less one."""
    present = ZERO
    i = ZERO
    while i < n:
        present += walk(vm, a + ((i & b) << PAGE_BITS)) & ONE
        i += ONE
    return present
