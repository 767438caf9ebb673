"""The report as Markdown: for a pull request, with what few will read folded away."""

import html
import re
from typing import Final

from xenperf.report import distrust
from xenperf.report.header import header, title
from xenperf.report.model import Report
from xenperf.report.sections import VERDICT, Section, sections
from xenperf.report.tallies import GOES_ON, closing
from xenperf.report.text import LEFT
from xenperf.stats.verdict import Verdict

OPEN: Final = ("costs", "growth")
LOUD: Final = frozenset({Verdict.SLOWER, Verdict.FASTER, Verdict.INVALID})
_SPECIAL: Final = re.compile(r"([\\`*_\[\]#|~])")


def render(report: Report) -> str:
    """Return the verdicts, why to doubt them, the tables, and how they came about."""
    blocks = [
        f"### {escaped(title(report))}",
        "\n".join(_item(label, text) for label, text in closing(report)),
        _doubts(report),
        *(_section(section) for section in sections(report)),
        folded("How this was measured", _conditions(report)),
        f"Reproduce:\n\n{fenced(report.command)}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """Return *text* such that no renderer finds markup or HTML in it, on one line."""
    line = " ".join(text.split())
    return _SPECIAL.sub(r"\\\1", html.escape(line, quote=False))


def _item(label: str, text: str) -> str:
    """Return an item of a list; below the one before where it goes on with that."""
    if label == GOES_ON:
        return f"  - {escaped(text)}"
    return f"- **{escaped(label)}**: {escaped(text)}"


def _doubts(report: Report) -> str:
    found = distrust.reasons(report)
    if not found:
        return ""
    return "\n".join(["> **Distrust**", ">", *(f"> - {escaped(text)}" for text in found)])


def _section(section: Section) -> str:
    shown = _table(section)
    if section.name in OPEN:
        return f"**{escaped(section.title)}**\n\n{shown}"
    return folded(f"{section.title} ({len(section.cells)})", shown)


def _table(section: Section) -> str:
    rules = [":---" if name in LEFT else "---:" for name in section.columns]
    lines = [table_line([escaped(name) for name in section.columns]), table_line(rules)]
    for cells in section.cells:
        shown = [escaped(cell) for cell in cells]
        if section.verdict_of(cells) in LOUD:
            verdict_idx = section.columns.index(VERDICT)
            shown[verdict_idx] = f"**{shown[verdict_idx]}**"
        lines.append(table_line(shown))
    return "\n".join(lines)


def table_line(cells: list[str]) -> str:
    """Return one line of a table; the cells are Markdown already."""
    return f"| {' | '.join(cells)} |"


def folded(summary: str, content: str) -> str:
    """Return *content*, which is Markdown, folded away behind the text *summary*."""
    heading = html.escape(summary, quote=False)  # inside a tag Markdown means nothing
    return f"<details><summary>{heading}</summary>\n\n{content}\n\n</details>"


def _conditions(report: Report) -> str:
    return "\n".join(f"- {escaped(label)}: {escaped(text)}" for label, text in header(report))


def fenced(command: str) -> str:
    """Return *command* in a fence that nothing in it can close."""
    longest = max((len(run) for run in re.findall("`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{' '.join(command.split())}\n{fence}"
