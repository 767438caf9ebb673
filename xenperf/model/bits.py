"""Bits of the guest's bitmaps: 64-bit words, locked where KVM's are.

x86 is little endian, so bit *p* of the pending array is the same byte and bit in both layouts, and
one pair of steps serves long mode and compat; only the array's extent and the mask's place differ.
"""

from xenperf.jit import op
from xenperf.model.constants import BIT_MASK32, BIT_MASK64, FIVE, ONE, SIX, THREE, TWO
from xenperf.words import (
    Word,
    bit_test_and_set32,
    bit_test_and_set64,
    fetch_and64,
    load64,
)


@op
def test_and_set_bit(bitmap: Word, bit: Word) -> bool:
    """Set *bit* and tell whether it was set: one ``lock bts``."""
    return bit_test_and_set64(bitmap + ((bit >> SIX) << THREE), bit & BIT_MASK64)


@op
def test_and_set_bit32(word: Word, bit: Word) -> bool:
    """Set *bit* of the 32-bit word at *word* and tell whether it was set."""
    return bit_test_and_set32(word + ((bit >> FIVE) << TWO), bit & BIT_MASK32)


@op
def clear_bit(bitmap: Word, bit: Word) -> None:
    """Clear *bit*: one locked AND, as a guest does."""
    fetch_and64(bitmap + ((bit >> SIX) << THREE), ~(ONE << (bit & BIT_MASK64)))


@op
def test_bit(bitmap: Word, bit: Word) -> Word:
    """Return *bit*, 0 or 1: a plain read."""
    return (load64(bitmap + ((bit >> SIX) << THREE)) >> (bit & BIT_MASK64)) & ONE
