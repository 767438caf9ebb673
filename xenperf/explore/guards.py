"""What must hold at the very moment of a write, not only in the end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from xenperf.abi.structs import offset_of
from xenperf.explore.accesses import peek
from xenperf.explore.machine import SHINFO_GFN, Machine
from xenperf.hypervisor import Activation
from xenperf.units import PAGE_SHIFT

Guard: TypeAlias = Callable[[Mapping[int, int]], str | None]
"""Tells from the memory what is wrong about a write to a page now."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The guard of each page, by khva, and the words that guards look at."""

    by_page: Mapping[int, Guard]
    words: frozenset[int]


def guards_of(machine: Machine, effects: frozenset[str]) -> Guards:
    """Return what judges writes while operations with *effects* are under way."""
    found = []
    if "remaps" in effects:
        found.append(against_stale_writes(machine))
    if "publishes" in effects and machine.activation is Activation.GPA:
        found.append(against_hidden_writes(machine))
    return _together(found)


def _together(found: list[Guards]) -> Guards:
    """Return all of *found* as one; of a page's guards the first that objects is heard."""
    pages = {page for guards in found for page in guards.by_page}

    def of_page(page: int) -> Guard:
        each = [guards.by_page[page] for guards in found if page in guards.by_page]
        return lambda memory: next(filter(None, (guard(memory) for guard in each)), None)

    words = frozenset[int]().union(*(guards.words for guards in found))
    return Guards({page: of_page(page) for page in pages}, words)


def against_hidden_writes(machine: Machine) -> Guards:
    """Judge writes to the page that shared_info's frame shows: once another is published there,

    nobody writes to the old one (A8 of the atomic update).
    """
    published = machine.vm + offset_of(machine.tap.model("layout").VM, "memslots")
    first = peek(published)
    page = machine.shinfo_page()

    def guard(memory: Mapping[int, int]) -> str | None:
        hidden = memory[published] != first
        return "an event was written to a page that no memslot shows there" if hidden else None

    return Guards({page: guard}, frozenset({published}))


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
