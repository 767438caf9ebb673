"""The lines of the table of event sources: who raises events, in which situation, what fate.

A poll raises none: it waits for one, and needs shared_info as a source does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xenperf.sources import EventSource


class Fate(StrEnum):
    """What became of an event; exactly one of these."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    """Delivered, but only once a work item or the vCPU had run."""

    COALESCED = "coalesced"
    MASKED = "masked"
    RETURNED = "returned"
    """Whoever raised it was told that it failed, and may do it again."""

    LOST = "lost"
    WRONG_PAGE = "wrong_page"
    """Its bit was set in RAM, which lies where the overlay was."""


class PollFate(StrEnum):
    """What came of a poll of one port; exactly one of these. Its mask does not matter to it."""

    ANSWERED = "answered"
    """It returned at once, and the port was pending."""

    SLEPT = "slept"
    """It slept until the port's event came, which woke it."""

    SPURIOUS = "spurious"
    """It returned at once, and nothing was pending: the guest polls again, and again."""


class Situation(StrEnum):
    """What the VMM did to the overlay's memslot before the event."""

    STALE = "stale"
    """An unrelated memslot changed."""

    ABSENT = "absent"
    """No memslot covers the frame; the cache is active."""

    OFF = "off"
    """The same, and the VMM has switched the cache off."""

    UNDER_RAM = "under_ram"
    """RAM is whole again, and the cache is active."""


class Vcpu(StrEnum):
    """What the vCPU does between the event and the overlay's return."""

    STOPPED = "stopped"
    RUNS = "runs"
    IS_READ = "is_read"
    """The VMM reads its timer, as for a migration."""


class Before(StrEnum):
    """What the guest's bits for the port are when the event comes."""

    CLEAR = "clear"
    PENDING = "pending"
    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of event in one situation: a line of the table."""

    subject: str
    source: EventSource
    situation: Situation
    vcpus: tuple[Vcpu, ...]


BEFORE: Final = (*[Before.CLEAR] * 6, Before.PENDING, Before.MASKED)
"""One round: each event of a line finds the guest's bits like that once."""

_ANY_VCPU: Final = (Vcpu.STOPPED, Vcpu.RUNS)
_LATER: Final = (EventSource.IRQFD, EventSource.TIMER)


def cells() -> Iterator[Cell]:
    """Yield every line: the vCPU's doings matter to the timer, and the guest needs it to run."""
    for source in EventSource:
        for situation in Situation:
            if source is EventSource.TIMER:
                for vcpu in Vcpu:
                    yield Cell(f"timer_vcpu_{vcpu}.{situation}", source, situation, (vcpu,))
            else:
                by_guest = source in (EventSource.GUEST_SEND, EventSource.IPI)
                vcpus = (Vcpu.RUNS,) if by_guest else _ANY_VCPU
                yield Cell(f"{source}.{situation}", source, situation, vcpus)


def shown(cell: Cell) -> tuple[Fate, ...]:
    """Return the fates that a line of the report shows: those its events may have, less the usual.

    All are counted, and the totals at the end have all of them.
    """
    late = (Fate.DELAYED,) if cell.source in _LATER else ()
    failed = Fate.LOST if cell.source in _LATER else Fate.RETURNED
    return {
        Situation.STALE: (Fate.DELIVERED, *late),
        Situation.ABSENT: (Fate.DELIVERED, *late, failed),
        Situation.OFF: (*late, failed),
        Situation.UNDER_RAM: (*late, Fate.WRONG_PAGE),
    }[cell.situation]
