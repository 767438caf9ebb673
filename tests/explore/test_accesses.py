import random

import numpy as np

from xenperf.explore.accesses import (
    KINDS,
    LOAD,
    STORE,
    Memory,
    access_at,
    after,
    peek,
    perform,
    poke,
)
from xenperf.words import interpreted

ORDERED = ("_acquire", "_release")


def test_each_access_does_to_memory_what_the_word_does_to_pages() -> None:
    drawn = random.Random(5)
    cells = np.zeros(2, np.uint64)
    for name, kind in KINDS.items():
        for bits in (8, 16, 32, 64):
            word = getattr(interpreted, f"{name}{bits}", None)
            if word is None or name == "bit_test_and_set":
                continue
            for _ in range(20):
                cells[:] = [drawn.getrandbits(64), drawn.getrandbits(64)]
                khva = cells.ctypes.data + drawn.randrange(0, 16, bits // 8)
                operand = drawn.getrandbits(bits)
                expected = drawn.choice([operand, drawn.getrandbits(bits)])
                memory = Memory()
                access = access_at(kind, khva, bits, operand, expected)
                before = memory[access.word] >> access.shift & access.mask
                found = perform(memory, access)
                real = _do(word, name, khva, operand, expected)
                assert memory[access.word] == peek(access.word), name
                assert kind == STORE or found == before
                assert real in (None, found, found == expected)
                now = memory[access.word] >> access.shift & access.mask
                assert after(access, before) == now


def _do(word: object, name: str, khva: int, operand: int, expected: int) -> object:
    assert callable(word)
    if name.startswith("compare_exchange"):
        return word(khva, expected, operand)
    if KINDS[name] == LOAD:
        return word(khva)
    return word(khva, operand)


def test_memory_reads_the_pages_once_and_leaves_them_alone() -> None:
    cell = np.array([7], np.uint64)
    memory = Memory()
    assert memory[cell.ctypes.data] == 7
    cell[0] = 8
    assert memory[cell.ctypes.data] == 7
    perform(memory, access_at(STORE, cell.ctypes.data, 64, 9, 0))
    assert (memory[cell.ctypes.data], cell[0]) == (9, 8)
    poke(cell.ctypes.data, 10)
    assert cell[0] == 10
