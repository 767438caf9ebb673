"""The report as tables of 100 columns, for a terminal or a file."""

import shlex
import textwrap
from collections.abc import Callable
from typing import Final

from xenperf.report import distrust
from xenperf.report.header import conditions, sides, title
from xenperf.report.model import Report
from xenperf.report.sections import VERDICT, Section, sections
from xenperf.report.table import WIDTH, Column, lay_out, paragraph
from xenperf.report.tallies import closing
from xenperf.stats.verdict import Verdict

LABEL_WIDTH: Final = 11
WIDEST_LABEL: Final = 24
COLOURS: Final = {Verdict.SLOWER: "\x1b[31m", Verdict.FASTER: "\x1b[32m"}
NO_COLOUR: Final = "\x1b[0m"
LEFT: Final = frozenset(
    {"benchmark", "scenario", "metric", "unit", "sides", "step", "95% interval", VERDICT}
    | {"that is", "over", "by", "interval", "it is", "by gpa", "by hva", "range"}
    | {"case", "it was", "it became"}
)
WRAPPED: Final = frozenset(
    {"benchmark", "scenario", "metric", "unit", "sides", "step", "over", "it is"}
    | {"by gpa", "by hva", "it was", "it became"}
)


def render(report: Report, colour: bool = False) -> str:
    """Return the whole report; with *colour*, slower is red and faster is green."""
    tables = [table(section, colour=colour) for section in sections(report)]
    blocks = [heading(report), doubts(report), *tables, _footer(report)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def heading(report: Report, width: int = WIDTH) -> list[str]:
    """Return what was compared, how, and on what."""
    lines = textwrap.wrap(title(report), width, subsequent_indent=" " * LABEL_WIDTH)
    lines += about(report, width)
    for label, text in conditions(report):
        lines += paragraph(label, text, LABEL_WIDTH, width)
    return lines


def about(report: Report, width: int) -> list[str]:
    """Return what the sides are, a line each, in two columns."""
    found = sides(report)
    indent = max([LABEL_WIDTH, *(min(len(label) + 2, WIDEST_LABEL) for label, _ in found)])
    return [line for label, text in found for line in paragraph(label, text, indent, width)]


def doubts(report: Report, width: int = WIDTH) -> list[str]:
    """Return why not to trust the report; nothing if there is no reason."""
    found = distrust.reasons(report)
    if not found:
        return []
    return ["DISTRUST", *(line for text in found for line in paragraph("-", text, 2, width))]


def table(section: Section, width: int = WIDTH, *, colour: bool = False) -> list[str]:
    """Return a section's title and its table."""
    columns = [
        Column(
            name,
            right=name not in LEFT,
            wraps=name in WRAPPED,
            paint=_painter(colour) if name == VERDICT else _unpainted,
        )
        for name in section.columns
    ]
    return [*paragraph("", section.title, 0, width), *lay_out(columns, section.cells, width)]


def _footer(report: Report) -> list[str]:
    """Return the verdicts counted, the undecided named, and how to measure again."""
    lines = []
    for label, text in closing(report):
        lines += paragraph(label, text, LABEL_WIDTH)
    return [*lines, *command(report.command)]


def _unpainted(text: str) -> str:
    return text


def _painter(colour: bool) -> Callable[[str], str]:
    def paint(verdict: str) -> str:
        known = {str(each): start for each, start in COLOURS.items()} if colour else {}
        return f"{known[verdict]}{verdict}{NO_COLOUR}" if verdict in known else verdict

    return paint


def command(text: str, width: int = WIDTH) -> list[str]:
    """Return the command to reproduce, on lines that a shell joins again."""
    lines = ["reproduce".ljust(LABEL_WIDTH - 1)]
    for word in map(shlex.quote, shlex.split(text)):
        if len(lines[-1]) + len(word) + len(" ") + len(" \\") > width:
            lines[-1] += " \\"
            lines.append(" " * (LABEL_WIDTH - 1))
        lines[-1] += f" {word}"
    return lines
