"""What a report says of a build that was compared with itself: false verdicts, and the noise."""

from typing import Final

from xenperf.report.model import DIFFERENT, Report
from xenperf.stats.power import Detectable
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict
from xenperf.stats.wilson import wilson_interval

TITLE: Final = "A/A: the same build, loaded twice; every slower or faster is false"
COLUMNS: Final = ("benchmark", "again/base", "within", "between", "margin", "detectable", "verdict")
MEANING: Final = (
    "within: sigma of a round's ratio in a worker; between: of a worker's; margin: no finer "
    "claim should be made; detectable: found in 9 of 10 such runs"
)


def false_verdicts(report: Report) -> list[str]:
    """Return the rows that claim a difference where there is none."""
    return [row.name for row in report.rows if row.verdict in DIFFERENT]


def nr_compared(report: Report) -> int:
    """Return how many rows were judged."""
    return sum(row.ratio is not None for row in report.rows)


def nr_same(report: Report) -> int:
    """Return how many were called the same, as all should be."""
    return sum(row.verdict is Verdict.SAME for row in report.rows)


def cells(report: Report, row: Row) -> tuple[str, ...]:
    """Return the line of *row*, as ``COLUMNS`` names its cells."""
    ratio = "-" if row.ratio is None else f"{row.ratio:.4f}"
    return row.name, ratio, *_noise(report.noise.get(row.key)), str(row.verdict)


def closing(report: Report) -> list[tuple[str, str]]:
    """Return what it comes to: labels with what they say."""
    wrong, nr_rows = false_verdicts(report), nr_compared(report)
    bound = 100.0 * wilson_interval(len(wrong), nr_rows).high
    found = [
        (
            "false",
            f"{len(wrong)} of {nr_rows} comparisons called slower or faster (95 % interval up to "
            f"{bound:.1f} %); {nr_same(report)} called the same",
        )
    ]
    still = [row.name for row in report.rows if row.verdict is Verdict.UNDECIDED]
    for label, names in (("named", wrong), ("undecided", still)):
        found += [(label, f"{len(names)}: {', '.join(names)}")] if names else []
    return [*found, ("columns", MEANING)]


def _noise(noise: Detectable | None) -> tuple[str, str, str, str]:
    if noise is None:
        return "-", "-", "-", "-"
    effect = "-" if noise.effect is None else _percent(noise.effect)
    return _percent(noise.within), _percent(noise.between), _percent(noise.margin), effect


def _percent(share: float) -> str:
    return f"{100.0 * share:.2f} %"
