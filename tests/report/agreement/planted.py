"""A model and a real kernel that agree, and the same with every kind of difference planted."""

from dataclasses import replace

from xenperf.report.agreement.build import Given
from xenperf.report.cases import CasesReport, PlayedCase, SkippedCase
from xenperf.report.load_model import LoadReport, LoadRow
from xenperf.report.model import Report
from xenperf.stats.rows import Row
from xenperf.stats.samples import CPU_TIME
from xenperf.stats.verdict import Verdict

COMMAND = "xenperf report --agreement m.json l.json mc.json lc.json ll.json"
ABSENT = ("delete_overlay", "delete_high", "delete_whole", "create_low")
PHASES = (
    *("overlay_in", "delete_low", "delete_overlay", "delete_high", "create_whole"),
    *("delete_whole", "create_low", "create_overlay", "create_high"),
)


def cost(name: str, gpa: float, ratio: float, half: float, verdict: Verdict) -> Row:
    ci = ratio - half, ratio + half
    return Row(name, CPU_TIME, "ns/op", gpa, gpa * ratio, ratio, ci, verdict)


def count(name: str, metric: str, gpa: int, hva: int | None = 0) -> Row:
    return Row(name, metric, "of 64 events", gpa, hva, None, None, Verdict.SAME)


COSTS = (
    cost("send.delivered", 41.6, 0.995, 0.005, Verdict.SAME),
    cost("send.masked", 26.2, 1.001, 0.004, Verdict.SAME),
    cost("send.slot_absent", 68.0, 0.612, 0.007, Verdict.FASTER),
    cost("shinfo.activate_again", 60.0, 1.0, 0.006, Verdict.SAME),
    cost("slots.overlay_cycle", 480.0, 0.95, 0.01, Verdict.FASTER),
)
LIVE_COSTS = (
    cost("send.delivered", 1503.0, 0.99, 0.02, Verdict.SAME),
    cost("send.masked", 1380.0, 0.99, 0.005, Verdict.SAME),
    cost("send.slot_absent", 1900.0, 0.78, 0.01, Verdict.FASTER),
    cost("shinfo.activate_again", 2535.0, 1.012, 0.02, Verdict.SAME),
    cost("slots.overlay_cycle", 30_000.0, 0.955, 0.03, Verdict.UNDECIDED),
)


def counts() -> tuple[Row, ...]:
    """Return what the model counts in the scenarios that the load is held against."""
    phases = [
        row
        for phase in PHASES
        for row in (
            count(f"break_apart.{phase}", "refused", 64 * (phase in ABSENT)),
            count(f"break_apart.{phase}", "wrong_page", 64 * (phase == "create_whole")),
        )
    ]
    sources = [
        row
        for source, failed in (("send", "returned"), ("irqfd", "lost"))
        for row in (
            count(f"event_sources.{source}.absent", failed, 14),
            count(f"event_sources.{source}.under_ram", "wrong_page", 16),
        )
    ]
    return (*phases, *sources)


def case(name: str, by: str, observed: str, expected: str | None = None) -> PlayedCase:
    made = "active", "send 66", observed if expected is None else expected, observed, "observed"
    return PlayedCase(name, "gpa-hva", by, *made)


CASES = (
    case("send.20_fresh", "gpa", "OK 66"),
    case("send.20_fresh", "hva", "OK 66"),
    case("irqfd.79_far_port", "gpa", "OK none"),
)


def load_row(source: str, by: str, phase: str, *fates: int) -> LoadRow:
    return LoadRow(source, by, phase, *fates)


LOAD_ROWS = (
    load_row("send", "gpa", "laid", 50, 0, 0, 0),
    load_row("send", "gpa", "delete_overlay", 5, 15, 0, 0),
    load_row("send", "gpa", "create_whole", 0, 10, 0, 10),
    load_row("send", "gpa", "across", 3, 4, 0, 5),
    load_row("send", "gpa", "all", 58, 29, 0, 15),
    load_row("send", "hva", "laid", 90, 0, 0, 0),
    load_row("send", "hva", "all", 90, 0, 0, 0),
    load_row("irqfd", "gpa", "create_low", 0, 0, 12, 0),
    load_row("irqfd", "gpa", "all", 0, 0, 12, 0),
)


def agreeing(report: Report) -> Given:
    """Return what two that agree throughout were read from; *report* has the conditions."""
    model = replace(report, rows=(*COSTS, *counts()), settings={**report.settings, **_KERNEL})
    environment = {**report.environment, "kernel": "6.12.95+deb12-amd64", "booted": "QEMU tcg"}
    live = replace(report, rows=(*LIVE_COSTS, *counts()), backend="live", environment=environment)
    starts = {"active": "overlay laid"}
    return Given(
        files=("m.json", "l.json", "mc.json", "lc.json", "ll.json"),
        command=COMMAND,
        model_run=model,
        live_run=live,
        model_cases=CasesReport("model", starts, report.environment, CASES, ()),
        live_cases=CasesReport("live", starts, environment, CASES, ()),
        live_load=LoadReport("live", environment, 1.0, LOAD_ROWS, (), (), "xenperf load"),
    )


_KERNEL = {"kernel": "gpa-hva", "patches": ("hva-activation",)}


def differing(report: Report) -> Given:
    """Return the same with a difference of every kind, some known and some open."""
    given = agreeing(report)
    assert given.model_run is not None
    assert given.live_run is not None
    irqfd = count("event_sources.irqfd.stale", "delivered", 0), 12
    delayed = count("event_sources.irqfd.stale", "delayed", 12), 0
    moved = count("event_sources.timer_vcpu_runs.absent", "lost", 14), 9
    both = (irqfd, delayed, moved)
    live_costs = (
        *LIVE_COSTS[:1],
        cost("send.masked", 1380.0, 1.2, 0.01, Verdict.SLOWER),  # nobody knows why
        *LIVE_COSTS[2:4],
        cost("slots.overlay_cycle", 30_000.0, 1.0, 0.01, Verdict.SAME),  # drawn to 1
    )
    model = replace(
        given.model_run,
        rows=(
            *COSTS,
            cost("gpc.check", 0.9, 1.0, 0.01, Verdict.SAME),
            *counts(),
            *(row for row, _ in both),
            count("unrelated_slot_change.send", "refreshes", 16),
        ),
    )
    live = replace(
        given.live_run,
        rows=(*live_costs, *counts(), *(replace(row, base=float(n)) for row, n in both)),
        settings={**given.live_run.settings, "slots": 8},
        skipped={"gpc.check": "live does not offer steps"},
        remarks=("a dirty tree",),
    )
    cases = (
        CASES[0],
        case("send.20_fresh", "hva", "EFAULT", "OK 66"),
        case("irqfd.79_far_port", "gpa", "EINVAL", "OK none"),
    )
    lost = load_row("send", "hva", "delete_low", 7, 0, 1, 0)
    assert given.model_cases is not None
    assert given.live_cases is not None
    assert given.live_load is not None
    older = {**given.live_cases.environment, "kernel": "6.12.30-planted"}
    skipped = SkippedCase("slots.86_lookup", "live does not offer counters")
    unasked = SkippedCase("process.78_forked", "one process | only")
    lookup = case("slots.86_lookup", "gpa", "1")
    return replace(
        given,
        model_run=model,
        live_run=replace(live, environment=older),
        model_cases=replace(given.model_cases, cases=(*CASES, lookup), skipped=(unasked,)),
        live_cases=replace(given.live_cases, cases=cases, skipped=(skipped, unasked)),
        live_load=replace(given.live_load, rows=(*LOAD_ROWS, lost)),
    )
