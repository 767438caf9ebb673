"""``xenperf report``: a recorded file shown again, in any form."""

import click

from xenperf.cli.exit_codes import REPORT_EPILOG, exit_code
from xenperf.cli.formats import FORMATS
from xenperf.cli.job import hand_over
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request
from xenperf.cli.streams import Streams
from xenperf.record.recorded import read


@click.command("report", epilog=REPORT_EPILOG)
@click.argument("file")
@click.option("--strict", is_flag=True, help="Exit with 3 if a cost is undecided.")
@click.option(
    "-o", "--output", metavar="OTHER", help="Write the report there, whole or not at all."
)
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    help="[default: by the suffix of OTHER, else text]",
)
@click.pass_obj
def verb(
    streams: Streams, /, file: str, strict: bool, output: str | None, format: str | None
) -> int:
    """Show what a measuring verb wrote to FILE with -o FILE.json, judged anew.

    Nothing is measured and nothing in FILE is run. What it says is checked before it is used,
    whoever wrote it.
    """
    request = Request(strict=strict, output=output, format=format)
    recorded = read(file)
    request.check_output()
    report = report_of(recorded)
    hand_over(request, recorded, report, streams)
    return exit_code(report, strict=strict)
