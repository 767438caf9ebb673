"""One measuring job, whichever verb asked for it: run, judge, hand over the report."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from xenperf.cli import beside, formats, progress, saving
from xenperf.cli.exit_codes import exit_code
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import environment, session
from xenperf.measure.plan import Plan
from xenperf.measure.session import SaidBy, Session
from xenperf.record.atomic import write_text
from xenperf.record.recorded import Recorded
from xenperf.record.saved import Saved
from xenperf.report import distrust, text
from xenperf.report.model import Kind, Report
from xenperf.report.tallies import summary


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured, and what the report says of it beside what the plan does."""

    plan: Plan
    command: str
    """What to type to measure the same again."""

    kind: Kind = Kind.RUN
    about: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    """What the back end could not be asked, by name, and why."""


def carry_out(job: Job, request: Request, streams: Streams, said_by: SaidBy | None = None) -> int:
    """Measure, judge, and hand over the report; return the exit code."""
    begun = replace(begin(job), instructions=beside.asked(request))
    return go_on(begun, request, streams, said_by)


def begin(job: Job) -> Recorded:
    """Return a record of *job* under the conditions of now, with nothing measured yet."""
    return Recorded(
        Session(job.plan),
        environment=environment.describe(),
        command=job.command,
        kind=str(job.kind),
        about=job.about,
        skipped=job.skipped,
        remarks=job.remarks,
        begun=saving.now(),
        sources=saving.sources(),
    )


def go_on(
    begun: Recorded, request: Request, streams: Streams, said_by: SaidBy | None = None
) -> int:
    """Measure what *begun* leaves to be measured, judge, and hand over; return the exit code.

    A report in JSON goes to its file after each worker, so that whatever happens keeps it.
    *said_by* runs workers somewhere else than here.
    """
    saver = saving.Saver(saving.file_of(request), begun)
    recorded = beside.counted(record(begun, request, streams, saver, said_by), streams)
    report = report_of(recorded)
    if report.cut_short and not report.has_figures:
        raise UsageError(begun.kind, f"{report.cut_short} before anything was measured")
    if report.cut_short:
        streams.say(distrust.interruption(report))
    if saver.path is None:
        hand_over(request, recorded, report, streams)
    else:
        saver.write(recorded)
        streams.say(written(saver.path, report))
    return exit_code(report, strict=request.strict)


def record(
    begun: Recorded,
    request: Request,
    streams: Streams,
    on_worker: Callable[[Session], None] = lambda session: None,
    said_by: SaidBy | None = None,
) -> Recorded:
    """Measure what *begun* leaves to be measured, with progress on a terminal."""
    plan = begun.session.plan
    with progress.of_workers(streams.err) as on_progress:
        found = session.run(
            plan,
            on_progress,
            budget_s=request.budget,
            resumed=begun.session,
            on_worker=on_worker,
            said_by=said_by,
        )
    return replace(begun, session=found)


def hand_over(request: Request, saved: Saved | None, report: Report, streams: Streams) -> None:
    """Write the report to the file asked for, or to standard output.

    In JSON a file gets all that was measured, where there is such a record; standard output gets
    the report alone.
    """
    chosen = formats.chosen(request.format, request.path)
    if request.path is None:
        is_coloured = chosen.name == formats.TEXT and streams.wants_colour(os.environ)
        streams.write(text.render(report, colour=True) if is_coloured else chosen.render(report))
        return
    if chosen.name == formats.JSON and saved is not None:
        saving.save(request.path, saved)
    else:
        write_text(request.path, chosen.render(report))
    streams.say(written(request.path, report))


def written(path: str, report: Report) -> str:
    """Return the line that stands in for a report that went to a file."""
    return f"{path}: written; {summary(report)}"
