"""A history of commits in every form: what changed, and the figures commit by commit."""

from xenperf.report.history import html, json_, text
from xenperf.report.history.content import HistoryReport
from xenperf.report.history.markdown import render as render_markdown

RENDER = {
    "text": text.render,
    "markdown": render_markdown,
    "mail": text.render_mail,
    "html": html.render,
    "json": json_.render,
}

__all__ = ["RENDER", "HistoryReport"]
