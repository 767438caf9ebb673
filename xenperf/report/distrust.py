"""What weakens a report, a sentence each: shown above every table and kept in every file."""

from collections.abc import Sequence
from typing import Final

from xenperf.report.boots import BOOTS
from xenperf.report.model import Report
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

SAID_ELSEWHERE: Final = (Verdict.INVALID, Verdict.NEW, Verdict.GONE)  # above, and in the tables


def reasons(report: Report) -> list[str]:
    """Return why to distrust *report*, the worst first; empty if there is no reason."""
    return [
        *_interruption(report),
        *_controls(report),
        *report.remarks,
        *(f"invalid: {note}" for note in _notes(report, report.invalid)),
        *_notes(report, [row for row in report.rows if row.verdict not in SAID_ELSEWHERE]),
    ]


def interruption(report: Report) -> str:
    """Return how far a run that was cut short came."""
    unit = "boots" if BOOTS in report.settings else "workers"
    return (
        f"{report.cut_short}: {report.nr_finished} of {report.settings.get(unit)} {unit} finished; "
        "the table shows what they measured"
    )


def _interruption(report: Report) -> list[str]:
    return [interruption(report)] if report.cut_short else []


def _controls(report: Report) -> list[str]:
    if not report.controls_off:
        return []
    names = ", ".join(f"{row.benchmark} {row.verdict}" for row in report.controls_off)
    return [
        f"controls off: {names}; the activation cannot touch them, so the difference is the "
        "machine's and no cost here should be believed"
    ]


def _notes(report: Report, rows: Sequence[Row]) -> list[str]:
    """Return each note of *rows* once, with the rows that it is about."""
    about: dict[str, list[str]] = {}
    for row in rows:
        for note in row.notes:
            name = f"{row.name} {row.metric}" if row.is_count else row.name
            about.setdefault(note, []).append(name)
    once = {note: list(dict.fromkeys(names)) for note, names in about.items()}
    return [f"{_subject(report, names)}: {note}" for note, names in once.items()]


def _subject(report: Report, names: Sequence[str]) -> str:
    timed = list(dict.fromkeys(row.name for row in report.rows if row.ratio is not None))
    return "every cost" if len(names) > 1 and names == timed else ", ".join(names)
