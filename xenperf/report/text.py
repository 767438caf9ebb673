"""The report as a table of 100 columns, for a terminal or a file."""

import math
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from xenperf.report import distrust
from xenperf.report.figures import figures
from xenperf.report.model import Report
from xenperf.report.table import WIDTH, Column, lay_out, paragraph
from xenperf.stats.rows import Row
from xenperf.stats.samples import NO_HVA
from xenperf.stats.verdict import Verdict

LABEL_WIDTH: Final = 11
COLOURS: Final = {Verdict.SLOWER: "\x1b[31m", Verdict.FASTER: "\x1b[32m"}
NO_COLOUR: Final = "\x1b[0m"

COSTS_TITLE: Final = "COSTS: thread CPU time; hva/gpa below 1 means that HVA takes less"
OUTCOMES_TITLE: Final = "OUTCOMES: exact counts"
CONTROLS_TITLE: Final = "CONTROLS: the activation cannot touch them; hva/gpa should be 1"
COST_VERDICTS: Final = (Verdict.FASTER, Verdict.SLOWER, Verdict.SAME, Verdict.UNDECIDED)
COUNT_VERDICTS: Final = (Verdict.FEWER, Verdict.MORE, Verdict.SAME)
_BY_WEIGHT: Final = (Verdict.INVALID, Verdict.SLOWER, Verdict.FASTER, Verdict.UNDECIDED)


def render(report: Report, colour: bool = False) -> str:
    """Return the whole report; with *colour*, slower is red and faster is green."""
    blocks = [
        header(report),
        _distrust(report),
        _times(COSTS_TITLE, report.costs, colour),
        _outcomes(report.outcomes),
        _times(CONTROLS_TITLE, report.controls, colour),
        _footer(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def summary(report: Report) -> str:
    """Return the verdicts counted, on one line."""
    return "; ".join(f"{label}: {tally}" for label, tally in _tallies(report))


def header(report: Report) -> list[str]:
    """Return what was compared, how, and on what."""
    lines = paragraph(
        "xenperf run: ",
        f"Xen's shared pages by guest address (GPA) and by host address (HVA), on {report.backend}",
        LABEL_WIDTH,
    )
    for label, text in (
        ("method", _method(report)),
        ("verdicts", _judgement(report)),
        ("guest", _guest(report)),
        *_modelled(report),
        ("machine", _machine(report)),
        ("kernel", str(report.environment.get("kernel") or "unknown")),
        ("versions", _versions(report)),
        ("commit", str(report.environment.get("commit") or "unknown")),
    ):
        lines += paragraph(label, text, LABEL_WIDTH)
    return lines


def _method(report: Report) -> str:
    chosen = report.settings
    slice_ms = float(str(chosen["slice_ns"])) / 1e6
    workers = "1 worker" if chosen["workers"] == 1 else f"{chosen['workers']} workers"
    return (
        f"both sides in one process, in turn (ABBA), thread CPU time; {workers} x "
        f"{chosen['rounds']} rounds x {slice_ms:g} ms a side; seed {chosen['seed']}"
    )


def _judgement(report: Report) -> str:
    margin, band, alpha = (
        f"{100.0 * float(str(report.settings[name])):g} %" for name in ("margin", "band", "alpha")
    )
    return (
        f"slower or faster: beyond {margin}; same: inside {band}; all verdicts and intervals of "
        f"the costs hold together, but for a chance of {alpha}"
    )


def _guest(report: Report) -> str:
    chosen = report.settings
    return (
        f"{chosen['guest_bits']}-bit, memslots {chosen['slots']}, vCPUs {chosen['vcpus']} or as "
        f"many as a benchmark needs, port {chosen['port']}"
    )


def _modelled(report: Report) -> list[tuple[str, str]]:
    """Return which kernel the model was, and its patches; nothing for a real one."""
    if report.settings.get("kernel") is None:
        return []
    patches = report.settings.get("patches")
    names = patches if isinstance(patches, Sequence) and not isinstance(patches, str) else ()
    words = [f"kernel {report.settings['kernel']}", f"patches: {', '.join(names) or 'none'}"]
    words += [NO_HVA] if any(NO_HVA in row.notes for row in report.rows) else []
    return [("modelled", "; ".join(words))]


def _machine(report: Report) -> str:
    found = report.environment
    parts = (
        found.get("cpu"),
        found.get("machine"),
        _labelled("CPUs", found.get("cpus")),
        _labelled("hypervisor:", found.get("hypervisor")),
        _labelled("clock source", found.get("clock_source")),
        _labelled("load", found.get("load_1min")),
    )
    return ", ".join(str(part) for part in parts if part is not None)


def _labelled(label: str, value: object) -> str | None:
    return None if value is None else f"{label} {value}"


def _versions(report: Report) -> str:
    names = ("xenperf", "python", "numpy", "numba", "llvmlite")
    found = [(name, report.environment.get(name)) for name in names]
    return ", ".join(f"{name} {version}" for name, version in found if version is not None)


def _distrust(report: Report) -> list[str]:
    found = distrust.reasons(report)
    if not found:
        return []
    return ["DISTRUST", *(line for text in found for line in paragraph("-", text, 2))]


def _times(title: str, rows: Sequence[Row], colour: bool) -> list[str]:
    """Return a section of timed rows, the weightiest verdict and the largest change first."""
    if not rows:
        return []
    columns = (
        Column("benchmark", wraps=True),
        Column("unit", wraps=True),
        Column("gpa", right=True),
        Column("hva", right=True),
        Column("hva/gpa", right=True),
        Column("95% interval"),
        Column("verdict", paint=_painter(colour)),
    )
    cells = []
    for row in sorted(rows, key=_weight):
        shown = figures(row)
        figure_cells = (shown.base, shown.head, shown.ratio, shown.interval)
        cells.append((row.benchmark, row.unit, *figure_cells, str(row.verdict)))
    return [title, *lay_out(columns, cells)]


def _weight(row: Row) -> tuple[int, float]:
    rank = _BY_WEIGHT.index(row.verdict) if row.verdict in _BY_WEIGHT else len(_BY_WEIGHT)
    return rank, -abs(math.log(row.ratio)) if row.ratio else 0.0


def _painter(colour: bool) -> Callable[[str], str]:
    def paint(verdict: str) -> str:
        start = COLOURS.get(Verdict(verdict)) if colour else None
        return verdict if start is None else f"{start}{verdict}{NO_COLOUR}"

    return paint


def _outcomes(rows: Sequence[Row]) -> list[str]:
    """Return the counts, in their order: that of the phases."""
    if not rows:
        return []
    columns = (
        Column("scenario", wraps=True),
        Column("metric", wraps=True),
        Column("unit", wraps=True),
        Column("gpa", right=True),
        Column("hva", right=True),
        Column("verdict"),
    )
    cells = []
    for row in rows:
        shown = figures(row)
        what = (row.benchmark, row.metric, row.unit)
        cells.append((*what, shown.base, shown.head, str(row.verdict)))
    return [OUTCOMES_TITLE, *lay_out(columns, cells)]


def _footer(report: Report) -> list[str]:
    """Return the verdicts counted, the undecided named, and how to measure again."""
    lines = [f"{label.ljust(LABEL_WIDTH)}{tally}" for label, tally in _tallies(report)]
    undecided = report.named(Verdict.UNDECIDED)
    if undecided:
        text = f"{len(undecided)}, not the same and not known to differ: {', '.join(undecided)}"
        lines += paragraph("undecided", text, LABEL_WIDTH)
    return [*lines, *_command(report.command)]


def _tallies(report: Report) -> list[tuple[str, str]]:
    sections = (
        ("costs", report.costs, COST_VERDICTS),
        ("outcomes", report.outcomes, COUNT_VERDICTS),
        ("controls", report.controls, COST_VERDICTS),
    )
    return [(label, _tally(rows, verdicts)) for label, rows, verdicts in sections if rows]


def _tally(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> str:
    """Return how many *rows* got each of *verdicts*, and of any other if there are some."""
    counted = Counter(row.verdict for row in rows)
    others = [verdict for verdict in Verdict if verdict not in verdicts and counted[verdict]]
    return ", ".join(f"{counted[verdict]} {verdict}" for verdict in (*verdicts, *others))


def _command(command: str) -> list[str]:
    """Return *command* on lines that a shell joins again."""
    lines = ["reproduce".ljust(LABEL_WIDTH - 1)]
    for word in map(shlex.quote, shlex.split(command)):
        if len(lines[-1]) + len(word) + len(" ") + len(" \\") > WIDTH:
            lines[-1] += " \\"
            lines.append(" " * (LABEL_WIDTH - 1))
        lines[-1] += f" {word}"
    return lines
