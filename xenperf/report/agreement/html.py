"""The agreement as one HTML file: no script, no network, every text escaped."""

from xml.etree.ElementTree import Element

from xenperf.report.agreement.model import Agreement
from xenperf.report.agreement.page import Block, Notes, Page, Table
from xenperf.report.agreement.pages import page
from xenperf.report.html.page import whole
from xenperf.report.html.tags import tag
from xenperf.report.html.words import breakable


def render(found: Agreement) -> str:
    """Return the page, in the style of all others; long tables are folded."""
    shown = page(found)
    return whole(shown.title, _content(shown))


def _content(shown: Page) -> list[Element]:
    return [
        tag("header", tag("h1", shown.title), _pairs(shown.verdict)),
        tag("section", tag("h2", "What was compared"), _pairs(shown.header)),
        *(_block(block) for block in shown.blocks),
        tag(
            "section",
            tag("h2", "To lay the same side by side again"),
            tag("pre", tag("code", shown.command), tabindex="0"),
        ),
    ]


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Element:
    return tag("dl", *((tag("dt", label), tag("dd", said)) for label, said in pairs))


def _block(block: Block) -> Element:
    if isinstance(block, Notes):
        kind = "doubt" if block.is_warning else None
        listed = tag("ul", [tag("li", one) for one in block.items])
        return tag("section", tag("h2", block.title), listed, class_=kind)
    if block.in_full:
        summary = tag("summary", f"{block.title} ({len(block.cells)})")
        return tag("section", tag("details", summary, _table(block)))
    return tag("section", tag("h2", block.title), _table(block))


def _table(table: Table) -> Element:
    kinds = ["figure" if column.right else None for column in table.columns]
    titles = [
        tag("th", column.title, scope="col", class_=kind)
        for column, kind in zip(table.columns, kinds, strict=True)
    ]
    lines = [
        tag(
            "tr",
            tag("th", breakable(first), scope="row", class_="name"),
            [tag("td", one, class_=kind) for one, kind in zip(cells, kinds[1:], strict=True)],
        )
        for first, *cells in table.cells
    ]
    drawn = tag("table", tag("thead", tag("tr", titles)), tag("tbody", lines))
    return tag("div", drawn, class_="wide", tabindex="0", role="region", aria_label=table.title)
