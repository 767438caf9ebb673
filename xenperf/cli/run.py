"""``xenperf run``: GPA against HVA over the catalogue."""

from typing import Any

import click

from xenperf.cli import counting
from xenperf.cli.exit_codes import RUN_EPILOG
from xenperf.cli.job import Job, carry_out
from xenperf.cli.kernel_options import kernel_options
from xenperf.cli.options import backend_option, instructions, measuring
from xenperf.cli.request import Request, askable, command, draw_seed
from xenperf.cli.streams import Streams


@click.command("run", epilog=RUN_EPILOG)
@backend_option
@kernel_options
@click.option(
    "--count",
    type=click.Choice([counting.INSTRUCTIONS]),
    help="Count instead of timing: exact on a busy machine too; needs Valgrind.",
)
@instructions
@measuring
@click.pass_obj
def verb(streams: Streams, /, **options: Any) -> int:
    """Measure GPA against HVA: what each costs, and what becomes of the events.

    Both are measured in the same fresh processes, in turn. Ctrl-C keeps what was finished.
    """
    return run(Request(**options), streams)


def run(request: Request, streams: Streams) -> int:
    """Check *request*, measure, judge, and hand over the report; return the exit code."""
    if request.count is not None:
        return counting.run(request, streams)
    wanted = request.plan(drawn_seed=draw_seed())
    request.check_output()
    plan, skipped = askable(wanted)
    return carry_out(Job(plan, command(request, plan), skipped=skipped), request, streams)
