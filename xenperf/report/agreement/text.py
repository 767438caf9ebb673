"""The agreement as plain text of 100 columns; ``mail`` is the same in 72."""

from collections.abc import Iterator

from xenperf.report.agreement.model import Agreement
from xenperf.report.agreement.page import Block, Page, Table
from xenperf.report.agreement.pages import page
from xenperf.report.table import WIDTH, lay_out, paragraph
from xenperf.report.text import LABEL_WIDTH, command


def render(found: Agreement) -> str:
    """Return everything but the tables that list all in full."""
    return laid_out(page(found), WIDTH)


def laid_out(shown: Page, width: int) -> str:
    """Return *shown* in lines of at most *width*."""
    blocks = [
        [*paragraph("", shown.title, 0, width), *_labelled(shown.header, width)],
        list(_labelled(shown.verdict, width)),
        *(_block(block, width) for block in shown.blocks),
        command(shown.command, width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _labelled(pairs: tuple[tuple[str, str], ...], width: int) -> Iterator[str]:
    for label, text in pairs:
        yield from paragraph(label, text, LABEL_WIDTH, width)


def _block(block: Block, width: int) -> list[str]:
    title = paragraph("", block.title, 0, width)
    if isinstance(block, Table):
        return [] if block.in_full else [*title, *lay_out(block.columns, block.cells, width)]
    return [*title, *(line for item in block.items for line in paragraph("-", item, 2, width))]
