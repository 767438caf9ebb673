"""The forms that a report can have: name, the suffixes that choose it, and who renders it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from xenperf.report.model import Report

TEXT: Final = "text"
JSON: Final = "json"
TSV: Final = "tsv"


@dataclass(frozen=True, slots=True)
class Format:
    """One form; its renderer is imported when it is wanted."""

    name: str
    suffixes: tuple[str, ...]
    module: str
    """Has ``render(report)``."""

    def render(self, report: Report) -> str:
        """Return *report* in this form."""
        renderer: Callable[[Report], str] = importlib.import_module(self.module).render
        return renderer(report)


FORMATS: Final = {
    each.name: each
    for each in (
        Format(TEXT, (".txt",), "xenperf.report.text"),
        Format("markdown", (".md",), "xenperf.report.markdown"),
        Format("mail", (".mail",), "xenperf.report.mail"),
        Format("html", (".html", ".htm"), "xenperf.report.html"),
        Format(JSON, (".json",), "xenperf.report.json_"),
    )
}
SWEEP_FORMATS: Final = {**FORMATS, TSV: Format(TSV, (".tsv",), "xenperf.report.tsv")}
"""A sweep is also a table for other programs."""


def chosen(name: str | None, path: str | None) -> Format:
    """Return the form called *name*, or else the one that *path* ends like, or else text."""
    if name is not None:
        return SWEEP_FORMATS[name]
    suffix = PurePath(path or "").suffix
    return next((each for each in FORMATS.values() if suffix in each.suffixes), FORMATS[TEXT])
