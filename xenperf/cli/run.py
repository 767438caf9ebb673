"""``xenperf run``: GPA against HVA over the catalogue."""

import os
import secrets
from typing import Any, Final

import click

from xenperf.backends import BACKENDS
from xenperf.cli import progress
from xenperf.cli.exit_codes import RUN_EPILOG, exit_code
from xenperf.cli.reporting import report_of
from xenperf.cli.request import BITS, DEFAULTS, Request, check_backend, command, settings
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import environment, session
from xenperf.model.patches import GPA_HVA, KERNELS, PATCHES
from xenperf.record.atomic import write_text
from xenperf.report import distrust, json_, text
from xenperf.report.model import Report

TEXT: Final = "text"
JSON: Final = "json"
FORMATS: Final = (TEXT, JSON)
SEEDS: Final = 1_000_000  # drawn below: short enough to type


@click.command("run", epilog=RUN_EPILOG)
@click.option(
    "--backend",
    type=click.Choice(list(BACKENDS)),
    default=DEFAULTS.backend,
    show_default=True,
    help="Who answers: the model of KVM, or a real kernel.",
)
@click.option(
    "--kernel",
    type=click.Choice(list(KERNELS)),
    help=f"Which kernel the model is.  [default: {GPA_HVA}]",
)
@click.option(
    "--with",
    "added",
    multiple=True,
    metavar="PATCH",
    help=f"Build it with this patch too; may be given again. One of {', '.join(PATCHES)}.",
)
@click.option(
    "--without",
    "removed",
    multiple=True,
    metavar="PATCH",
    help="Build it without this patch; may be given again.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="GLOB",
    help="Only names that match; may be given again. `xenperf list` shows them.",
)
@click.option("--quick", is_flag=True, help="One worker and short slices: a first look.")
@click.option(
    "--workers", type=int, metavar="N", help="Fresh processes, each measuring everything."
)
@click.option("--rounds", type=int, metavar="N", help="Turns of both sides in each worker.")
@click.option(
    "--seed", type=int, metavar="N", help="Decides who goes first; drawn and reported if not given."
)
@click.option(
    "--slots",
    type=int,
    default=DEFAULTS.slots,
    show_default=True,
    metavar="N",
    help="Memslots while RAM is whole.",
)
@click.option(
    "--vcpus",
    type=int,
    default=DEFAULTS.vcpus,
    show_default=True,
    metavar="N",
    help="vCPUs, unless a benchmark needs more.",
)
@click.option(
    "--port",
    type=int,
    default=DEFAULTS.port,
    show_default=True,
    metavar="N",
    help="First event channel port that is sent to.",
)
@click.option(
    "--guest-bits",
    type=click.Choice(BITS),
    default=DEFAULTS.guest_bits,
    show_default=True,
    help="Layout of the shared pages.",
)
@click.option("--strict", is_flag=True, help="Exit with 3 if a cost stays undecided.")
@click.option("-o", "--output", metavar="FILE", help="Write the report there, whole or not at all.")
@click.option(
    "--format", type=click.Choice(FORMATS), help="[default: json if FILE ends in .json, else text]"
)
@click.pass_obj
def verb(streams: Streams, /, **options: Any) -> int:
    """Measure GPA against HVA: what each costs, and what becomes of the events.

    Both are measured in the same fresh processes, in turn. Ctrl-C keeps what was finished.
    """
    return run(Request(**options), streams)


def run(request: Request, streams: Streams) -> int:
    """Check *request*, measure, judge, and hand over the report; return the exit code."""
    plan = request.plan(drawn_seed=secrets.randbelow(SEEDS))
    request.check_output()
    check_backend(plan)
    conditions = environment.describe()
    with progress.shown(plan, streams.err) as on_progress:
        found = session.run(plan, on_progress)
    report = report_of(
        found, environment=conditions, settings=settings(plan), command=command(request, plan)
    )
    if report.cut_short and not report.has_figures:
        raise UsageError("run", f"{report.cut_short} before anything was measured")
    if report.cut_short:
        streams.say(distrust.interruption(report))
    _hand_over(request, report, streams)
    return exit_code(report, strict=request.strict)


def _hand_over(request: Request, report: Report, streams: Streams) -> None:
    """Write the report to the file asked for, or to standard output."""
    if request.path is None:
        colour = streams.wants_colour(os.environ)
        streams.write(_rendered(request, report, colour))
        return
    write_text(request.path, _rendered(request, report, colour=False))
    streams.say(f"{request.path}: written; {text.summary(report)}")


def _rendered(request: Request, report: Report, colour: bool) -> str:
    by_name = JSON if (request.path or "").endswith(".json") else TEXT
    if (request.format or by_name) == JSON:
        return json_.render(report)
    return text.render(report, colour)
