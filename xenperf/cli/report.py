"""``xenperf report``: recorded files shown again, and asv's folders, in any form."""

import os
from pathlib import Path
from typing import Any

import click

from xenperf.cli import agreement as side_by_side
from xenperf.cli import history
from xenperf.cli.exit_codes import REPORT_EPILOG, exit_code
from xenperf.cli.formats import SWEEP_FORMATS, TSV
from xenperf.cli.job import hand_over
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.record import saved
from xenperf.report.model import Kind


@click.command("report", epilog=REPORT_EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE... | DIR")
@click.option(
    "--agreement",
    is_flag=True,
    help="Lay files of the model and of a real kernel side by side: run, cases, load.",
)
@click.option("--only", multiple=True, metavar="GLOB", help="Of DIR: only benchmarks that match.")
@click.option(
    "--repo",
    default=os.curdir,
    metavar="DIR",
    help="Of DIR: the checkout that knows its commits.  [default: here]",
)
@click.option("--strict", is_flag=True, help="Exit with 3 if a cost is undecided.")
@click.option(
    "-o", "--output", metavar="OTHER", help="Write the report there, whole or not at all."
)
@click.option(
    "--format",
    type=click.Choice(list(SWEEP_FORMATS)),
    help="[default: by the suffix of OTHER, else text]; tsv is of a sweep.",
)
@click.pass_obj
def verb(
    streams: Streams, /, files: tuple[str, ...], agreement: bool, repo: str, **options: Any
) -> int:
    """Show what a measuring verb wrote to FILE with -o FILE.json, judged anew.

    Nothing is measured and nothing in FILE is run. What it says is checked before it is used,
    whoever wrote it. With --agreement: where the model and a real kernel say the same. Of DIR,
    asv's results of one machine, what changed is listed, commit by commit; xenperf series DIR shows
    every figure.
    """
    request = Request(**options)
    if history.is_history(files):
        return history.show(request, streams, files[0], Path(repo), "report")
    if request.only:
        raise UsageError("--only", "a recorded file is shown whole", "leave --only out")
    if agreement:
        return side_by_side.show(request, files, streams)
    if len(files) > 1:
        reason = "one file is shown at a time"
        raise UsageError(files[1], reason, "use xenperf compare, or give --agreement")
    found = saved.read(files[0])
    request.check_output()
    report = report_of(found)
    _check_form(request, files[0], report.kind)
    hand_over(request, found, report, streams)
    return exit_code(report, strict=request.strict)


def _check_form(request: Request, file: str, kind: str) -> None:
    if request.format == TSV and kind != Kind.SWEEP:
        raise UsageError(f"--format {TSV}", f"{file} is of a {kind}", "choose another form")
