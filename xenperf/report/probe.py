"""What the probe found, as a table, as lines for a program, and as one JSON object."""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Final

from xenperf.report.model import SCHEMA, Plain
from xenperf.report.table import Column, lay_out, paragraph

UNTRUSTED: Final = "untrusted"
NOTE: Final = "note"
_MARKS: Final = {UNTRUSTED: "!!", NOTE: "!"}
_LABEL_WIDTH: Final = 11


@dataclass(frozen=True, slots=True)
class ShownFact:
    """One thing that was looked at."""

    name: str
    found: str
    value: Plain
    """The same for a program; None where the machine does not tell."""

    matters: str
    advice: str
    grade: str
    """``ok``; ``note``: worth knowing; ``untrusted``: times should not be believed."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Everything that was looked at, on one machine at one moment."""

    facts: tuple[ShownFact, ...]
    environment: Mapping[str, Plain]

    @property
    def untrusted(self) -> list[str]:
        """The names of what makes times untrustworthy."""
        return [fact.name for fact in self.facts if fact.grade == UNTRUSTED]


def render_text(report: ProbeReport) -> str:
    """Return a table of 100 columns, and what it comes to."""
    columns = (
        Column(""),
        Column("what"),
        Column("found", wraps=True),
        Column("matters because", wraps=True),
        Column("what you can do", wraps=True),
    )
    rows = [
        (_MARKS.get(fact.grade, ""), fact.name, fact.found, fact.matters, fact.advice)
        for fact in report.facts
    ]
    return "\n".join([*lay_out(columns, rows), "", *_summary(report)]) + "\n"


def render_tsv(report: ProbeReport) -> str:
    """Return a line for each fact, without titles; what the machine does not tell is empty."""
    lines = [
        "\t".join("" if cell is None else str(cell) for cell in astuple(fact))
        for fact in report.facts
    ]
    return "".join(f"{line}\n" for line in lines)


def render_json(report: ProbeReport) -> str:
    """Return the object and a newline."""
    content = {
        "schema": SCHEMA,
        "kind": "probe",
        "environment": dict(report.environment),
        "facts": [asdict(fact) for fact in report.facts],
        "untrusted": report.untrusted,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _summary(report: ProbeReport) -> list[str]:
    """Return the legend, where there are marks, and whether times can be trusted."""
    lines = []
    if any(fact.grade == NOTE for fact in report.facts):
        lines += paragraph("!", "worth knowing: something is missing, or costs precision", 3)
    if not report.untrusted:
        return lines + paragraph("times", "nothing found that forbids to trust them", _LABEL_WIDTH)
    lines += paragraph("!!", "times measured now should not be trusted", 3)
    why = f"not to be trusted now: {', '.join(report.untrusted)}; counts and outcomes still are"
    return lines + paragraph("times", why, _LABEL_WIDTH)
