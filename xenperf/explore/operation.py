"""What an operation is to those who run it and judge it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from xenperf.abi.status import Status, outcome_of
from xenperf.explore.machine import Act, Machine


def nothing(machine: Machine) -> None:
    """Prepare nothing."""


def errno(word: int) -> str:
    """Return the name of an outcome that is 0 or an errno."""
    rc = outcome_of(word)
    return "ok" if rc == 0 else Status(rc).name


def delivery(word: int) -> str:
    """Return the name of what became of an event that somebody is told about."""
    rc = outcome_of(word)
    named = {1: "delivered", 0: "merged", Status.ENOTCONN: "masked"}
    return named.get(rc) or Status(rc).name


def interrupt(word: int) -> str:
    """Return whether the guest would be interrupted."""
    return "interrupt" if word else "quiet"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an actor does."""

    summary: str
    act: Callable[[Machine, int], Act]
    """Returns what to call for an actor (0 or 1); it returns the outcome word."""

    prepare: Callable[[Machine], None] = nothing
    outcome: Callable[[int], str] = errno
    effects: frozenset[str] = field(default_factory=frozenset)
    """What checks look at. ``sends``: an event whose outcome is told; ``untold``: one that may be
    lost; ``refreshes``: may refresh shared_info, beside those two; ``slots``, ``publishes``,
    ``activates``, ``deactivates``, ``remaps``, ``mode``, ``shadow``, ``enters``, ``polls``,
    ``forgets``."""

    nr_swaps: int = 0
    """Memslot swaps that it takes."""

    needs: str | None = None
    """The patch without which there is no such operation."""

    port: Callable[[int], int] | None = None
    """The port that an actor raises, if it does."""

    holds: frozenset[str] = frozenset()
    """What there is one of, so that two who hold it never meet: ``vcpu timer slots``."""

    meets: frozenset[str] | None = None
    """The only operations, by name, that it is worth exploring against; None: any."""


def words(*numbers: int | np.uint64) -> list[np.uint64]:
    """Return *numbers* as the model's steps take them."""
    return [np.uint64(number) for number in numbers]
