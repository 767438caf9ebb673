"""``xenperf compare``: two git revisions, both loaded into every worker; or two result files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from xenperf.cli import files
from xenperf.cli.between import SENTINELS, names_of
from xenperf.cli.exit_codes import COMPARE_EPILOG
from xenperf.cli.files import are_files
from xenperf.cli.job import Job, carry_out
from xenperf.cli.options import instructions, measuring
from xenperf.cli.request import Request, command, draw_seed
from xenperf.cli.streams import Streams
from xenperf.errors import MeasurementError
from xenperf.measure import revisions
from xenperf.measure.revisions import Revision
from xenperf.measure.sides import Build, between_builds
from xenperf.report.model import Kind

DIRTY: Final = (
    "the checkout has uncommitted changes: they are in neither revision and were not measured"
)
LABELS: Final = ("base", "head")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the revisions come from."""

    repository: Path
    apart: bool = False


@click.command("compare", epilog=COMPARE_EPILOG)
@click.argument("base")
@click.argument("head")
@click.option(
    "--repo",
    default=os.curdir,
    metavar="DIR",
    help="The checkout of xenperf whose revisions are compared.  [default: here]",
)
@click.option(
    "--apart",
    is_flag=True,
    help="Give each revision processes of its own, in turn (grade B); else both share one (A).",
)
@instructions
@measuring
@click.pass_obj
def verb(streams: Streams, /, base: str, head: str, repo: str, apart: bool, **options: Any) -> int:
    """Compare two git revisions, BASE and HEAD, of the model.

    Both are exported and loaded into the same fresh processes, where they take turns: every
    benchmark by GPA and by HVA, and two of them base against base as a check of the machine.

    BASE and HEAD may also be two result files of xenperf, pyperf or asv (grade C): nothing is
    measured then, and only a large difference gets a verdict.
    """
    if are_files((base, head)):
        return files.compare(Request(**options), streams, (base, head))
    sources = Sources(Path(repo), apart)
    return compare(Request(**options), streams, (base, head), sources)


def compare(request: Request, streams: Streams, names: tuple[str, str], sources: Sources) -> int:
    """Compare the revisions called *names*; return the exit code."""
    request.check_output()
    found = [revisions.revision(sources.repository, name) for name in names]
    job = job_of(request, found, sources)
    try:
        return carry_out(job, request, streams)
    except MeasurementError as death:
        if sources.apart:
            raise
        streams.say(f"compare: the two cannot share a process ({death}); each gets its own")
        job = job_of(request, found, replace(sources, apart=True))
        return carry_out(job, request, streams)


def job_of(request: Request, found: Sequence[Revision], sources: Sources) -> Job:
    """Return what is to be measured of the revisions *found*."""
    trees = revisions.exported(sources.repository, list(found))
    builds = [Build(tree=str(trees[one.commit])) for one in found]
    if found[0].commit == found[1].commit:  # A/A: two loads of the same sources
        builds[1] = replace(builds[1], copy=1)
    names = names_of(builds, request.only)
    plan = replace(
        request.plan_of(names, drawn_seed=draw_seed()),
        comparisons=between_builds(
            list(zip(LABELS, builds, strict=True)), [n for n in SENTINELS if n in names]
        ),
        apart=sources.apart,
    )
    words = ["compare", *(one.short for one in found), *(["--apart"] if sources.apart else [])]
    return Job(
        plan,
        command(request, plan, words),
        kind=Kind.COMPARE,
        about={label: one.described for label, one in zip(LABELS, found, strict=True)},
        remarks=(DIRTY,) if revisions.has_changes(sources.repository) else (),
    )
