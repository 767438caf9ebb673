"""The outcome cases as a table, as lines for a program, and as one JSON object."""

import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass

from xenperf.report.model import SCHEMA, Plain
from xenperf.report.table import Column, lay_out, paragraph

RIGHT, WRONG = "ok", "WRONG"
USUAL = "usual"


@dataclass(frozen=True, slots=True)
class PlayedCase:
    """What one case showed with one activation on one kernel."""

    id: str
    kernel: str
    activation: str
    start: str
    """The name of the state it began in."""

    operation: str
    expected: str
    observed: str
    source: str
    """How the expectation is known: ``observed`` of a real kernel, or ``read`` in its source."""

    basis: str = USUAL
    """Which expectation it is: the usual one, or that of releases such as "before v6.7"."""

    @property
    def ok(self) -> bool:
        """Tell whether it showed exactly what was expected."""
        return self.observed == self.expected


@dataclass(frozen=True, slots=True)
class SkippedCase:
    """A case that was not played, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CasesReport:
    """Everything that was played and skipped on one back end."""

    backend: str
    starts: Mapping[str, str]
    """What the name of a start stands for."""

    environment: Mapping[str, Plain]
    cases: tuple[PlayedCase, ...]
    skipped: tuple[SkippedCase, ...]

    @property
    def failed(self) -> list[PlayedCase]:
        """The cases that showed something else."""
        return [case for case in self.cases if not case.ok]


def render_text(report: CasesReport) -> str:
    """Return a table of 100 columns, what was skipped by reason, and one line that counts."""
    blocks = [_starts(report), *_tables(report), _skipped(report), [summary(report)]]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_tsv(report: CasesReport) -> str:
    """Return a line for each case played, without titles."""
    rows = [(*astuple(case), RIGHT if case.ok else WRONG) for case in report.cases]
    return "".join("\t".join(row) + "\n" for row in rows)


def render_json(report: CasesReport) -> str:
    """Return the object and a newline."""
    content = {
        "schema": SCHEMA,
        "kind": "cases",
        "backend": report.backend,
        "starts": dict(report.starts),
        "environment": dict(report.environment),
        "cases": [{**asdict(case), "ok": case.ok} for case in report.cases],
        "skipped": [asdict(case) for case in report.skipped],
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def summary(report: CasesReport) -> str:
    """Return how many were right, wrong and skipped."""
    wrong = len(report.failed)
    return f"{len(report.cases) - wrong} right, {wrong} wrong, {len(report.skipped)} skipped"


def _starts(report: CasesReport) -> list[str]:
    """Return what the starts that occur stand for."""
    used = {case.start for case in report.cases}
    width = max((len(name) for name in used), default=0) + 2
    lines = [f"  {name.ljust(width)}{text}" for name, text in report.starts.items() if name in used]
    return ["starts", *lines] if lines else []


def _tables(report: CasesReport) -> list[list[str]]:
    """Return a table for each kernel; none if no case was played."""
    tables = []
    for kernel in dict.fromkeys(case.kernel for case in report.cases):
        rows = [_row(case) for case in report.cases if case.kernel == kernel]
        tables.append([f"kernel {kernel}, backend {report.backend}", *lay_out(_COLUMNS, rows)])
    return tables


_COLUMNS = (
    Column("case"),
    Column("by"),
    Column("operation", wraps=True),
    Column("expected", wraps=True),
    Column("observed", wraps=True),
    Column("ok"),
)


def _row(case: PlayedCase) -> tuple[str, ...]:
    """Return the cells; the start stands before what is done from there."""
    what = f"{case.start}: {case.operation}"
    expected = case.expected if case.basis == USUAL else f"{case.expected} ({case.basis})"
    verdict = RIGHT if case.ok else WRONG
    return case.id, case.activation, what, expected, case.observed, verdict


def _skipped(report: CasesReport) -> list[str]:
    lines: list[str] = []
    for reason in dict.fromkeys(case.reason for case in report.skipped):
        ids = [case.id for case in report.skipped if case.reason == reason]
        lines += paragraph("skipped: ", f"{reason}: {', '.join(ids)}", len("skipped: "))
    return lines
