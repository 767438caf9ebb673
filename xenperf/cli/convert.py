"""``xenperf convert``: a recorded run among the results of asv."""

import os
import platform
from pathlib import Path

import click

from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.measure import revisions
from xenperf.record.asv import Target, export
from xenperf.record.figures import source_of
from xenperf.record.recorded import read
from xenperf.report.model import Kind

DIRTY = "-dirty"


@click.command("convert")
@click.argument("file")
@click.argument("directory")
@click.option(
    "--repo",
    default=os.curdir,
    metavar="DIR",
    help="The checkout of xenperf that knows the commit.  [default: here]",
)
@click.option(
    "--machine",
    default=platform.node,
    metavar="NAME",
    help="What asv calls the machine.  [default: this host's name]",
)
@click.pass_obj
def verb(streams: Streams, /, file: str, directory: str, repo: str, machine: str) -> int:
    """Write the recorded run in FILE to DIRECTORY, the results_dir of asv.

    asv publish, show and compare then show it beside its own. The other way needs no converting:
    xenperf compare reads asv's files, and a recorded FILE is a file of pyperf as it is.
    """
    recorded = read(file)
    if recorded.kind != Kind.RUN:
        several = "cells" if recorded.kind == Kind.SWEEP else "revisions"
        reason = f"a {recorded.kind} has several {several}, asv's files have one each"
        raise UsageError(file, reason, "convert the file of a run")
    if recorded.session.plan.counts:
        reason = "it counted instructions, and asv would take them for seconds"
        raise UsageError(file, reason, "convert the file of a run that was timed")
    commit = str(recorded.environment.get("commit") or "")
    if not commit or commit.endswith(DIRTY):
        reason = "no commit says what was measured, for there were changes beside it"
        raise UsageError(file, reason, "commit them and run again")
    found = revisions.revision(Path(repo), commit)
    committed_at = revisions.committed_at(Path(repo), found)
    target = Target(Path(directory), machine, found.commit, committed_at)
    streams.say(f"{export(source_of(recorded, file), target)}: written")
    return 0
