"""What exploring found, as a table and as one JSON object; counts are exact."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from xenperf.report.model import SCHEMA
from xenperf.report.table import Column, lay_out, paragraph

LABEL_WIDTH: Final = 11


@dataclass(frozen=True, slots=True)
class ShownViolation:
    """What does not hold, and how to see it again."""

    what: str
    nr_schedules: int
    schedule: str
    command: str


@dataclass(frozen=True, slots=True)
class ExploredPair:
    """All schedules of two operations by one activation."""

    first: str
    second: str
    activation: str
    nr_schedules: int
    outcomes: Mapping[str, int]
    nr_refused_sends: int
    """Schedules in which a send gets -EFAULT."""

    nr_lost_events: int
    """Schedules in which an irqfd's or a timer's event is lost."""

    violations: tuple[ShownViolation, ...]

    @property
    def name(self) -> str:
        """The pair's name, as ``--only`` matches it."""
        return f"{self.first}+{self.second}"


@dataclass(frozen=True, slots=True)
class ExploreReport:
    """Everything that was explored."""

    pairs: tuple[ExploredPair, ...]
    nr_preemptions: int
    nr_pairs_asked: int
    cut_short: str | None
    command: str
    kernel: str
    """Which kernel the model was, by name."""

    has_hva: bool = True
    """Whether that kernel knows activation by HVA."""

    @property
    def nr_violations(self) -> int:
        """Return how many kinds of violation were found, over all pairs."""
        return sum(len(pair.violations) for pair in self.pairs)


def render_json(report: ExploreReport) -> str:
    """Return the object and a newline."""
    content = {"schema": SCHEMA, "kind": "explore", **asdict(report)}
    return json.dumps(content, indent=2) + "\n"


def render_text(report: ExploreReport) -> str:
    """Return the table, what was violated, and the totals."""
    at_most = f"at most {report.nr_preemptions} preemptions"
    head = paragraph("", f"xenperf explore: every schedule of two operations with {at_most}", 0)
    kernel = report.kernel if report.has_hva else f"{report.kernel}; it has no activation by HVA"
    head += paragraph("kernel", kernel, LABEL_WIDTH)
    blocks = [head, _table(report.pairs), _violations(report.pairs), _footer(report)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_replay(schedule: str, outcomes: str, violations: Sequence[str]) -> str:
    """Return what one schedule came to."""
    lines = paragraph("schedule", schedule, LABEL_WIDTH)
    lines += paragraph("outcome", outcomes, LABEL_WIDTH)
    for what in violations or ("none",):
        lines += paragraph("violation", what, LABEL_WIDTH)
    return "\n".join(lines) + "\n"


def _table(pairs: Sequence[ExploredPair]) -> list[str]:
    columns = (
        *(Column("pair"), Column("activation"), Column("schedules", right=True)),
        Column("violations", right=True),
        Column("outcomes, and in how many schedules", wraps=True),
    )
    rows, before = [], ""
    for pair in pairs:
        outcomes = "; ".join(f"{name} {count:,}" for name, count in pair.outcomes.items())
        shown = "" if pair.name == before else pair.name
        nr_wrong = str(len(pair.violations) or "-")
        rows.append((shown, pair.activation, f"{pair.nr_schedules:,}", nr_wrong, outcomes))
        before = pair.name
    return lay_out(columns, rows)


def _violations(pairs: Sequence[ExploredPair]) -> list[str]:
    lines = []
    for pair in pairs:
        for violation in pair.violations:
            count = f"in {violation.nr_schedules:,} of {pair.nr_schedules:,} schedules"
            what = f"{pair.name} by {pair.activation}: {violation.what}; {count}"
            lines += paragraph("VIOLATION", what, LABEL_WIDTH)
            lines.append(f"{'replay':{LABEL_WIDTH}}{violation.command}")  # whole: to be copied
    return lines


def _footer(report: ExploreReport) -> list[str]:
    total = sum(pair.nr_schedules for pair in report.pairs)
    text = f"{total:,} schedules of {len(report.pairs)} pairs; {report.nr_violations} violations"
    lines = paragraph("total", text, LABEL_WIDTH)
    for activation in dict.fromkeys(pair.activation for pair in report.pairs):
        chosen = [pair for pair in report.pairs if pair.activation == activation]
        refused = sum(pair.nr_refused_sends for pair in chosen)
        lost = sum(pair.nr_lost_events for pair in chosen)
        words = (
            f"by {activation} a send is refused (EFAULT) in {refused:,} schedules, "
            f"an event lost in {lost:,}"
        )
        lines += paragraph("events", words, LABEL_WIDTH)
    if report.cut_short:
        missing = f"{report.cut_short}; {len(report.pairs)} of {report.nr_pairs_asked} are finished"
        lines += paragraph("cut short", missing, LABEL_WIDTH)
    return lines + paragraph("again", report.command, LABEL_WIDTH)
