"""``xenperf sweep``: how costs grow with memslots and vCPUs, on this machine or on a cluster."""

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Final

import click

from xenperf.cli.cluster import REMARK, connected
from xenperf.cli.exit_codes import SWEEP_EPILOG
from xenperf.cli.formats import SWEEP_FORMATS, TSV
from xenperf.cli.job import Job, carry_out
from xenperf.cli.kernel_options import kernel_options
from xenperf.cli.options import backend_option
from xenperf.cli.request import Request, askable, command, draw_seed
from xenperf.cli.sizes import SLOTS, VCPUS, Grid
from xenperf.cli.streams import Streams
from xenperf.measure.cells import COUNTED_WORKERS, Axis, by_cell
from xenperf.measure.plan import Plan
from xenperf.report.model import Kind
from xenperf.scenarios import catalogue
from xenperf.vmm.machine import Shape

WORKERS: Final = 20  # growth is judged size by size, so there is more to be decided than in run
ROUNDS: Final = 8
QUICK_WORKERS: Final = 4  # fewer give no interval


def _listed(sizes: tuple[int, ...]) -> str:
    return ",".join(map(str, sizes))


@click.command("sweep", epilog=SWEEP_EPILOG)
@backend_option
@kernel_options
@click.option(
    "--slots",
    metavar="N,N,...",
    help=f"Memslots while RAM is whole.  [default: {_listed(SLOTS)}; 1 if only --vcpus is given]",
)
@click.option(
    "--vcpus",
    metavar="N,N,...",
    help=f"vCPUs, exactly.  [default: {_listed(VCPUS)}; 1 if only --slots is given]",
)
@click.option("--grid", is_flag=True, help="Every combination, not one axis at a time.")
@click.option(
    "--only",
    multiple=True,
    metavar="GLOB",
    help="Only names that match; may be given again. `xenperf list` shows them.",
)
@click.option("--quick", is_flag=True, help="Four workers and short slices: a first look.")
@click.option(
    "--workers",
    type=int,
    metavar="N",
    help=f"Fresh processes, each going through all cells.  [default: {WORKERS}]",
)
@click.option(
    "--rounds", type=int, metavar="N", help=f"Turns of GPA and HVA in a cell.  [default: {ROUNDS}]"
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Decides the order of cells and sides; drawn and reported if not given.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Measure on the machines of this Dask cluster; needs dask.distributed.",
)
@click.option("--strict", is_flag=True, help="Exit with 3 if a cost or a growth stays undecided.")
@click.option("-o", "--output", metavar="FILE", help="Write the report there, whole or not at all.")
@click.option(
    "--format",
    type=click.Choice(list(SWEEP_FORMATS)),
    help="[default: by the suffix of FILE, else text]",
)
@click.pass_obj
def verb(streams: Streams, /, scheduler: str | None, **options: Any) -> int:
    """Measure the costs of machines of several sizes, and tell how they grow.

    Every worker measures every cell, each in another order. Ctrl-C keeps what was finished;
    `xenperf resume FILE.json` goes on.
    """
    grid = Grid(options.pop("slots"), options.pop("vcpus"), options.pop("grid"))
    return run(Sweep(Request(**options), grid, scheduler), streams)


@dataclass(frozen=True, slots=True)
class Sweep:
    """What was asked for."""

    request: Request
    grid: Grid
    scheduler: str | None

    def plan(self, drawn_seed: int) -> tuple[Plan, dict[str, str]]:
        """Return the plan, and what cannot be asked and why; ``UsageError`` if it makes no sense.

        Scenarios are counted, exactly: alone they need but two workers.
        """
        request = self.request
        machines = self.grid.machines(Shape())
        workers = QUICK_WORKERS if request.quick else WORKERS
        wanted = replace(
            request,
            workers=workers if request.workers is None else request.workers,
            rounds=ROUNDS if request.rounds is None else request.rounds,
        ).plan(drawn_seed)
        skipped: dict[str, str] = {}
        for axis in Axis:  # the largest machines there will be: a real kernel has limits of its own
            largest = max(machines, key=axis.of)
            asked, skipped = askable(replace(wanted, shape=largest))
        (build,) = {side.build for side in wanted.comparisons[0].sides}
        counted = all(map(catalogue.is_scenario, asked.names))
        plan = replace(
            asked,
            shape=machines[0],
            comparisons=by_cell(machines, build),
            cells_in_turn=True,
            workers=min(wanted.workers, COUNTED_WORKERS) if counted else wanted.workers,
        )
        return plan, skipped

    def command(self, plan: Plan) -> str:
        """Return the command that measures the same again, with the same seed."""
        words = ["sweep"]
        for name, value in (("--slots", self.grid.slots), ("--vcpus", self.grid.vcpus)):
            words += [] if value is None else [name, value]
        words += ["--grid"] if self.grid.full else []
        words += ["--scheduler", self.scheduler] if self.scheduler else []
        return command(self.request, plan, words)


def run(sweep: Sweep, streams: Streams) -> int:
    """Check *sweep*, measure, judge, and hand over the report; return the exit code."""
    request = sweep.request
    if request.format is None and PurePath(request.path or "").suffix == f".{TSV}":
        request = replace(request, format=TSV)
    plan, skipped = sweep.plan(drawn_seed=draw_seed())
    request.check_output()
    with connected(sweep.scheduler, streams) as cluster:
        job = Job(
            plan,
            sweep.command(plan),
            kind=Kind.SWEEP,
            about=cluster.about if cluster else {},
            remarks=(REMARK,) if cluster else (),
            skipped=skipped,
        )
        return carry_out(job, request, streams, cluster.said_by if cluster else None)
