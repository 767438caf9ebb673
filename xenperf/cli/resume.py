"""``xenperf resume``: a recorded file whose measuring was stopped is measured to its end.

A verb of its own, and no option of the others: everything that they could be told is in the file.
"""

from pathlib import Path

import click

from xenperf.cli.cluster import connected
from xenperf.cli.exit_codes import COMPARE_EPILOG, exit_code
from xenperf.cli.formats import JSON
from xenperf.cli.job import go_on
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request, askable
from xenperf.cli.saving import LOAD, sources
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import environment
from xenperf.measure.plan import Plan
from xenperf.measure.revisions import is_exported
from xenperf.measure.session import is_finished
from xenperf.record.recorded import Recorded, read


@click.command("resume", epilog=COMPARE_EPILOG)
@click.argument("file")
@click.option("--strict", is_flag=True, help="Exit with 3 if a cost stays undecided.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Where a sweep goes on that began on a Dask cluster."
)
@click.pass_obj
def verb(streams: Streams, /, file: str, strict: bool, scheduler: str | None) -> int:
    """Go on with what `-o FILE` of a measuring verb began and something stopped.

    The workers that finished are kept, the rest get the seeds that they would have had. Sources,
    kernel, machine and versions have to be what they were: else the workers would not have
    measured the same thing, and one table of them would mislead.
    """
    recorded = read(file)
    if recorded.is_finished:
        streams.say(f"{file}: finished; there is nothing to resume")
        return exit_code(report_of(recorded), strict=strict)
    check_same(recorded, file)
    plan, budget = recorded.session.plan, recorded.session.budget_s
    request = Request(strict=strict, output=file, format=JSON, budget=budget)
    request.check_output()
    askable(plan)  # a back end that depends on the machine may be gone
    check_place(recorded, file, scheduler)
    with connected(scheduler, streams) as cluster:
        return go_on(recorded, request, streams, cluster.said_by if cluster else None)


def check_place(recorded: Recorded, file: str, scheduler: str | None) -> None:
    """Raise ``UsageError`` if what began on a cluster would go on here, or the other way round."""
    workers = [said for said in recorded.session.workers if is_finished(said)]
    is_cluster = any("machine" in said[0] for said in workers)
    if is_cluster and scheduler is None:
        remedy = "say which with --scheduler ADDRESS"
        raise UsageError(file, "cannot be resumed: its workers ran on a cluster", remedy)
    if scheduler is not None and not is_cluster:
        raise UsageError("--scheduler", f"{file} began on no cluster", "leave it out")


def check_same(recorded: Recorded, file: str) -> None:
    """Raise ``UsageError`` if going on would mix two machines, kernels or sources."""
    found = environment.describe()
    reason = "cannot be resumed"
    remedy = f"measure from the start: {recorded.command}"
    for name in sorted((recorded.environment.keys() | found.keys()) - LOAD):
        then, today = recorded.environment.get(name), found.get(name)
        if then != today:
            raise UsageError(file, f"{reason}: {name} was {then}, now it is {today}", remedy)
    if recorded.sources != sources():
        raise UsageError(file, f"{reason}: sources or compiler settings have changed", remedy)
    for tree in trees_of(recorded.session.plan):
        if not is_exported(Path(tree)):  # a file may name any folder: its code would be run
            raise UsageError(file, f"{reason}: {tree} is no exported revision", remedy)


def trees_of(plan: Plan) -> list[str]:
    """Return the folders whose code the workers of *plan* would run, beside the running one."""
    builds = [side.build for comparison in plan.comparisons for side in comparison.sides]
    return list(dict.fromkeys(build.tree for build in builds if build.tree is not None))
