"""One measuring job, whichever verb asked for it: run, judge, hand over the report."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from xenperf.cli import formats, progress, saving
from xenperf.cli.exit_codes import exit_code
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import environment, session
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session
from xenperf.record.atomic import write_text
from xenperf.record.recorded import Recorded
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


def carry_out(job: Job, request: Request, streams: Streams, resumed: Recorded | None = None) -> int:
    """Measure, judge, and hand over the report; return the exit code.

    A report in JSON goes to its file after each worker, so that whatever happens keeps it.
    """
    path = saving.file_of(request)
    recorded = record(job, request, streams, path=path, resumed=resumed)
    report = report_of(recorded)
    if report.cut_short and not report.has_figures:
        raise UsageError(str(job.kind), f"{report.cut_short} before anything was measured")
    if report.cut_short:
        streams.say(distrust.interruption(report))
    hand_over(request, recorded, report, streams)
    return exit_code(report, strict=request.strict)


def record(
    job: Job,
    request: Request,
    streams: Streams,
    *,
    path: str | None = None,
    resumed: Recorded | None = None,
) -> Recorded:
    """Measure what *job* plans, with progress on a terminal; return all that a report needs.

    path
        Saved to after each worker; None: nothing is saved.
    resumed
        What was measured before, of the same plan under the same conditions.
    """
    begun = resumed or Recorded(
        Session(job.plan),
        environment=environment.describe(),
        command=job.command,
        kind=str(job.kind),
        about=job.about,
        remarks=job.remarks,
        begun=saving.now(),
        sources=saving.sources(),
    )
    with progress.shown(job.plan, streams.err) as on_progress:
        found = session.run(
            job.plan,
            on_progress,
            budget_s=request.budget,
            resumed=None if resumed is None else resumed.session,
            on_worker=saving.Saver(path, begun),
        )
    return replace(begun, session=found)


def hand_over(request: Request, recorded: Recorded, report: Report, streams: Streams) -> None:
    """Write the report to the file asked for, or to standard output.

    In JSON a file gets all that was measured, standard output the report alone.
    """
    chosen = formats.chosen(request.format, request.path)
    if request.path is None:
        is_coloured = chosen.name == formats.TEXT and streams.wants_colour(os.environ)
        streams.write(text.render(report, colour=True) if is_coloured else chosen.render(report))
        return
    if chosen.name == formats.JSON:
        saving.save(request.path, recorded)
    else:
        write_text(request.path, chosen.render(report))
    streams.say(f"{request.path}: written; {summary(report)}")
