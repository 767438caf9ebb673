"""What must hold at the very moment of a write, not only in the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from xenperf.explore.accesses import peek
from xenperf.explore.machine import SHINFO_GFN, Machine
from xenperf.units import PAGE_SHIFT

Guard: TypeAlias = Callable[[Mapping[int, int]], str | None]
"""Tells from the memory what is wrong about a write to a page now."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The guard of each page, by khva, and the words that guards look at."""

    by_page: Mapping[int, Guard]
    words: frozenset[int]


NO_GUARDS = Guards({}, frozenset())


def against_stale_writes(machine: Machine) -> Guards:
    """Judge writes to shared_info's first page: once it is unmapped nobody writes there (I20)."""
    hva = machine.ram_page(SHINFO_GFN)
    entry = machine.page_entry(hva)
    shown = peek(entry)
    page = machine.khva(shown >> PAGE_SHIFT)

    def guard(memory: Mapping[int, int]) -> str | None:
        gone = memory[entry] != shown
        return "an event was written to a page that was gone" if gone else None

    return Guards({page: guard}, frozenset({entry}))
