"""What a suite makes of a build compared with itself: false verdicts and what could be found."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from xenperf.report.json_ import conditions
from xenperf.report.model import DIFFERENT, Report, RowKey
from xenperf.report.table import Column, lay_out, paragraph
from xenperf.report.text import doubts, heading
from xenperf.stats.power import Detectable
from xenperf.stats.verdict import Verdict
from xenperf.stats.wilson import wilson_interval

TITLE: Final = "A/A: the same build, loaded twice; every slower or faster is false"
LABEL_WIDTH: Final = 11


@dataclass(frozen=True, slots=True)
class Selfcheck:
    """The judged rows of a build against itself, with the noise of each."""

    report: Report
    noise: Mapping[RowKey, Detectable]

    @property
    def false_verdicts(self) -> list[str]:
        """The rows that claim a difference where there is none."""
        return [row.name for row in self.report.rows if row.verdict in DIFFERENT]

    @property
    def nr_compared(self) -> int:
        """How many rows were judged."""
        return sum(row.ratio is not None for row in self.report.rows)

    @property
    def nr_same(self) -> int:
        """How many were called the same, as all should be."""
        return sum(row.verdict is Verdict.SAME for row in self.report.rows)


def render_text(found: Selfcheck) -> str:
    """Return the table and what it comes to, 100 columns wide."""
    columns = (
        Column("benchmark", wraps=True),
        Column("ratio", right=True),
        Column("verdict"),
        Column("within", right=True),
        Column("between", right=True),
        Column("margin", right=True),
        Column("detectable", right=True),
    )
    cells = []
    for row in found.report.rows:
        noise = found.noise.get(row.key)
        ratio = "-" if row.ratio is None else f"{row.ratio:.4f}"
        cells.append((row.name, ratio, str(row.verdict), *_noise(noise)))
    reasons = doubts(found.report)
    lines = [*heading(found.report), "", *([*reasons, ""] if reasons else [])]
    lines += [TITLE, *lay_out(columns, cells), "", *_summary(found)]
    return "\n".join(lines) + "\n"


def _noise(noise: Detectable | None) -> tuple[str, str, str, str]:
    if noise is None:
        return "-", "-", "-", "-"
    effect = "-" if noise.effect is None else _percent(noise.effect)
    return _percent(noise.within), _percent(noise.between), _percent(noise.margin), effect


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f} %"


def _summary(found: Selfcheck) -> list[str]:
    nr_false, nr_rows = len(found.false_verdicts), found.nr_compared
    bound = wilson_interval(nr_false, nr_rows).high
    verdict = (
        f"{nr_false} of {nr_rows} comparisons called slower or faster (95 % interval up to "
        f"{100.0 * bound:.1f} %); {found.nr_same} called the same"
    )
    lines = paragraph("false", verdict, LABEL_WIDTH)
    if found.false_verdicts:
        lines += paragraph("named", ", ".join(found.false_verdicts), LABEL_WIDTH)
    meaning = (
        "within: sigma of a round's ratio in a worker; between: of a worker's; margin: no finer "
        "claim should be made; detectable: found in 9 of 10 such runs"
    )
    lines += paragraph("columns", meaning, LABEL_WIDTH)
    return [*lines, *paragraph("reproduce", found.report.command, LABEL_WIDTH)]


def render_json(found: Selfcheck) -> str:
    """Return one object of kind ``selfcheck``."""
    rows = [
        {
            "benchmark": row.benchmark,
            "variant": row.variant,
            "ratio": row.ratio,
            "verdict": str(row.verdict),
            **(asdict(found.noise[row.key]) if row.key in found.noise else {}),
        }
        for row in found.report.rows
    ]
    content = {
        **conditions(found.report),
        "comparisons": found.nr_compared,
        "same": found.nr_same,
        "false_verdicts": found.false_verdicts,
        "rows": rows,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
