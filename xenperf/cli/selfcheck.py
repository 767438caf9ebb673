"""``xenperf selfcheck``: the suite against itself, to learn what this machine can tell."""

from dataclasses import replace
from typing import Any, Final

import click

from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.job import Job, begin, record
from xenperf.cli.options import measuring
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request, command, draw_seed
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.hypervisor import Activation
from xenperf.measure.sides import Build, Comparison, Side
from xenperf.record.atomic import write_text
from xenperf.report.model import Kind, Report
from xenperf.report.selfcheck import Selfcheck, render_json, render_text
from xenperf.scenarios import catalogue
from xenperf.stats.paired import round_log_ratios
from xenperf.stats.power import detectable

RENDER: Final = {"text": render_text, "json": render_json}
EPILOG: Final = """\b
Exit codes:
  0  no difference was claimed where there is none
  1  one was: do not believe such differences on this machine now
  2  misuse, or nothing was measured
  3  not to be trusted: cut short or an invalid row
"""


@click.command("selfcheck", epilog=EPILOG)
@measuring
@click.pass_obj
def verb(streams: Streams, /, **options: Any) -> int:
    """Compare the suite with itself: false verdicts, noise, and the least effect to be found.

    The running sources are loaded twice into every worker, so every difference is the machine's.
    Nothing on the machine is changed.
    """
    request = Request(**options)
    if request.format not in (None, *RENDER):
        raise UsageError(f"format {request.format}", "not of this verb", "give text or json")
    request.check_output()
    report = report_of(record(begin(job_of(request)), request, streams))
    if not report.has_figures:
        raise UsageError("selfcheck", report.cut_short or "nothing could be measured")
    found = selfcheck_of(report)
    is_json = request.format == "json" or (request.path or "").endswith(".json")
    text = RENDER["json" if is_json else "text"](found)
    if request.path is None:
        streams.write(text)
    else:
        write_text(request.path, text)
    if report.cut_short or report.invalid:
        return ExitCode.UNTRUSTED
    return ExitCode.FAILED if found.false_verdicts else ExitCode.DONE


def job_of(request: Request) -> Job:
    """Return the job that compares every cost with itself, by each activation."""
    chosen = catalogue.select(request.only)
    names = tuple(name for name in chosen if not catalogue.is_scenario(name))
    if not names:
        raise UsageError("selfcheck", "only scenarios were chosen", "counts need no such check")
    plan = replace(
        request.plan_of(names, drawn_seed=draw_seed()),
        comparisons=tuple(with_itself(activation) for activation in Activation),
    )
    words = command(request, plan, ["selfcheck"])
    return Job(plan, words, kind=Kind.SELFCHECK)


def with_itself(activation: Activation) -> Comparison:
    """Return two loads of the running sources, by one activation."""
    sides = (Side("base", activation, Build()), Side("again", activation, Build(copy=1)))
    has_controls = activation is Activation.GPA
    return Comparison(sides, variant=str(activation), has_controls=has_controls)


def selfcheck_of(report: Report) -> Selfcheck:
    """Return *report* with the noise of each of its rows."""
    nr_rows = max(1, sum(row.ratio is not None for row in report.rows))
    noise = {
        key: detectable([round_log_ratios(w.base_ns, w.head_ns) for w in workers], nr_rows)
        for key, workers in report.slices.items()
    }
    return Selfcheck(report, noise)
