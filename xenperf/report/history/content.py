"""What a history says, as words and cells, whatever form they are then given."""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.stats.changes import MARGINS, SPREADS, TOLERATED, Certainty, Change, Shift
from xenperf.stats.history import History, Kind, Point, State, Step, Track

SIGNS: Final = {State.FAILED: "failed", State.SKIPPED: "skip", State.MISSING: "-"}
CHANGE_COLUMNS: Final = ("benchmark", "before", "at", "was", "is", "change", "that is")
PREFIXES: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
SIZES: Final = ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k"))
NAMED: Final = 4
"""So many names at most are spelled out in a sentence."""


@dataclass(frozen=True, slots=True)
class HistoryReport:
    """A history with all that was found in it."""

    history: History
    changes: tuple[Change, ...]
    shifts: tuple[Shift, ...]
    command: str
    """What to type to see the same again."""

    in_full: bool = True
    """With every figure, and not only what changed."""

    @property
    def sure(self) -> list[Change]:
        """The changes that are findings."""
        return [change for change in self.changes if change.is_sure]


@dataclass(frozen=True, slots=True)
class Grid:
    """Tracks as lines, steps as columns."""

    title: str
    tracks: tuple[Track, ...]
    open: bool
    """Worth being seen at once."""


def title(report: HistoryReport) -> str:
    """Return what it is, in a line."""
    history = report.history
    nr = len(history.steps)
    commits = "one commit" if nr == 1 else f"{nr} commits"
    what = "commit by commit" if report.in_full else "what changed"
    return f"xenperf history: {commits} on {history.machine}, {what}; recorded apart: grade C"


def facts(report: HistoryReport) -> list[tuple[str, str]]:
    """Return labels with what they say, in their order."""
    known = report.history.environment
    cpus = f"CPUs {known['num_cpu']}" if "num_cpu" in known else None
    parts = (known.get("cpu"), known.get("arch"), cpus, known.get("os"))
    return [
        ("machine", ", ".join(filter(None, parts)) or "asv was told no more than its name"),
        ("order", f"commits {report.history.order}, the oldest first"),
        ("rules", rules()),
    ]


def rules() -> str:
    """Return what is told as a change."""
    ratio, cost = (100 * MARGINS[kind] for kind in (Kind.RATIO, Kind.COST))
    return (
        f"counts exactly (instructions beyond {100 * TOLERATED[Kind.INSTRUCTIONS]:g} %); a ratio "
        f"beyond {ratio:g} % and {SPREADS:g} spreads of the figures before, at two commits in a "
        f"row; a time or size beyond {cost:g} % likewise, as a hint: compare the two commits"
    )


def summary(report: HistoryReport) -> str:
    """Return the changes counted, on one line."""
    nr_exact = sum(change.certainty is Certainty.EXACT for change in report.changes)
    nr_ratios = len(report.sure) - nr_exact
    nr_hints = len(report.changes) - len(report.sure)
    return f"changes: {nr_exact} of counts, {nr_ratios} of ratios; {nr_hints} hints"


def step_line(step: Step) -> tuple[str, str]:
    """Return the label of a step, and its day and subject."""
    day = datetime.datetime.fromtimestamp(step.committed_at, datetime.UTC).date()
    return step.label, f"{day} {step.subject}".rstrip()


def doubts(report: HistoryReport) -> list[str]:
    """Return what weakens the figures, a sentence each."""
    history = report.history
    found = list(history.remarks)
    for state in (State.FAILED, State.SKIPPED):
        alike: dict[tuple[str, ...], list[str]] = {}
        for name, labels in history.troubled(state).items():
            alike.setdefault(tuple(labels), []).append(name)
        for at, names in alike.items():
            found.append(f"{state} at {_named(at, 'commits')}: {_named(names, 'benchmarks')}")
    for shift in report.shifts:
        label = history.steps[shift.at].label
        found.append(
            f"at {label} {shift.nr_costs} times moved together, {change_of(1.0, shift.ratio)} in "
            "the median: the machine, or something that all of them share"
        )
    return found


def change_cells(report: HistoryReport) -> list[tuple[str, ...]]:
    """Return a line for each change, as ``CHANGE_COLUMNS`` has them."""
    steps = report.history.steps
    return [
        (
            one.track.title,
            steps[one.since].label,
            steps[one.at].label,
            figure(one.track, Point(State.MEASURED, one.before)),
            figure(one.track, Point(State.MEASURED, one.after)),
            change_of(one.before, one.after),
            f"{one.word}, {one.certainty}",
        )
        for one in report.changes
    ]


def grids(report: HistoryReport) -> list[Grid]:
    """Return the tables of all figures, empty ones left out; none for a short report."""
    if not report.in_full:
        return []
    history = report.history
    exact = [t for t in history.tracks if t.kind in TOLERATED]
    moved = {change.track.title for change in report.changes}
    changed = [track for track in exact if track.title in moved]
    never = len(exact) - len(changed)
    still = f"; {never} that never changed are left out" if never else ""
    found = (
        Grid("RATIOS: HVA over GPA in one process", tuple(history.of_kind(Kind.RATIO)), True),
        Grid(f"COUNTS: exact{still}", tuple(changed), True),
        Grid(
            "TIMES AND SIZES: of one process after the other; floors left out",
            tuple(history.of_kind(Kind.COST)),
            False,
        ),
        Grid("OTHER FIGURES: not judged", tuple(history.of_kind(Kind.OTHER)), False),
    )
    return [grid for grid in found if grid.tracks]


def figure(track: Track, point: Point) -> str:
    """Return one figure: counts in full, others to three digits."""
    if point.state is not State.MEASURED:
        return SIGNS[point.state]
    value = float(point.value)
    if track.kind is Kind.COST and track.unit == "seconds":
        return _scaled(value, PREFIXES)
    if track.kind is Kind.COST and track.unit == "bytes":
        return _scaled(value, SIZES)
    if track.kind is Kind.RATIO:
        return f"{value:.3f}"
    return str(int(value)) if value.is_integer() else f"{value:.6g}"


def change_of(before: float, after: float) -> str:
    """Return the change in per cent; what begins at 0 has none."""
    return f"{100 * (after / before - 1):+.1f} %" if before else "-"


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    scale, unit = next(((s, u) for s, u in units if value >= s), units[-1])
    scaled = value / scale
    digits = max(0, 2 - math.floor(math.log10(scaled))) if scaled >= 0.01 else 4
    return f"{scaled:.{min(digits, 4)}f}{unit}"


def _named(names: Sequence[str], what: str) -> str:
    """Return *names*, all but the first few counted where there are many."""
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{', '.join(names[: NAMED - 1])} and {len(names) - NAMED + 1} more {what}"
