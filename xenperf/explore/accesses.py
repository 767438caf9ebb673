"""What an actor does to shared words, one access at a time, and what that does to memory.

Memory is a dict from a naturally aligned 64-bit word's khva to its value; what was not written yet
is read from the real pages, which exploring leaves alone.
"""

import ctypes
from typing import Final, NamedTuple

LOAD, STORE, OR, AND, ADD, EXCHANGE, COMPARE_EXCHANGE, PAUSE, DONE = range(9)
KINDS: Final = {
    "load": LOAD,
    "load_acquire": LOAD,
    "store": STORE,
    "store_release": STORE,
    "fetch_or": OR,
    "fetch_and": AND,
    "fetch_add": ADD,
    "fetch_add_acquire": ADD,
    "fetch_add_release": ADD,
    "exchange": EXCHANGE,
    "compare_exchange": COMPARE_EXCHANGE,
    "compare_exchange_acquire": COMPARE_EXCHANGE,
    "bit_test_and_set": OR,
}
"""By the name in ``xenperf.words`` without its width."""


class Access(NamedTuple):
    """One access: a kind, a field of a 64-bit word, and the operands."""

    kind: int
    word: int = 0
    shift: int = 0
    mask: int = 0
    operand: int = 0
    expected: int = 0


class Memory(dict[int, int]):
    """Words by khva, filled from the real pages as they are asked for."""

    def __missing__(self, word: int) -> int:
        """Read the word once and keep it."""
        value = self[word] = peek(word)
        return value


def peek(word: int) -> int:
    """Return the 64-bit word that really is at khva *word*."""
    return int(ctypes.c_uint64.from_address(word).value)


def poke(word: int, value: int) -> None:
    """Store the 64-bit word at khva *word* for real."""
    ctypes.c_uint64.from_address(word).value = value


def access_at(kind: int, khva: int, bits: int, operand: int, expected: int) -> Access:
    """Return the access of *bits* at *khva*."""
    mask = (1 << bits) - 1
    return Access(kind, khva & ~7, (khva & 7) * 8, mask, operand & mask, expected & mask)


def after(access: Access, old: int) -> int:
    """Return what the field holds after *access* found *old* there."""
    kind, operand = access.kind, access.operand
    if kind == LOAD:
        return old
    if kind == OR:
        return old | operand
    if kind == AND:
        return old & operand
    if kind == ADD:
        return (old + operand) & access.mask
    if kind == COMPARE_EXCHANGE and old != access.expected:
        return old
    return operand  # a store or an exchange


def perform(memory: dict[int, int], access: Access) -> int:
    """Make *access* and return what the actor learns: the old value; 0 from a store."""
    whole = memory[access.word]
    old = whole >> access.shift & access.mask
    if access.kind != LOAD:
        new = after(access, old)
        memory[access.word] = whole & ~(access.mask << access.shift) | new << access.shift
    return 0 if access.kind == STORE else old
