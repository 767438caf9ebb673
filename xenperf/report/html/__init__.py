"""The report as one page: a file that needs no network, no script and no other file."""

from xenperf.report.html.page import render

__all__ = ["render"]
