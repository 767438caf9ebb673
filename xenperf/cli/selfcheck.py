"""``xenperf selfcheck``: the suite against itself, to learn what this machine can tell."""

from dataclasses import replace
from typing import Any

import click

from xenperf.cli.exit_codes import SELFCHECK_EPILOG
from xenperf.cli.job import Job, carry_out
from xenperf.cli.options import measuring
from xenperf.cli.request import Request, command, draw_seed
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.hypervisor import Activation
from xenperf.measure.sides import Build, Comparison, Side
from xenperf.report.model import Kind
from xenperf.scenarios import catalogue


@click.command("selfcheck", epilog=SELFCHECK_EPILOG)
@measuring
@click.pass_obj
def verb(streams: Streams, /, **options: Any) -> int:
    """Compare the suite with itself: false verdicts, noise, and the least effect to be found.

    The running sources are loaded twice into every worker, so every difference is the machine's.
    Nothing on the machine is changed.
    """
    request = Request(**options)
    request.check_output()
    return carry_out(job_of(request), request, streams)


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
