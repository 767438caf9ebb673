"""Instruction counts as a table of 100 columns, and as one JSON object."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.report.model import SCHEMA, Plain, Setting
from xenperf.report.table import Column, lay_out, paragraph
from xenperf.stats.instructions import MARGIN, SPREADS, InstructionRow, Tally
from xenperf.stats.samples import NO_HVA
from xenperf.stats.verdict import Verdict

LABEL_WIDTH: Final = 11
NONE: Final = "-"
COSTS_TITLE: Final = "INSTRUCTIONS: of one operation, its share of the loop included"
CONTROLS_TITLE: Final = "CONTROLS: the activation cannot touch them; they should be the same"
VERDICTS: Final = (Verdict.FEWER, Verdict.MORE, Verdict.SAME)
_COLUMNS: Final = (
    Column("benchmark", wraps=True),
    Column("of one", wraps=True),
    *(Column(name, right=True) for name in ("gpa", "hva", "hva-gpa", "change", "spread")),
    Column("verdict"),
)


@dataclass(frozen=True, slots=True)
class InstructionReport:
    """Everything that was counted, and on what."""

    rows: tuple[InstructionRow, ...]
    runs: int
    cpu_name: str
    """What the code was compiled for."""

    environment: Mapping[str, Plain]
    settings: Mapping[str, Setting]
    command: str

    @property
    def costs(self) -> list[InstructionRow]:
        """The rows that say what an operation takes, controls aside."""
        return [row for row in self.rows if not row.is_control]

    @property
    def controls(self) -> list[InstructionRow]:
        """The rows that the activation cannot touch."""
        return [row for row in self.rows if row.is_control]

    @property
    def controls_off(self) -> list[InstructionRow]:
        """The controls that differ all the same."""
        return [row for row in self.controls if row.verdict in (Verdict.FEWER, Verdict.MORE)]

    @property
    def invalid(self) -> list[InstructionRow]:
        """The rows without figures."""
        return [row for row in self.rows if row.verdict is Verdict.INVALID]


def render_text(report: InstructionReport) -> str:
    """Return the header, what is doubtful, both tables and the totals."""
    blocks = [
        _header(report),
        _distrust(report),
        _table(COSTS_TITLE, report.costs),
        _table(CONTROLS_TITLE, report.controls),
        _footer(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_json(report: InstructionReport) -> str:
    """Return the object and a newline; a figure that is missing is null."""
    content = {
        "schema": SCHEMA,
        "kind": "instructions",
        "environment": dict(report.environment),
        "settings": {**report.settings, "runs": report.runs, "cpu_name": report.cpu_name},
        "distrust": _reasons(report),
        "rows": [_row(row) for row in report.rows],
        "command": report.command,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def summary(report: InstructionReport) -> str:
    """Return the verdicts counted, on one line."""
    sections = (("costs", report.costs), ("controls", report.controls))
    return "; ".join(f"{label}: {_tally(rows)}" for label, rows in sections if rows)


def _row(row: InstructionRow) -> dict[str, object]:
    tallies = [tally for tally in (row.gpa, row.hva) if tally is not None]
    return {
        "benchmark": row.benchmark,
        "operation": row.operation,
        "control": row.is_control,
        "instructions": {
            "gpa": _mean(row.gpa),
            "hva": _mean(row.hva),
            "spread": max((tally.spread for tally in tallies), default=None),
        },
        "runs": {"gpa": _runs(row.gpa), "hva": _runs(row.hva)},
        "difference": row.difference,
        "verdict": str(row.verdict),
        "invalid": row.invalid,
    }


def _mean(tally: Tally | None) -> float | None:
    return None if tally is None else tally.mean


def _runs(tally: Tally | None) -> list[float] | None:
    return None if tally is None else list(tally.runs)


def _header(report: InstructionReport) -> list[str]:
    found = report.environment
    title = "instructions of one operation by guest address (GPA) and by host address (HVA)"
    lines = paragraph("xenperf run --count instructions: ", title, LABEL_WIDTH)
    processes = "1 process" if report.runs == 1 else f"{report.runs} fresh processes"
    for label, text in (
        (
            "method",
            f"counted by callgrind in {processes}: n operations and twice as many, compared; code "
            f"compiled for {report.cpu_name}",
        ),
        (
            "verdicts",
            f"fewer or more: beyond {100 * MARGIN:g} % and {SPREADS:g} times the spread of the "
            "processes; else same",
        ),
        ("modelled", _modelled(report)),
        ("machine", f"{found.get('cpu')}, {found.get('machine')}, load {found.get('load_1min')}"),
        ("versions", _versions(found)),
        ("commit", str(found.get("commit") or "unknown")),
    ):
        lines += paragraph(label, text, LABEL_WIDTH)
    return lines


def _modelled(report: InstructionReport) -> str:
    chosen = report.settings
    patches = chosen.get("patches")
    names = patches if isinstance(patches, Sequence) and not isinstance(patches, str) else ()
    return (
        f"kernel {chosen.get('kernel')}; patches: {', '.join(names) or 'none'}; "
        f"{chosen.get('guest_bits')}-bit guest, memslots {chosen.get('slots')}"
    )


def _versions(found: Mapping[str, Plain]) -> str:
    names = ("xenperf", "python", "numpy", "numba", "llvmlite")
    return ", ".join(f"{name} {found[name]}" for name in names if found.get(name) is not None)


def _distrust(report: InstructionReport) -> list[str]:
    reasons = _reasons(report)
    if not reasons:
        return []
    return ["DISTRUST", *(line for text in reasons for line in paragraph("-", text, 2))]


def _reasons(report: InstructionReport) -> list[str]:
    """Return what weakens the report, a sentence each."""
    reasons = [f"invalid: {row.benchmark}: {row.invalid}" for row in report.invalid]
    if report.controls_off:
        names = ", ".join(f"{row.benchmark} {row.verdict}" for row in report.controls_off)
        reasons.append(f"controls off: {names}; the activation cannot touch them")
    if any(row.verdict is Verdict.GONE for row in report.rows):
        reasons.append(NO_HVA)
    return reasons


def _table(title: str, rows: Sequence[InstructionRow]) -> list[str]:
    return [title, *lay_out(_COLUMNS, [_cells(row) for row in rows])] if rows else []


def _cells(row: InstructionRow) -> tuple[str, ...]:
    tallies = [tally for tally in (row.gpa, row.hva) if tally is not None]
    spread = max((tally.spread / tally.mean for tally in tallies if tally.mean), default=None)
    more = None if row.gpa is None or row.hva is None else row.hva.mean - row.gpa.mean
    return (
        row.benchmark,
        row.operation,
        _figure(_mean(row.gpa)),
        _figure(_mean(row.hva)),
        _signed(more),
        NONE if row.difference is None else f"{_signed(100 * row.difference)} %",
        NONE if spread is None else f"{100 * spread:.3f} %",
        str(row.verdict),
    )


def _figure(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    """Return *value* with its sign; what rounds to zero has none of its own."""
    return NONE if value is None else f"{round(value, 2) + 0.0:+.2f}"


def _tally(rows: Sequence[InstructionRow]) -> str:
    counted = Counter(row.verdict for row in rows)
    others = [verdict for verdict in Verdict if verdict not in VERDICTS and counted[verdict]]
    return ", ".join(f"{counted[verdict]} {verdict}" for verdict in (*VERDICTS, *others))


def _footer(report: InstructionReport) -> list[str]:
    lines = []
    for label, rows in (("costs", report.costs), ("controls", report.controls)):
        lines += paragraph(label, _tally(rows), LABEL_WIDTH) if rows else []
    return lines + paragraph("again", report.command, LABEL_WIDTH)
