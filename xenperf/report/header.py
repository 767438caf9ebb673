"""What a report says before its figures: what was compared, how, and on what."""

from collections.abc import Mapping, Sequence
from typing import Final

from xenperf.report import boots, growth
from xenperf.report.model import Grade, Kind, Plain, Report, Setting
from xenperf.stats.samples import NO_HVA

TITLES: Final = {
    Kind.RUN: "Xen's shared pages by guest address (GPA) and by host address (HVA), on {backend}",
    Kind.COMPARE: "two revisions of the {backend}, each cost by GPA and by HVA",
    Kind.SERIES: "a series step by step on the {backend}, each cost by GPA and by HVA",
    Kind.SWEEP: "costs by GPA and by HVA as the machine grows, on {backend}",
    Kind.SELFCHECK: "the suite against itself, loaded twice, on the {backend}",
}
GRADES: Final = {
    Grade.ONE_PROCESS: "all sides in one process, in turn (ABBA)",
    Grade.OWN_PROCESSES: "a process for each side, in turn (ABBA): grade B",
    Grade.APART: "recorded apart, not interleaved: grade C",
}
TITLES_APART: Final = {
    Kind.COMPARE: "two result files, recorded apart",
    Kind.SERIES: "result files in their order, recorded apart",
}


def title(report: Report) -> str:
    """Return what was compared, in a line."""
    if boots.BOOTS in report.settings:
        return f"xenperf {report.kind}: {boots.TITLE}"
    titles = TITLES_APART if report.grade is Grade.APART else TITLES
    return f"xenperf {report.kind}: {titles[report.kind].format(backend=report.backend)}"


def header(report: Report) -> list[tuple[str, str]]:
    """Return labels with what they say, in their order: the sides, then the conditions."""
    return [*sides(report), *conditions(report)]


def sides(report: Report) -> list[tuple[str, str]]:
    """Return what the sides are; the steps of a series have numbers, by which they are named."""
    if report.kind is not Kind.SERIES:
        return list(report.about.items())
    return [(f"{number} {name}", text) for number, (name, text) in enumerate(report.about.items())]


def conditions(report: Report) -> list[tuple[str, str]]:
    """Return how the figures were obtained and what their verdicts mean, and on what."""
    found = report.environment
    return [
        ("method", method(report)),
        ("verdicts", judgement(report)),
        *counting(report),
        *_guest(report),
        *((("modelled", kernel),) if (kernel := modelled(report)) else ()),
        ("machine", machine(report)),
        *moved(report),
        ("kernel", str(found.get("kernel") or "unknown")),
        ("versions", versions(report)),
        ("commit", str(found.get("commit") or "unknown")),
    ]


def method(report: Report) -> str:
    """Return how the sides were measured, and for how long."""
    told = boots.method(report, GRADES[report.grade])
    if told is not None:
        return told
    chosen = report.settings
    if report.grade is Grade.APART or "slice_ns" not in chosen:
        return GRADES[report.grade]
    slice_ms = float(str(chosen["slice_ns"])) / 1e6
    workers = "1 worker" if report.nr_workers == 1 else f"{report.nr_workers} workers"
    seconds = "" if report.seconds is None else f"; {report.seconds:.0f} s"
    return (
        f"{GRADES[report.grade]}, thread CPU time; {workers} x {chosen['rounds']} rounds x "
        f"{slice_ms:g} ms a side; seed {chosen['seed']}{seconds}"
    )


def judgement(report: Report) -> str:
    """Return what the verdicts mean and how many rows they were corrected for."""
    counted = boots.judgement(report)
    if counted is not None and report.kind is not Kind.SWEEP:
        return counted
    if report.grade is Grade.APART:
        return _judgement_apart(report)
    margin, band, alpha = (
        f"{100.0 * float(str(report.settings[name])):g} %" for name in ("margin", "band", "alpha")
    )
    if report.kind is Kind.SWEEP:
        ratios = f"of hva/gpa: {counted}" if counted else "so do those of hva/gpa, as in run"
        return f"{growth.rule(report, margin, band, alpha)}; {ratios}"
    nr_costs = sum(row.ratio is not None for row in report.costs)
    rows = "the cost" if nr_costs == 1 else f"the {nr_costs} costs"
    return (
        f"slower or faster: beyond {margin}; same: inside {band}; all verdicts and intervals of "
        f"{rows} hold together, but for a chance of {alpha}"
    )


def _judgement_apart(report: Report) -> str:
    """Return what the verdicts on two files mean."""
    chosen = report.settings
    return (
        f"slower or faster: beyond {100.0 * float(str(chosen['margin'])):g} % with p below "
        f"{chosen['p_limit']} (Mann-Whitney U over the medians of {chosen['least_workers']} or "
        "more processes a side); whatever is less is undecided, never the same"
    )


def machine(report: Report) -> str:
    """Return what it ran on, and how loaded that was."""
    return described(report.environment)


def described(found: Mapping[str, Plain]) -> str:
    """Return the machine that *found* tells of."""
    parts = (
        found.get("cpu"),
        found.get("machine"),
        _labelled("CPUs", found.get("cpus")),
        _labelled("hypervisor:", found.get("hypervisor")),
        _labelled("clock source", found.get("clock_source")),
        _labelled("load", found.get("load_1min")),
        _labelled("booted by xenperf with", found.get("booted")),
    )
    return ", ".join(str(part) for part in parts if part is not None)


def versions(report: Report) -> str:
    """Return the versions that the figures depend on."""
    names = ("xenperf", "python", "numpy", "numba", "llvmlite")
    found = [(name, report.environment.get(name)) for name in names]
    return ", ".join(f"{name} {version}" for name, version in found if version is not None)


def counting(report: Report) -> list[tuple[str, str]]:
    """Return how instructions were counted; nothing where none were."""
    runs = report.settings.get("instruction_runs")
    if runs is None or not any(row.instructions for row in report.rows):
        return []
    processes = "1 process" if runs == 1 else f"{runs} processes"
    text = (
        f"instructions of one operation, its share of the loop included: counted by callgrind in "
        f"{processes} a build, in code for {report.settings['instruction_cpu']}"
    )
    return [("instr", text)]


def moved(report: Report) -> list[tuple[str, str]]:
    """Return how many slices changed their CPU; nothing where none is known to have."""
    nr_moved, nr_known = report.moved or (0, 0)
    if not nr_moved:
        return []
    return [("moved", f"{nr_moved} of {nr_known} slices ended on another CPU than they began on")]


def _guest(report: Report) -> list[tuple[str, str]]:
    chosen = report.settings
    if "guest_bits" not in chosen:
        return []
    if report.kind is Kind.SWEEP:
        guest = f"{chosen['guest_bits']}-bit, port {chosen['port']}"
        return [("guest", guest), ("grid", _grid(report))]
    text = (
        f"{chosen['guest_bits']}-bit, memslots {chosen['slots']}, vCPUs {chosen['vcpus']} or as "
        f"many as a benchmark needs, port {chosen['port']}"
    )
    return [("guest", text)]


def _grid(report: Report) -> str:
    """Return the cells of a sweep."""
    chosen = report.settings
    slots, vcpus = (_listed(chosen[name]) for name in ("slots", "vcpus"))
    return f"memslots {slots}; vCPUs {vcpus}, exactly; {chosen['grid']}"


def _listed(value: Setting) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(value)
    return str(value)


def modelled(report: Report) -> str | None:
    """Return which kernel the model was, and its patches; None for a real one."""
    if report.settings.get("kernel") is None:
        return None
    patches = report.settings.get("patches")
    names = patches if isinstance(patches, Sequence) and not isinstance(patches, str) else ()
    words = [f"kernel {report.settings['kernel']}", f"patches: {', '.join(names) or 'none'}"]
    words += [NO_HVA] if any(NO_HVA in row.notes for row in report.rows) else []
    return "; ".join(words)


def _labelled(label: str, value: object) -> str | None:
    return None if value is None else f"{label} {value}"
