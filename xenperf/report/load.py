"""What became of events under load, as a table and as one JSON object."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict

from xenperf.report.load_model import ALL, LoadReport, Windows
from xenperf.report.model import SCHEMA
from xenperf.report.table import Column, lay_out, paragraph

LABEL_WIDTH = 11


def render_json(report: LoadReport) -> str:
    """Return the object and a newline."""
    content = {
        "schema": SCHEMA,
        "kind": "load",
        "backend": report.backend,
        "environment": dict(report.environment),
        "seconds": report.seconds,
        "rows": [asdict(row) for row in report.rows],
        "windows": [asdict(each) for each in report.windows],
        "bounds": [asdict(each) for each in report.bounds],
        "skipped": list(report.skipped),
        "command": report.command,
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def render_text(report: LoadReport) -> str:
    """Return a table of 100 columns; the counts are what this machine's timing made of them."""
    columns = (
        *(Column("source"), Column("by"), Column("raised in")),
        *(Column(name, right=True) for name in ("events", "returned", "lost", "wrong page")),
        *(Column("failed", right=True), Column("95% interval")),
    )
    blocks = [
        _header(report),
        ["EVENTS: counts of a race, so bounds and no more", *lay_out(columns, _cells(report))],
        _window_table(report),
        _run_table(report),
        _bound_table(report),
        _footer(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary(report: LoadReport) -> str:
    """Return how many events failed, by each activation that was asked."""
    totals = [row for row in report.rows if row.phase == ALL]
    said = []
    for by in dict.fromkeys(row.activation for row in totals):
        rows = [row for row in totals if row.activation == by]
        nr_failed, nr_events = (
            sum(each)
            for each in zip(*((row.nr_failed, row.nr_events) for row in rows), strict=True)
        )
        said.append(f"by {by} {nr_failed} of {nr_events} events failed")
    return ", ".join(said) or "no events"


def _header(report: LoadReport) -> list[str]:
    found = report.environment
    method = f"{report.seconds:g} s for each source and activation; events from a second thread"
    machine = f"{found.get('cpu')}, CPUs {found.get('cpus')}, load {found.get('load_1min')}"
    lines = [f"xenperf load: events while RAM is broken apart and rejoined, on {report.backend}"]
    for label, text in (
        ("method", method),
        ("loops", _loops(report.windows)),
        ("machine", machine),
        ("kernel", str(found.get("kernel") or "unknown")),
        ("commit", str(found.get("commit") or "unknown")),
    ):
        lines += paragraph(label, text, LABEL_WIDTH)
    return lines


def _loops(windows: Sequence[Windows]) -> str:
    """Return what compiled loops did, and what Python did."""
    told = []
    for label, compiled in (("compiled", True), ("interpreted", False)):
        requests = any(each.requests_compiled is compiled for each in windows)
        sources = dict.fromkeys(each.source for each in windows if each.compiled is compiled)
        names = [*(("memslot requests",) if requests else ()), *sources]
        if names:
            told.append(f"{label}: {', '.join(names)}")
    return "; ".join(told) or "none"


def _cells(report: LoadReport) -> list[tuple[str, ...]]:
    """Return the cells of the phases that had events."""
    return [
        (
            *(row.source, row.activation, row.phase, str(row.nr_events), str(row.returned)),
            *(str(row.lost), str(row.wrong_page), f"{row.nr_failed / row.nr_events:.1%}"),
            f"[{row.share_low:.1%}, {row.share_high:.1%}]",
        )
        for row in report.rows
        if row.nr_events
    ]


def _window_table(report: LoadReport) -> list[str]:
    """Return how long the overlay's frame was absent."""
    columns = (
        *(Column("source"), Column("by"), Column("cycles", right=True)),
        *(Column("apart: median us", right=True), Column("p95", right=True)),
        *(Column("rejoin: median us", right=True), Column("p95", right=True)),
    )
    cells = [
        (
            *(each.source, each.activation, str(each.nr_cycles)),
            *(_us(middle(each.apart_ns)), _us(late(each.apart_ns))),
            *(_us(middle(each.rejoin_ns)), _us(late(each.rejoin_ns))),
        )
        for each in report.windows
    ]
    title = "WINDOWS: while no usable memslot shows the overlay, with the requests at both ends"
    return [title, *lay_out(columns, cells)] if cells else []


def _run_table(report: LoadReport) -> list[str]:
    """Return how long nothing came through, where that happened."""
    columns = (
        *(Column("source"), Column("by"), Column("runs", right=True)),
        *(Column("median us", right=True), Column("p95", right=True)),
        *(Column("longest us", right=True), Column("most events", right=True)),
    )
    cells = [
        (
            *(each.source, each.activation, str(len(each.runs_ns)), _us(middle(each.runs_ns))),
            *(_us(late(each.runs_ns)), _us(max(each.runs_ns)), str(each.longest_run_events)),
        )
        for each in report.windows
        if each.runs_ns
    ]
    title = "FAILING RUNS: from the first of several events refused or lost to the last"
    return [title, *lay_out(columns, cells)] if cells else []


def _bound_table(report: LoadReport) -> list[str]:
    columns = (
        *(Column("source"), Column("by"), Column("expected", wraps=True)),
        *(Column("seen", wraps=True), Column("holds")),
    )
    cells = [
        (each.source, each.activation, each.expected, each.seen, "yes" if each.holds else "NO")
        for each in report.bounds
    ]
    return ["BOUNDS: what every kernel showed", *lay_out(columns, cells)] if cells else []


def middle(lengths: Sequence[int]) -> float | None:
    """Return the median; None of nothing."""
    return statistics.median(lengths) if lengths else None


def late(lengths: Sequence[int]) -> float | None:
    """Return the 95th percentile, the least length that 95 % do not exceed; None of nothing."""
    ordered = sorted(lengths)
    return ordered[-(-len(ordered) * 95 // 100) - 1] if ordered else None


def _us(ns: float | None) -> str:
    return "-" if ns is None else f"{ns / 1e3:.0f}"


def _footer(report: LoadReport) -> list[str]:
    lines = [line for text in report.skipped for line in paragraph("skipped", text, LABEL_WIDTH)]
    return [*lines, *paragraph("reproduce", report.command, LABEL_WIDTH)]
