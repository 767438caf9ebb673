"""A history as Markdown: what changed, and the figures folded away."""

from collections.abc import Sequence

from xenperf.report.history import content
from xenperf.report.history.content import CHANGE_COLUMNS, Grid, HistoryReport
from xenperf.report.history.text import LEFT, NOTHING
from xenperf.report.markdown import escaped, fenced, folded


def render(report: HistoryReport) -> str:
    """Return the changes first, then what weakens them, then commits and figures."""
    lines = [f"- **{escaped(label)}**: {escaped(text)}" for label, text in content.facts(report)]
    found = [f"> - {escaped(text)}" for text in content.doubts(report)]
    steps = [(str(nr), *content.step_line(one)) for nr, one in enumerate(report.history.steps, 1)]
    blocks = [
        f"### {escaped(content.title(report))}",
        "\n".join(lines),
        "\n".join(["> **Distrust**", ">", *found]) if found else "",
        f"**{escaped(content.summary(report).capitalize())}**",
        _changes(report),
        folded(f"Commits ({len(steps)})", _table(("", "commit", "subject"), steps, left=3)),
        *(
            folded(f"{grid.title} ({len(grid.tracks)})", _grid(report, grid))
            for grid in content.grids(report)
        ),
        f"Reproduce:\n\n{fenced(report.command)}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _changes(report: HistoryReport) -> str:
    cells = content.change_cells(report)
    if not cells:
        return NOTHING.capitalize() + "."
    rules = [":---" if name in LEFT else "---:" for name in CHANGE_COLUMNS]
    return "\n".join(_line(one) for one in (CHANGE_COLUMNS, rules, *map(_escaped, cells)))


def _grid(report: HistoryReport, grid: Grid) -> str:
    columns = ("benchmark", *(step.label for step in report.history.steps))
    cells = [
        (track.title, *(content.figure(track, point) for point in track.points))
        for track in grid.tracks
    ]
    return _table(columns, cells, left=1)


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]], left: int) -> str:
    rules = [":---"] * left + ["---:"] * (len(columns) - left)
    return "\n".join(_line(one) for one in (columns, rules, *map(_escaped, cells)))


def _escaped(cells: Sequence[str]) -> list[str]:
    return [escaped(cell) for cell in cells]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
