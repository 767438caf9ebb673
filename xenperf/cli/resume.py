"""``xenperf resume``: a recorded file whose measuring was stopped is measured to its end.

A verb of its own, and no option of the others: everything that they could be told is in the file.
"""

from pathlib import Path
from typing import Final

import click

from xenperf.cli.cluster import connected
from xenperf.cli.exit_codes import COMPARE_EPILOG, exit_code
from xenperf.cli.formats import JSON
from xenperf.cli.job import go_on
from xenperf.cli.reporting import report_of
from xenperf.cli.request import Request, askable
from xenperf.cli.same import check_conditions
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import environment
from xenperf.measure.plan import Plan
from xenperf.measure.revisions import is_exported
from xenperf.measure.session import is_finished
from xenperf.record import saved
from xenperf.record.image_file import ImageSeries
from xenperf.record.recorded import Recorded

FINISHED: Final = "finished; there is nothing to resume"


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
    measured the same thing, and one table of them would mislead. Of a series of kernel images the
    boots that are missing are made, if the images are the same.
    """
    recorded = saved.read(file)
    if isinstance(recorded, ImageSeries):
        if scheduler is not None:
            raise UsageError("--scheduler", "kernel images are booted here", "leave it out")
        return _go_on_booting(recorded, file, streams, strict=strict)
    if recorded.is_finished:
        streams.say(f"{file}: {FINISHED}")
        return exit_code(report_of(recorded), strict=strict)
    environments = recorded.environment, environment.describe()
    check_conditions(file, recorded.command, environments, recorded.sources)
    check_trees(recorded, file)
    plan, budget = recorded.session.plan, recorded.session.budget_s
    request = Request(strict=strict, output=file, format=JSON, budget=budget)
    request.check_output()
    askable(plan)  # a back end that depends on the machine may be gone
    check_place(recorded, file, scheduler)
    with connected(scheduler, streams) as cluster:
        return go_on(recorded, request, streams, cluster.said_by if cluster else None)


def _go_on_booting(begun: ImageSeries, file: str, streams: Streams, *, strict: bool) -> int:
    from xenperf.cli import image_resume  # it knows the verb series, and that all others

    if begun.cut_short is None:
        streams.say(f"{file}: {FINISHED}")
        return exit_code(report_of(begun), strict=strict)
    return image_resume.go_on(begun, file, streams, strict=strict)


def check_place(recorded: Recorded, file: str, scheduler: str | None) -> None:
    """Raise ``UsageError`` if what began on a cluster would go on here, or the other way round."""
    workers = [said for said in recorded.session.workers if is_finished(said)]
    is_cluster = any("machine" in said[0] for said in workers)
    if is_cluster and scheduler is None:
        remedy = "say which with --scheduler ADDRESS"
        raise UsageError(file, "cannot be resumed: its workers ran on a cluster", remedy)
    if scheduler is not None and not is_cluster:
        raise UsageError("--scheduler", f"{file} began on no cluster", "leave it out")


def check_trees(recorded: Recorded, file: str) -> None:
    """Raise ``UsageError`` for a folder that is no exported revision: its code would be run."""
    for tree in trees_of(recorded.session.plan):
        if not is_exported(Path(tree)):  # a file may name any folder
            reason = f"cannot be resumed: {tree} is no exported revision"
            raise UsageError(file, reason, f"measure from the start: {recorded.command}")


def trees_of(plan: Plan) -> list[str]:
    """Return the folders whose code the workers of *plan* would run, beside the running one."""
    builds = [side.build for comparison in plan.comparisons for side in comparison.sides]
    return list(dict.fromkeys(build.tree for build in builds if build.tree is not None))
