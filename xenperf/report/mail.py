"""The report as plain text of 72 columns: for a cover letter, below the three dashes."""

from typing import Final

from xenperf.report.header import judgement, machine, method, title
from xenperf.report.model import Kind, Report
from xenperf.report.sections import Section, instructions, sections
from xenperf.report.table import paragraph
from xenperf.report.tallies import closing
from xenperf.report.text import about, command, doubts, table

WIDTH: Final = 72
LABEL_WIDTH: Final = 11
LEFT_OUT: Final = frozenset({"unit", "wall", "instr", "time", "again/base"})
_LEFT_OUT_OF: Final = {"sizes": frozenset({"interval"})}  # the sizes of a sweep, side by side
SIGNS: Final = {"faster": "<", "slower": ">", "same": "=", "undecided": "?", "invalid": "!"}
SIGN_OF: Final = "that is"
LEGEND: Final = "after a step: < faster, > slower, = same, ? undecided, ! invalid"


def render(report: Report) -> str:
    """Return the verdicts first, then why to doubt them, the tables, and how they came about."""
    blocks = [
        [*_wrapped(title(report)), *about(report, WIDTH)],
        _verdicts(report),
        doubts(report, WIDTH),
        _wrapped(LEGEND) if report.kind is Kind.SERIES else [],
        *(table(narrow(section), WIDTH) for section in sections(report)),
        _instructions(report),
        _conditions(report),
    ]
    text = "\n\n".join("\n".join(block) for block in blocks if block) + "\n"
    return text.encode("ascii", "backslashreplace").decode("ascii")


def narrow(section: Section) -> Section:
    """Return *section* without the columns that a page of 72 has no room for."""
    left_out = LEFT_OUT | _LEFT_OUT_OF.get(section.name, frozenset())
    kept = [idx for idx, name in enumerate(section.columns) if name not in left_out]
    columns = tuple(section.columns[idx] for idx in kept)
    cells = tuple(tuple(line[idx] for idx in kept) for line in section.cells)
    if SIGN_OF in columns:  # the steps of a series: a sign takes less room than a word
        place = columns.index(SIGN_OF)
        columns = (*columns[:place], "", *columns[place + 1 :])
        cells = tuple(
            (*line[:place], SIGNS.get(line[place], line[place]), *line[place + 1 :])
            for line in cells
        )
    return Section(section.name, section.title, columns, cells)


def _wrapped(text: str) -> list[str]:
    return paragraph("", text, 0, WIDTH)


def _verdicts(report: Report) -> list[str]:
    lines = []
    for label, text in closing(report):
        lines += paragraph(label, text, LABEL_WIDTH, WIDTH)
    return lines


def _instructions(report: Report) -> list[str]:
    """Return a table of their own for what was counted: beside the times there is no room."""
    found = instructions(report)
    return table(found, WIDTH) if found.cells else []


def _conditions(report: Report) -> list[str]:
    """Return machine and kernel, method, and command: what a reader needs to do it again."""
    ran_on = f"{machine(report)}; Linux {report.environment.get('kernel') or 'unknown'}"
    lines = paragraph("machine", ran_on, LABEL_WIDTH, WIDTH)
    lines += paragraph("method", f"{method(report)}; {judgement(report)}", LABEL_WIDTH, WIDTH)
    return [*lines, *command(report.command, WIDTH)]
