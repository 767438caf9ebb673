"""What the records of a race come to: each event's fate and phase, and how long windows were."""

import operator
from collections import Counter
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xenperf.errors import MeasurementError
from xenperf.racing import IN_OVERLAY, IN_RAM
from xenperf.scenarios.event_cells import Fate
from xenperf.stats.clustered import ClusteredShare

PHASES: Final = (
    *("laid", "delete_low", "delete_overlay", "delete_high", "create_whole"),
    *("whole", "delete_whole", "create_low", "create_overlay", "create_high"),
)
"""A phase begins with its request, and ends when the next one begins; two are rests."""

RESTS: Final = ("laid", "whole")
ACROSS: Final = "across"
"""Where an event is written down that was begun in one phase and settled in another."""

WINDOWS: Final = {
    "apart": ("delete_whole", "create_overlay"),
    "rejoin": ("delete_overlay", "create_whole"),
}
"""The requests between which the overlay's frame is absent: from the start of the first to the
end of the last, so the window itself is a little shorter.
"""

FATES: Final = (Fate.DELIVERED, Fate.RETURNED, Fate.LOST, Fate.WRONG_PAGE)
_DELIVERED, _RETURNED, _LOST, _WRONG_PAGE = range(len(FATES))


@dataclass(slots=True)
class Runs:
    """Events that were returned or lost one after another, without one that came through."""

    lengths_ns: list[int] = field(default_factory=list)
    """From the beginning of a run's first event to the end of its last."""

    most_events: int = 0

    def add(self, events: NDArray[Any], fates: NDArray[np.int64]) -> None:
        """Find the runs among the events of one thread, in their order."""
        unheard = np.isin(fates, (_RETURNED, _LOST)).astype(np.int8)
        edges = np.diff(np.concatenate(([0], unheard, [0])))
        firsts, pasts = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
        if len(firsts):
            lengths = events["ended_ns"][pasts - 1] - events["begun_ns"][firsts]
            self.lengths_ns += lengths.tolist()
            self.most_events = max(self.most_events, int((pasts - firsts).max()))


@dataclass(slots=True)
class Tally:
    """The sums over everything that was written down so far."""

    fates: dict[str, Counter[Fate]] = field(
        default_factory=lambda: {phase: Counter() for phase in (*PHASES, ACROSS)}
    )
    shares: dict[str, ClusteredShare] = field(
        default_factory=lambda: {phase: ClusteredShare() for phase in (*PHASES, ACROSS)}
    )
    """Failed events among those of a phase; a cluster is one cycle of the memslots."""

    share: ClusteredShare = field(default_factory=ClusteredShare)
    """The same, over all phases."""

    windows_ns: dict[str, list[int]] = field(
        default_factory=lambda: {window: [] for window in WINDOWS}
    )
    runs: Runs = field(default_factory=Runs)
    nr_cycles: int = 0

    def total(self) -> Counter[Fate]:
        """Return the fates of all phases together."""
        return reduce(operator.add, self.fates.values())

    def add_events(self, events: NDArray[Any]) -> None:
        """Add what one thread raised; ``MeasurementError`` for one that cannot be true."""
        fates = _fates(events)
        before, after = events["phase_before"], events["phase_after"]
        phases = np.where(before == after, before % len(PHASES), len(PHASES)).astype(np.int64)
        cycles = before // len(PHASES)
        cycles = (cycles - (cycles.min() if len(cycles) else 0)).astype(np.int64)
        self._add_share(self.share, cycles, fates)
        for idx, phase in enumerate((*PHASES, ACROSS)):
            chosen = phases == idx
            found = np.bincount(fates[chosen], minlength=len(FATES)).tolist()
            self.fates[phase] += Counter(dict(zip(FATES, found, strict=True)))
            self._add_share(self.shares[phase], cycles[chosen], fates[chosen])
        self.runs.add(events, fates)

    def add_cycles(self, steps: NDArray[Any]) -> None:
        """Add whole cycles of steps, each from the request after ``laid`` to ``laid`` itself."""
        cycles = steps.reshape(-1, len(PHASES))
        self.nr_cycles += len(cycles)
        for window, (first, last) in WINDOWS.items():
            begun, ended = (PHASES.index(phase) - 1 for phase in (first, last))
            lengths = cycles["ended_ns"][:, ended] - cycles["begun_ns"][:, begun]
            self.windows_ns[window] += lengths.tolist()

    @staticmethod
    def _add_share(
        share: ClusteredShare, cycles: NDArray[np.int64], fates: NDArray[np.int64]
    ) -> None:
        failed = cycles[fates != _DELIVERED]
        trials = np.bincount(cycles)
        share.add(np.bincount(failed, minlength=len(trials)), trials)


def _fates(events: NDArray[Any]) -> NDArray[np.int64]:
    """Return the index of each event's fate."""
    refused, places = events["answer"] < 0, events["places"]
    if (refused & (places != 0)).any():
        raise MeasurementError("load", "an event was refused, but is set")
    unseen = np.where(refused, _RETURNED, _LOST)
    heard = np.where(places & IN_OVERLAY, _DELIVERED, unseen)
    return np.where(places & IN_RAM, _WRONG_PAGE, heard).astype(np.int64)
