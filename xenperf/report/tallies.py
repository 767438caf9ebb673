"""The verdicts counted, and the whole in one figure where that makes sense."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from xenperf.report import growth, selfcheck
from xenperf.report.boots import COUNTED
from xenperf.report.figures import percent
from xenperf.report.model import DIFFERENT, EVERY_COST, Kind, Report
from xenperf.report.undecided import undecided
from xenperf.stats.geomean import geomean
from xenperf.stats.instructions import MARGIN
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

COST_VERDICTS: Final = (Verdict.FASTER, Verdict.SLOWER, Verdict.SAME, Verdict.UNDECIDED)
COUNT_VERDICTS: Final = (Verdict.FEWER, Verdict.MORE, Verdict.SAME)


GOES_ON: Final = ""
"""The label of what belongs to the line before."""


def summary(report: Report) -> str:
    """Return the verdicts counted, on one line."""
    return "; ".join(f"{label}: {tally}" for label, tally in tallies(report))


def tallies(report: Report) -> list[tuple[str, str]]:
    """Return how many rows of each kind got which verdict."""
    if report.kind is Kind.SELFCHECK:
        return [("A/A", _tally(report.rows, COST_VERDICTS))]
    controls = "controls" if report.kind in (Kind.RUN, Kind.SWEEP) else "A/A"
    kinds = (
        ("costs", report.costs, COST_VERDICTS),
        ("outcomes", report.outcomes, COUNT_VERDICTS),
        (controls, report.controls, COST_VERDICTS),
    )
    counted = [(label, _tally(rows, verdicts)) for label, rows, verdicts in kinds if rows]
    return [*growth.tally(report), *counted]


def closing(report: Report) -> list[tuple[str, str]]:
    """Return what stands below the tables: verdicts counted, the mean, the undecided named.

    Labels with what they say; a line that goes on with the one before has the label ``GOES_ON``.
    """
    if report.kind is Kind.SELFCHECK:
        return [*selfcheck.closing(report), *skipped(report)]
    found = tallies(report)
    if report.kind is Kind.SWEEP:
        return [*found, *skipped(report)]
    mean = _mean(report)
    if mean is not None:
        found.append(("geomean", mean))
    said, lines = undecided(report)
    found += [("undecided", said)] if said else []
    found += [(GOES_ON, line) for line in lines]
    return [*found, *_noise(report), *counted(report), *skipped(report)]


def _noise(report: Report) -> list[tuple[str, str]]:
    """Return what it would take to decide the noisiest undecided cost."""
    band = 0.0 if COUNTED in report.settings else float(str(report.settings.get("band") or 0.0))
    wide = [
        (row.noise, row)
        for row in report.costs
        if row.verdict is Verdict.UNDECIDED and row.noise is not None and row.noise > band
    ]
    if not (wide and band and report.nr_finished):
        return []
    noise, row = max(wide, key=lambda found: found[0])
    nr_workers = len(row.worker_ratios)
    more = math.ceil(nr_workers * (noise / band) ** 2) - nr_workers
    took = more * (report.seconds or 0.0) / report.nr_finished
    seconds = f" ({_duration(took)})" if took else ""
    workers = "1 worker" if nr_workers == 1 else f"{nr_workers} workers"
    names = "one cost" if len(wide) == 1 else f"{len(wide)} costs"
    text = (
        f"too high to decide {names}: up to +-{100 * noise:.1f} % ({row.name}) with "
        f"{workers}; about {more} more{seconds} would reach +-{100 * band:g} %"
    )
    return [("noise", text)]


def _duration(seconds: float) -> str:
    """Return *seconds* in a unit that leaves two or three digits."""
    for unit, length, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < most:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} days"


def counted(report: Report) -> list[tuple[str, str]]:
    """Return what the instructions say of the times, and what was not counted, and why."""
    alike = [row.name for row in report.costs if _differs_in_time_alone(row)]
    found = []
    if alike:
        names = ", ".join(dict.fromkeys(alike))
        text = f"times differ, instructions do not (layout, or what waits): {names}"
        found.append(("instr", text))
    names_of: dict[str, list[str]] = {}
    for name, reason in report.uncounted.items():
        names_of.setdefault(reason, []).append(name)
    found += [
        ("instr", f"not counted: {reason}" + ("" if names == [EVERY_COST] else _listed(names)))
        for reason, names in names_of.items()
    ]
    return found


def _listed(names: Sequence[str]) -> str:
    return f" ({', '.join(names)})"


def _differs_in_time_alone(row: Row) -> bool:
    """Tell whether *row* is slower or faster with as many instructions."""
    if row.instructions is None or row.verdict not in DIFFERENT:
        return False
    base, head = row.instructions
    return abs(head - base) <= MARGIN * base


def skipped(report: Report) -> list[tuple[str, str]]:
    """Return what the back end could not be asked, by reason."""
    names: dict[str, list[str]] = {}
    for name, reason in report.skipped.items():
        names.setdefault(reason, []).append(name)
    return [("skipped", f"{reason}: {', '.join(each)}") for reason, each in names.items()]


def _mean(report: Report) -> str | None:
    """Return the mean ratio of a report with one pair of sides; a series has one for each step."""
    rows = [row for row in report.costs if row.ratio is not None]
    if len({row.sides for row in rows}) != 1:
        return None
    found = geomean([row.worker_ratios for row in rows])
    if found is None:
        return None
    low, high = (100.0 * (bound - 1.0) for bound in (found.low, found.high))
    return (
        f"{percent(found.ratio)} over {found.nr_rows} costs, 95 % interval "
        f"[{low:+.1f}, {high:+.1f}] %"
    )


def _tally(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> str:
    """Return how many *rows* got each of *verdicts*, and of any other if there are some."""
    counted = Counter(row.verdict for row in rows)
    others = [verdict for verdict in Verdict if verdict not in verdicts and counted[verdict]]
    return ", ".join(f"{counted[verdict]} {verdict}" for verdict in (*verdicts, *others))
