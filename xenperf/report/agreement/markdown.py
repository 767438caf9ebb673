"""The agreement as Markdown, with every case and every count folded away."""

from collections.abc import Iterator

from xenperf.report.agreement.model import Agreement
from xenperf.report.agreement.page import Block, Notes, Table
from xenperf.report.agreement.pages import page
from xenperf.report.markdown import escaped, fenced, folded, table_line


def render(found: Agreement) -> str:
    """Return the verdicts, the tables, every difference by name, and how it came about."""
    shown = page(found)
    blocks = [
        f"### {escaped(shown.title)}",
        "\n".join(_items(shown.verdict)),
        *(_block(block) for block in shown.blocks),
        folded("What was compared", "\n".join(_items(shown.header))),
        f"Reproduce:\n\n{fenced(shown.command)}",
    ]
    return "\n\n".join(blocks) + "\n"


def _items(pairs: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for label, text in pairs:
        yield f"- **{escaped(label)}**: {escaped(text)}"


def _block(block: Block) -> str:
    if isinstance(block, Notes):
        mark = "> " if block.is_warning else ""
        lines = [f"**{escaped(block.title)}**", "", *(f"- {escaped(one)}" for one in block.items)]
        return "\n".join(f"{mark}{line}".rstrip() for line in lines)
    if block.in_full:
        return folded(f"{block.title} ({len(block.cells)})", _table(block))
    return f"**{escaped(block.title)}**\n\n{_table(block)}"


def _table(table: Table) -> str:
    lines = [
        [escaped(column.title) for column in table.columns],
        ["---:" if column.right else ":---" for column in table.columns],
        *([escaped(cell) for cell in cells] for cells in table.cells),
    ]
    return "\n".join(map(table_line, lines))
