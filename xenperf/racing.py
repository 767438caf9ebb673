"""What two threads share while one plays memslot requests and the other raises events.

Neither waits for the other. Each array has one writer, and is read when both have ended; only the
words are looked at meanwhile.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.structs import StructDtype, struct
from xenperf.hypervisor import MemoryRegion
from xenperf.sources import EventSource
from xenperf.units import Hva


class Shared(IntEnum):
    """The words that both threads look at, by index."""

    PHASE = 0
    """How many steps have begun; the player writes it before each."""

    STOP = 1
    """Not 0: the sender is to end."""

    FULL = 2
    """Not 0: the sender has no room left, or trouble; the player ends with its cycle."""

    TROUBLE = 3
    """What the kernel answered to a request that must not fail; 0 if none did."""


EVENT: Final[StructDtype] = struct(
    48,
    ("phase_before", np.uint64, 0),
    ("begun_ns", np.uint64, 8),
    ("ended_ns", np.uint64, 16),
    ("phase_after", np.uint64, 24),
    ("answer", np.int64, 32),
    ("places", np.uint64, 40),
)
"""One event: the clock is CLOCK_MONOTONIC, a negative answer is what its raiser was told."""

STEP: Final[StructDtype] = struct(
    24,
    ("begun_ns", np.uint64, 0),
    ("ended_ns", np.uint64, 8),
    ("answer", np.int64, 16),
)
"""One memslot request, or a rest, which answers 0."""

MEMSLOTS: Final = "memslots"
"""What the player's loop is called among those that may be compiled."""

IN_OVERLAY: Final = 1
IN_RAM: Final = 2
"""Bits of ``places``: where the event's own bit was found, and cleared."""


@dataclass(frozen=True, slots=True)
class Race:
    """The memory of one race, made before it begins; nothing is allocated while it runs."""

    words: NDArray[np.uint64]
    steps: NDArray[Any]
    events: NDArray[Any]
    rest_us: int
    """How long the player rests where a step is a rest."""

    @classmethod
    def with_room_for(cls, nr_steps: int, nr_events: int, rest_us: int) -> Self:
        """Return the memory for so many steps and events, all zero."""
        words = np.zeros(len(Shared), np.uint64)
        return cls(words, np.zeros(nr_steps, STEP), np.zeros(nr_events, EVENT), rest_us)

    def set(self, word: Shared, value: int) -> None:
        """Store one word; aligned, so that the other thread sees the old or the new value."""
        self.words[word] = value

    def get(self, word: Shared) -> int:
        """Load one word."""
        return int(self.words[word])


@dataclass(frozen=True, slots=True)
class Target:
    """What is raised, and where its bit may turn up."""

    source: EventSource
    port: int
    pending: tuple[Hva, Hva]
    """The pending bitmaps of the overlay and of the RAM below, 8-byte aligned."""


Player: TypeAlias = Callable[[int], int]
"""Plays whole cycles until CLOCK_MONOTONIC is past a time in ns; returns how many steps.

It ends early where there is no room for another cycle, and after a request that was refused.
"""

Sender: TypeAlias = Callable[[], int]
"""Raises events until it is told to stop or has no room; returns how many."""


@runtime_checkable
class Racing(Protocol):
    """What a VM with ``Feature.PARALLEL`` offers besides."""

    @property
    def compiled(self) -> frozenset[str]:
        """What runs without an interpreter: ``MEMSLOTS``, and sources of events by name."""

    def race_player(self, steps: Sequence[MemoryRegion | None], race: Race) -> Player:
        """Return what makes the requests of *steps* in a cycle; None is a rest."""

    def race_sender(self, target: Target, race: Race) -> Sender | None:
        """Return what raises *target*; None: it must be raised one by one from Python."""


def interpreted_sender(
    raise_one: Callable[[], bool], taken: Callable[[Hva], bool], target: Target, race: Race
) -> Sender:
    """Return a sender that calls *raise_one*, which tells whether its event was refused.

    taken
        Tells whether the event's bit is set in the bitmap at an address, and clears it.
    """

    def run() -> int:
        for idx in range(len(race.events)):
            if race.get(Shared.STOP):
                return idx
            before, begun = race.get(Shared.PHASE), time.monotonic_ns()
            answer = -1 if raise_one() else 0
            ended, after = time.monotonic_ns(), race.get(Shared.PHASE)
            overlay, ram = (taken(hva) for hva in target.pending)
            places = IN_OVERLAY * overlay | IN_RAM * ram
            race.events[idx] = before, begun, ended, after, answer, places
        race.set(Shared.FULL, 1)
        return len(race.events)

    return run
