"""Cases that two kernels of a series answered differently, as a table."""

from typing import Final
from xml.etree.ElementTree import Element

from xenperf.report.html.tags import tag, wide
from xenperf.report.html.words import breakable
from xenperf.report.model import Report

TITLES: Final = ("case", "by", "kernels", "before", "after", "that is")


def section(report: Report) -> list[Element]:
    """Return the table with its heading; nothing where no answer changed."""
    if not report.answers:
        return []
    head = tag("tr", [tag("th", one, scope="col") for one in TITLES])
    lines = [
        tag(
            "tr",
            tag("th", breakable(one.case), scope="row", class_="name"),
            *(tag("td", said) for said in (one.activation, " -> ".join(one.sides))),
            *(tag("td", said) for said in (one.before, one.after, one.what)),
        )
        for one in report.answers
    ]
    drawn = tag("table", tag("thead", head), tag("tbody", lines), class_="counts")
    label = "cases whose answer changed"
    shown = wide(label, drawn)
    return [tag("section", tag("h2", "Answers that changed from kernel to kernel"), shown)]
