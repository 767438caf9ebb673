"""What became of events under load, as a table and as one JSON object."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from xenperf.report.model import SCHEMA, Plain
from xenperf.report.table import Column, lay_out, paragraph

LABEL_WIDTH = 11


@dataclass(frozen=True, slots=True)
class LoadRow:
    """The events of one source by one activation that were raised in one phase."""

    source: str
    activation: str
    phase: str
    delivered: int
    returned: int
    lost: int
    wrong_page: int

    @property
    def nr_events(self) -> int:
        """All of them."""
        return self.delivered + self.nr_failed

    @property
    def nr_failed(self) -> int:
        """Those whose bit is not where the guest looks."""
        return self.returned + self.lost + self.wrong_page


@dataclass(frozen=True, slots=True)
class Gaps:
    """How long events of one source failed at a stretch."""

    source: str
    activation: str
    nr_cycles: int
    lengths_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Everything that was raised while memslots changed."""

    backend: str
    environment: Mapping[str, Plain]
    seconds: float
    rows: tuple[LoadRow, ...]
    gaps: tuple[Gaps, ...]
    skipped: tuple[str, ...]
    command: str

    @property
    def nr_failed_by_hva(self) -> int:
        """Events that failed although the caches were activated by HVA."""
        return sum(row.nr_failed for row in self.rows if row.activation == "hva")


def render_json(report: LoadReport) -> str:
    """Return the object and a newline."""
    content = {
        "schema": SCHEMA,
        "kind": "load",
        "backend": report.backend,
        "environment": dict(report.environment),
        "seconds": report.seconds,
        "rows": [asdict(row) for row in report.rows],
        "gaps": [asdict(each) for each in report.gaps],
        "skipped": list(report.skipped),
        "command": report.command,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def render_text(report: LoadReport) -> str:
    """Return a table of 100 columns; the counts are what this machine's timing made of them."""
    columns = (
        *(Column("source"), Column("by"), Column("raised in")),
        *(Column(name, right=True) for name in ("events", "returned", "lost", "wrong page")),
        Column("failed", right=True),
    )
    blocks = [
        _header(report),
        ["EVENTS: counts of a race, so bounds and no more", *lay_out(columns, _cells(report))],
        _gaps(report),
        _footer(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _header(report: LoadReport) -> list[str]:
    found = report.environment
    method = f"{report.seconds:g} s for each source and activation; events from a second thread"
    machine = f"{found.get('cpu')}, CPUs {found.get('cpus')}, load {found.get('load_1min')}"
    lines = [f"xenperf load: events while RAM is broken apart and rejoined, on {report.backend}"]
    for label, text in (
        ("method", method),
        ("machine", machine),
        ("kernel", str(found.get("kernel") or "unknown")),
        ("commit", str(found.get("commit") or "unknown")),
    ):
        lines += paragraph(label, text, LABEL_WIDTH)
    return lines


def _cells(report: LoadReport) -> list[tuple[str, ...]]:
    """Return the cells of the phases that had events."""
    return [
        (
            *(row.source, row.activation, row.phase, str(row.nr_events), str(row.returned)),
            *(str(row.lost), str(row.wrong_page), f"{row.nr_failed / row.nr_events:.1%}"),
        )
        for row in report.rows
        if row.nr_events
    ]


def _gaps(report: LoadReport) -> list[str]:
    """Return how long nothing came through, where that happened."""
    columns = (
        *(Column("source"), Column("by"), Column("cycles", right=True), Column("gaps", right=True)),
        *(Column("median us", right=True), Column("longest us", right=True)),
    )
    cells = [
        (
            *(each.source, each.activation, str(each.nr_cycles), str(len(each.lengths_ns))),
            f"{statistics.median(each.lengths_ns) / 1e3:.0f}" if each.lengths_ns else "-",
            f"{max(each.lengths_ns) / 1e3:.0f}" if each.lengths_ns else "-",
        )
        for each in report.gaps
    ]
    title = "GAPS: from the first event refused or lost to the next that was not"
    return [title, *lay_out(columns, cells)] if cells else []


def _footer(report: LoadReport) -> list[str]:
    lines = [line for text in report.skipped for line in paragraph("skipped", text, LABEL_WIDTH)]
    return [*lines, *paragraph("reproduce", report.command, LABEL_WIDTH)]
