"""The agreement as plain text of 72 columns in ASCII: for a cover letter."""

from dataclasses import replace

from xenperf.report.agreement.model import Agreement
from xenperf.report.agreement.page import Block, Notes
from xenperf.report.agreement.pages import page
from xenperf.report.agreement.tables import TIMES
from xenperf.report.agreement.text import laid_out
from xenperf.report.mail import WIDTH


def render(found: Agreement) -> str:
    """Return everything but the tables that list all in full, and without times."""
    shown = page(found)
    narrow = replace(shown, blocks=tuple(map(_without_times, shown.blocks)))
    return laid_out(narrow, WIDTH).encode("ascii", "backslashreplace").decode("ascii")


def _without_times(block: Block) -> Block:
    if isinstance(block, Notes):
        return block
    kept = [idx for idx, column in enumerate(block.columns) if column.title not in TIMES]
    return replace(
        block,
        columns=tuple(block.columns[idx] for idx in kept),
        cells=tuple(tuple(line[idx] for idx in kept) for line in block.cells),
    )
