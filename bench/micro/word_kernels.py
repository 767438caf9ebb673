"""Loops over single operations on one shared word.

A module of its own: compiled code is kept under the name of the module that it is from, and a
script has two, depending on who runs it.
"""

import numpy as np

from xenperf.jit import kernel
from xenperf.words import (
    Word,
    bit_test_and_set64,
    compare_exchange64,
    exchange64,
    fetch_add64,
    fetch_add_acquire32,
    fetch_add_release32,
    fetch_and64,
    fetch_or64,
    full_barrier,
    load64,
    load_acquire64,
    store64,
    store_release64,
)

ZERO, ONE, MASK = np.uint64(0), np.uint64(1), np.uint64(63)
READER, LEFT = np.uint32(1), np.uint32(0xFFFFFFFF)


@kernel
def micro_load(word: Word, n: Word) -> Word:
    """Load the word, relaxed."""
    i, seen = ZERO, ZERO
    while i < n:
        seen |= load64(word)
        i += ONE
    return i + seen


@kernel
def micro_load_acquire(word: Word, n: Word) -> Word:
    """Load the word with acquire order."""
    i, seen = ZERO, ZERO
    while i < n:
        seen |= load_acquire64(word)
        i += ONE
    return i + seen


@kernel
def micro_store(word: Word, n: Word) -> Word:
    """Store zero, relaxed."""
    i = ZERO
    while i < n:
        store64(word, ZERO)
        i += ONE
    return i


@kernel
def micro_store_release(word: Word, n: Word) -> Word:
    """Store zero with release order."""
    i = ZERO
    while i < n:
        store_release64(word, ZERO)
        i += ONE
    return i


@kernel
def micro_full_barrier(word: Word, n: Word) -> Word:
    """Store zero, and a full barrier after it."""
    i = ZERO
    while i < n:
        store64(word, ZERO)
        full_barrier()
        i += ONE
    return i


@kernel
def micro_fetch_or(word: Word, n: Word) -> Word:
    """Set a bit by a locked OR; 64 of them, then the word is cleared."""
    i, hits = ZERO, ZERO
    while i < n:
        bit = ONE << (i & MASK)
        if fetch_or64(word, bit) & bit == ZERO:
            hits += ONE
        i += ONE
        if i & MASK == ZERO:
            store64(word, ZERO)
    return hits


@kernel
def micro_bit_test_and_set(word: Word, n: Word) -> Word:
    """Do the same by ``lock bts``, as ``test_and_set_bit()`` does."""
    i, hits = ZERO, ZERO
    while i < n:
        if not bit_test_and_set64(word, i & MASK):
            hits += ONE
        i += ONE
        if i & MASK == ZERO:
            store64(word, ZERO)
    return hits


@kernel
def micro_or_and_clear(word: Word, n: Word) -> Word:
    """Set a bit and clear it again, both locked: an event and its guest."""
    i, hits = ZERO, ZERO
    while i < n:
        bit = ONE << (i & MASK)
        fetch_or64(word, bit)
        if fetch_and64(word, ~bit) & bit != ZERO:
            hits += ONE
        i += ONE
    return hits


@kernel
def micro_exchange(word: Word, n: Word) -> Word:
    """Take the word and leave another, as a guest takes the selector."""
    i, hits = ZERO, ZERO
    store64(word, ZERO)
    while i < n:
        if exchange64(word, i + ONE) == i:
            hits += ONE
        i += ONE
    return hits


@kernel
def micro_compare_exchange(word: Word, n: Word) -> Word:
    """Replace the word if it is what it was."""
    i, hits = ZERO, ZERO
    store64(word, ZERO)
    while i < n:
        if compare_exchange64(word, i, i + ONE):
            hits += ONE
        i += ONE
    return hits


@kernel
def micro_fetch_add(word: Word, n: Word) -> Word:
    """Count by a locked ADD."""
    i = ZERO
    store64(word, ZERO)
    while i < n:
        fetch_add64(word, ONE)
        i += ONE
    return load64(word)


@kernel
def micro_check_under_lock(word: Word, n: Word) -> Word:
    """Enter a reader's count, look whether the word after it is valid, and leave."""
    i, hits = ZERO, ZERO
    valid = word + np.uint64(8)
    store64(valid, ONE)
    while i < n:
        fetch_add_acquire32(word, READER)
        if load64(valid) == ONE:
            hits += ONE
        fetch_add_release32(word, LEFT)
        i += ONE
    return hits


KERNELS = (
    *(micro_load, micro_load_acquire, micro_store, micro_store_release, micro_full_barrier),
    *(micro_fetch_or, micro_bit_test_and_set, micro_or_and_clear, micro_exchange),
    *(micro_compare_exchange, micro_fetch_add, micro_check_under_lock),
)
