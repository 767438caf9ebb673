"""One measuring job, whichever verb asked for it: run, judge, hand over the report."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from xenperf.cli import formats, progress
from xenperf.cli.exit_codes import exit_code
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import environment, session
from xenperf.measure.plan import Plan
from xenperf.record.atomic import write_text
from xenperf.report import distrust, text
from xenperf.report.model import Grade, Kind, Report, Setting
from xenperf.report.tallies import summary


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured, and what the report says of it."""

    plan: Plan
    settings: Mapping[str, Setting]
    command: str
    """What to type to measure the same again."""

    kind: Kind = Kind.RUN
    about: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def carry_out(job: Job, request: Request, streams: Streams) -> int:
    """Measure, judge, and hand over the report; return the exit code."""
    report = measured(job, request, streams)
    if report.cut_short and not report.has_figures:
        raise UsageError(str(job.kind), f"{report.cut_short} before anything was measured")
    if report.cut_short:
        streams.say(distrust.interruption(report))
    hand_over(request, report, streams)
    return exit_code(report, strict=request.strict)


def measured(job: Job, request: Request, streams: Streams) -> Report:
    """Measure what *job* plans, with progress on a terminal, and return the judged report."""
    conditions = environment.describe()
    with progress.shown(job.plan, streams.err) as on_progress:
        found = session.run(job.plan, on_progress, budget_s=request.budget)
    return report_of(
        found,
        environment=conditions,
        settings=job.settings,
        command=job.command,
        kind=job.kind,
        about=job.about,
        remarks=job.remarks,
        grade=Grade.OWN_PROCESSES if job.plan.apart else Grade.ONE_PROCESS,
    )


def hand_over(request: Request, report: Report, streams: Streams) -> None:
    """Write the report to the file asked for, or to standard output."""
    chosen = formats.chosen(request.format, request.path)
    if request.path is None:
        is_coloured = chosen.name == formats.TEXT and streams.wants_colour(os.environ)
        streams.write(text.render(report, colour=True) if is_coloured else chosen.render(report))
        return
    write_text(request.path, chosen.render(report))
    streams.say(f"{request.path}: written; {summary(report)}")
