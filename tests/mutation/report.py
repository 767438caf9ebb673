"""What a session found: a table for readers, TSV and JSON for everything else."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.mutation.session import NEAR, Result, Session
from tests.mutation.trial import Verdict
from xenperf.report.table import Column, lay_out, paragraph

INDENT: Final = 11
TSV_COLUMNS: Final = ("fault", "kind", "outcome", "stage", "seconds", "test", "rule", "why")
_WORDS: Final = {
    Verdict.FAILED: "caught",
    Verdict.TIMEOUT: "caught by timeout",
    Verdict.CRASHED: "caught by crash",
    Verdict.PASSED: "survived",
}


@dataclass(frozen=True, slots=True)
class Report:
    """A session with the conditions it ran in."""

    session: Session
    bar: float
    """The share of faults that has to be caught, in percent."""

    command: str
    conditions: Mapping[str, object]

    @property
    def nr_caught(self) -> int:
        """How many faults some test noticed."""
        return sum(result.is_caught for result in self.session.results)

    @property
    def caught_percent(self) -> float:
        """Which share that is; 0 where nothing was tried."""
        nr_tried = len(self.session.results)
        return 100 * self.nr_caught / nr_tried if nr_tried else 0.0

    @property
    def is_above_bar(self) -> bool:
        """Whether enough were caught."""
        return self.caught_percent >= self.bar


def outcome_of(result: Result) -> str:
    """Return what became of a fault, in words."""
    return _WORDS[result.run.verdict]


def render_text(report: Report) -> str:
    """Return the table: how each fault was found, those that were not, and the totals."""
    lines = ["xenperf mutation: faults planted in the model, and whether the tests notice"]
    for name, value in report.conditions.items():
        lines += paragraph(name, str(value), INDENT)
    columns = (
        Column("fault"),
        Column("outcome"),
        Column("s", True),
        Column("noticed by", wraps=True),
    )
    rows = [
        (r.fault.name, outcome_of(r), f"{r.seconds:.1f}", _place(r)) for r in report.session.results
    ]
    lines += ["", *lay_out(columns, rows), ""]
    for result in report.session.results:
        if not result.is_caught:
            lines += _survivor(result)
    return "\n".join([*lines, *_totals(report)]) + "\n"


def _place(result: Result) -> str:
    """Return the file of the test that noticed, and the stage if not the first."""
    if not result.is_caught:
        return ""
    module = result.run.test.partition("::")[0].rpartition("/")[2].removesuffix(".py")
    return module if result.stage == NEAR else f"{module} ({result.stage})"


def _survivor(result: Result) -> list[str]:
    why = result.fault.survives or "nobody knows yet why"
    return paragraph("survived", f"{result.fault.name}: {result.fault.rule} {why}", INDENT)


def _totals(report: Report) -> list[str]:
    results = report.session.results
    stages = Counter(result.stage for result in results if result.is_caught)
    parts = [f"{count} by {stage}" for stage, count in stages.items()]
    verdicts = Counter(outcome_of(result) for result in results)
    special = (_WORDS[Verdict.TIMEOUT], _WORDS[Verdict.CRASHED])
    parts += [f"of these {verdicts[w]} {w.partition(' ')[2]}" for w in special if verdicts[w]]
    share = f"{report.nr_caught} of {len(results)} ({report.caught_percent:.1f} %)"
    kinds = Counter(result.fault.kind for result in results)
    lines = paragraph("caught", f"{share}: {', '.join(parts) or 'none'}", INDENT)
    lines += paragraph("kinds", ", ".join(f"{n} {kind}" for kind, n in kinds.items()), INDENT)
    if report.session.is_cut_short:
        left = report.session.nr_faults - len(results)
        lines += paragraph("cut short", f"interrupted with {left} faults left", INDENT)
    verdict = "reached" if report.is_above_bar else "MISSED"
    return lines + paragraph("bar", f"{report.bar:g} %: {verdict}", INDENT)


def _record(result: Result) -> dict[str, str]:
    fault, run = result.fault, result.run
    fields = (fault.name, fault.kind, outcome_of(result), result.stage, f"{result.seconds:.2f}")
    why = fault.survives if not result.is_caught else run.reason
    return dict(zip(TSV_COLUMNS, (*fields, run.test, fault.rule, why), strict=True))


def render_tsv(report: Report) -> str:
    """Return a line of titles and one for each fault; no field holds a tab."""
    rows = [TSV_COLUMNS, *(tuple(_record(r).values()) for r in report.session.results)]
    return "".join("\t".join(" ".join(field.split()) for field in row) + "\n" for row in rows)


def render_json(report: Report) -> str:
    """Return all of it."""
    content = {
        "conditions": dict(report.conditions),
        "command": report.command,
        "bar_percent": report.bar,
        "caught_percent": report.caught_percent,
        "nr_faults": report.session.nr_faults,
        "seconds": round(report.session.seconds, 1),
        "cut_short": report.session.is_cut_short,
        "results": [_record(r) | {"seconds": round(r.seconds, 2)} for r in report.session.results],
    }
    return json.dumps(content, indent=2) + "\n"


RENDER: Final[dict[str, Callable[[Report], str]]] = {
    "text": render_text,
    "tsv": render_tsv,
    "json": render_json,
}
