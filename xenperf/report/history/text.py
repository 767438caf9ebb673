"""A history as text: of 100 columns for a terminal, of 72 for a mail."""

import textwrap
from collections.abc import Iterator
from typing import Final

from xenperf.report.history import content
from xenperf.report.history.content import CHANGE_COLUMNS, Grid, HistoryReport
from xenperf.report.table import WIDTH, Column, lay_out, paragraph
from xenperf.report.text import LABEL_WIDTH, command

MAIL_WIDTH: Final = 72
STEPS_A_TABLE: Final = 7
LEFT: Final = frozenset({"benchmark", "before", "at", "that is"})
WRAPPED: Final = frozenset({"benchmark", "that is"})
NOTHING: Final = "nothing changed by these rules"


def render(report: HistoryReport) -> str:
    """Return what changed, then all figures, for a terminal."""
    tables = [block for grid in content.grids(report) for block in _tables(report, grid)]
    return _joined([*_opening(report, WIDTH), *tables, _closing(report, WIDTH)])


def render_mail(report: HistoryReport) -> str:
    """Return what changed, in ASCII that a mail can carry."""
    shown = _joined([*_opening(report, MAIL_WIDTH), _closing(report, MAIL_WIDTH)])
    return shown.encode("ascii", "backslashreplace").decode("ascii")


def _joined(blocks: list[list[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _opening(report: HistoryReport, width: int) -> list[list[str]]:
    heading = textwrap.wrap(content.title(report), width, subsequent_indent=" " * LABEL_WIDTH)
    for label, text in content.facts(report):
        heading += paragraph(label, text, LABEL_WIDTH, width)
    found = content.doubts(report)
    doubts = [line for text in found for line in paragraph("-", text, 2, width)]
    return [
        heading,
        ["DISTRUST", *doubts] if doubts else [],
        ["COMMITS", *_steps(report, width)],
        ["CHANGES", *_changes(report, width)],
    ]


def _steps(report: HistoryReport, width: int) -> Iterator[str]:
    last = len(str(len(report.history.steps)))
    for nr, step in enumerate(report.history.steps, start=1):
        label, said = content.step_line(step)
        line = f"{nr:>{last}}  {label}  {said}"
        yield line if len(line) <= width else f"{line[: width - 3]}..."


def _changes(report: HistoryReport, width: int) -> list[str]:
    cells = content.change_cells(report)
    if not cells:
        return [NOTHING]
    columns = [
        Column(name, right=name not in LEFT, wraps=name in WRAPPED) for name in CHANGE_COLUMNS
    ]
    return lay_out(columns, cells, width)


def _tables(report: HistoryReport, grid: Grid) -> Iterator[list[str]]:
    """Yield a table for every few steps: more do not fit on the page."""
    steps = report.history.steps
    for first in range(0, len(steps), STEPS_A_TABLE):
        places = range(first, min(first + STEPS_A_TABLE, len(steps)))
        columns = [Column("benchmark", wraps=True)]
        columns += [Column(f"{at + 1}", right=True) for at in places]
        cells = [
            (track.title, *(content.figure(track, track.points[at]) for at in places))
            for track in grid.tracks
        ]
        more = "" if first == 0 else ", continued"
        yield [*paragraph("", f"{grid.title}{more}", 0, WIDTH), *lay_out(columns, cells)]


def _closing(report: HistoryReport, width: int) -> list[str]:
    label, _, text = content.summary(report).partition(": ")
    return [*paragraph(label, text, LABEL_WIDTH, width), *command(report.command, width)]
