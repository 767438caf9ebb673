"""What became of events, read from the rows of a report: by scenario, by side, by situation."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

FATES: Final = (
    *("delivered", "delayed", "coalesced", "merged", "masked"),
    *("returned", "refused", "lost", "wrong_page"),
)
"""What may become of an event, the best first; an event has one of them. Other metrics count
something else."""

OTHER: Final = "other"
"""Events that no metric of the report counts."""

ABSENT_FROM: Final = frozenset({"delete_whole", "delete_overlay"})
PRESENT_FROM: Final = frozenset({"create_overlay", "create_whole"})
"""The memslot requests of a break-apart after which no memslot covers the overlay's frame, and
after which one does: KVM_SET_USER_MEMORY_REGION deletes and creates single slots."""

_UNIT: Final = re.compile(r"of (\d+) (?:sends|events)")


@dataclass(frozen=True, slots=True)
class Phase:
    """The events of one side in one situation; None where there are no figures."""

    name: str
    nr_events: int
    fates: tuple[tuple[str, int], ...] | None


@dataclass(frozen=True, slots=True)
class Strip:
    """One side's phases, in the order of the report."""

    sides: tuple[tuple[str, str], ...]
    """Variant and label of every side of which all of this is true; "A to B" for many."""

    phases: tuple[Phase, ...]

    @property
    def label(self) -> str:
        """All sides on one line, the variant before those that share it."""
        by_variant: dict[str, list[str]] = {}
        for variant, label in self.sides:
            by_variant.setdefault(variant, []).append(label)
        return "; ".join(
            ": ".join(filter(None, (variant, ", ".join(labels))))
            for variant, labels in by_variant.items()
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """One scenario as strips of the same phases."""

    name: str
    strips: tuple[Strip, ...]

    @property
    def is_break_apart(self) -> bool:
        """Tell whether its phases are the steps of taking memslots apart."""
        names = {phase.name for phase in self.strips[0].phases}
        return bool(names & ABSENT_FROM) and bool(names & PRESENT_FROM)

    @property
    def absent(self) -> tuple[bool, ...]:
        """Whether the overlay's guest address is absent, phase by phase."""
        found, is_absent = [], False
        for phase in self.strips[0].phases:
            is_absent = (is_absent or phase.name in ABSENT_FROM) and phase.name not in PRESENT_FROM
            found.append(is_absent)
        return tuple(found)


def drawn(rows: Iterable[Row]) -> list[Drawn]:
    """Return the scenarios of *rows* that account for events in several situations."""
    by_scenario: dict[str, list[Row]] = {}
    for row in rows:
        if row.metric in FATES and _UNIT.fullmatch(row.unit):
            by_scenario.setdefault(row.benchmark.partition(".")[0], []).append(row)
    found = [_scenario(name, rows) for name, rows in by_scenario.items()]
    return [one for one in found if len(one.strips[0].phases) > 1]


def _scenario(name: str, rows: Sequence[Row]) -> Drawn:
    counted: dict[tuple[str, str], dict[str, dict[str, int | None]]] = {}
    events: dict[str, int] = {}
    for row in rows:
        phase = row.benchmark.partition(".")[2]
        events[phase] = _nr_events(row)
        is_valid = row.verdict is not Verdict.INVALID
        for label, value in zip(row.sides, (row.base, row.head), strict=True):
            of_phase = counted.setdefault((row.variant, label), {}).setdefault(phase, {})
            of_phase[row.metric] = int(value) if is_valid and value is not None else None
    rest = "delivered" if not any(row.metric == "delivered" for row in rows) else OTHER
    strips = [
        Strip(
            (side,),
            tuple(_phase(phase, events[phase], of_side.get(phase), rest) for phase in events),
        )
        for side, of_side in counted.items()
    ]
    return Drawn(name, tuple(_joined(strips) if len(strips) > 2 else strips))


def _nr_events(row: Row) -> int:
    match = _UNIT.fullmatch(row.unit)
    return int(match[1]) if match else 0


def _phase(name: str, nr_events: int, counts: dict[str, int | None] | None, rest: str) -> Phase:
    """Return the phase; events that no metric counts met the fate *rest*."""
    known = {fate: count for fate, count in (counts or {}).items() if count is not None}
    if not counts or len(known) < len(counts) or sum(known.values()) > nr_events:
        return Phase(name, nr_events, None)
    nr_rest = nr_events - sum(known.values())
    known[rest] = known.get(rest, 0) + nr_rest
    order = [fate for fate in (*FATES, OTHER) if known.get(fate)]
    return Phase(name, nr_events, tuple((fate, known[fate]) for fate in order))


def _joined(strips: Sequence[Strip]) -> list[Strip]:
    """Return *strips*, the sides that have the same figures as one."""
    sides: dict[tuple[Phase, ...], list[int]] = {}
    for idx, strip in enumerate(strips):
        sides.setdefault(strip.phases, []).append(idx)
    return [Strip(_runs(strips, alike), phases) for phases, alike in sides.items()]


def _runs(strips: Sequence[Strip], chosen: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """Return the sides of the *chosen* strips; three or more that follow each other as one."""
    runs: list[list[int]] = []
    for idx in chosen:
        variant = strips[idx].sides[0][0]
        goes_on = runs and runs[-1][-1] == idx - 1 and strips[idx - 1].sides[0][0] == variant
        runs[-1].append(idx) if goes_on else runs.append([idx])
    found: list[tuple[str, str]] = []
    for run in runs:
        (variant, first), (_, last) = strips[run[0]].sides[0], strips[run[-1]].sides[0]
        if len(run) > 2:
            found.append((variant, f"{first} to {last}"))
        else:
            found += [strips[idx].sides[0] for idx in run]
    return tuple(found)
