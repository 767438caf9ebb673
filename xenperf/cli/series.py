"""``xenperf series``: a patch series step by step, on the model or across commits."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from xenperf.cli import files, history, image_options, image_series
from xenperf.cli.between import SENTINELS, names_of
from xenperf.cli.compare import DIRTY
from xenperf.cli.exit_codes import SERIES_EPILOG
from xenperf.cli.images import identities_of
from xenperf.cli.job import Job, carry_out
from xenperf.cli.options import instructions, measuring
from xenperf.cli.request import Request, command, draw_seed
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.hypervisor import Activation
from xenperf.measure import revisions
from xenperf.measure.sides import Build, Comparison, Side, between_builds
from xenperf.model.patches import GPA_HVA, KERNELS, PATCHES
from xenperf.report.model import Kind
from xenperf.scenarios import catalogue

BASE: Final = "base"
MAX_COMMITS: Final = 16
HVA_PATCHES: Final = frozenset({"shinfo-hva", "vcpu-info-hva"})
BOUGHT: Final = "gpa to hva"
Named = list[tuple[str, Build]]


@click.command("series", epilog=SERIES_EPILOG)
@click.argument("names", nargs=-1, metavar="[BASE..HEAD | FILE... | DIR]")
@click.option(
    "--model", is_flag=True, help="The patches of the model's own series, one after another."
)
@click.option(
    "--repo",
    default=os.curdir,
    metavar="DIR",
    help="The checkout of xenperf whose commits are measured, or shown in order.  [default: here]",
)
@image_options.options
@instructions
@measuring
@click.pass_obj
def verb(
    streams: Streams, /, names: tuple[str, ...], model: bool, repo: str, **options: Any
) -> int:
    """Measure a series step by step: each step against the base and against the one before.

    With --model the steps are the patches that brought activation by HVA to KVM, switched on one
    after another. With BASE..HEAD they are the commits of this repository in that range. Result
    files are steps in the order given; they were recorded apart (grade C), so only a large
    difference gets a verdict. With DIR, asv's results of one machine, nothing is measured either:
    the steps are its commits. Exit code 1 then says that a count or a ratio changed. With --kernel,
    given for each step, they are kernel images: every one is booted several times, in turn, and
    measured inside its VM.
    """
    asked = image_options.taken_from(options)
    request = Request(**options)
    if asked is not None and not model and not names:
        return image_series.measure(request, asked, identities_of(asked), streams)
    if asked is not None:
        raise UsageError("--kernel", "images are a series of their own", "leave the rest out")
    if model and not names:
        request.check_output()
        return carry_out(model_job(request), request, streams)
    if model or not names:
        raise UsageError(
            "series",
            "give --model, BASE..HEAD, files or images",
            "see xenperf series --help",
        )
    if history.is_history(names):
        return history.show(request, streams, names[0], Path(repo), "series")
    if files.are_files(names):
        if len(names) < 2:
            raise UsageError(names[0], "one file is no series", "give two or more")
        return files.series(request, streams, names)
    if len(names) > 1:
        raise UsageError(f"series {names[1]}", "one range at a time", "give BASE..HEAD")
    request.check_output()
    return carry_out(commits_job(request, names[0], Path(repo)), request, streams)


def model_job(request: Request) -> Job:
    """Return the job that switches the patches of the merged kernel on, one after another."""
    merged = [name for name in PATCHES if name in KERNELS[GPA_HVA]]
    builds: Named = [(BASE, Build(patches=()))]
    for nr_patches, name in enumerate(merged, start=1):
        builds.append((name, Build(patches=tuple(merged[:nr_patches]))))
    chosen = catalogue.select(request.only)
    names = tuple(n for n in chosen if request.only or not _is_control(n))
    about = {BASE: "before the series", **{name: _patch_line(name) for name in merged}}
    able = [each for each in builds if set(each[1].patches or ()) >= HVA_PATCHES]
    compared = between_builds(builds, _sentinels(names), by_hva=able, against_previous=True)
    return _job(request, names, (*compared, _bought(builds)), about, ["series", "--model"])


def commits_job(request: Request, commits: str, repository: Path) -> Job:
    """Return the job that measures every commit of a range."""
    found = revisions.revisions(repository, commits)
    if len(found) > MAX_COMMITS:
        reason = f"{len(found)} commits, more than {MAX_COMMITS}"
        raise UsageError(f"range {commits}", reason, "choose a shorter range")
    trees = revisions.exported(repository, found)
    builds = [(one.short, Build(tree=str(trees[one.commit]))) for one in found]
    names = names_of([build for _, build in builds], request.only)
    about = {one.short: one.subject for one in found}
    words = ["series", f"{found[0].short}..{found[-1].short}"]
    remarks = (DIRTY,) if revisions.has_changes(repository) else ()
    compared = between_builds(builds, _sentinels(names), against_previous=True)
    return _job(request, names, (*compared, _bought(builds)), about, words, remarks)


def _job(
    request: Request,
    names: tuple[str, ...],
    comparisons: tuple[Comparison, ...],
    about: dict[str, str],
    words: Sequence[str],
    remarks: tuple[str, ...] = (),
) -> Job:
    plan = replace(request.plan_of(names, drawn_seed=draw_seed()), comparisons=comparisons)
    return Job(
        plan,
        command(request, plan, words),
        kind=Kind.SERIES,
        about=about,
        remarks=remarks,
    )


def _bought(builds: Named) -> Comparison:
    """Return what the whole series buys: the first build by GPA against the last by HVA."""
    (first, base), (last, head) = builds[0], builds[-1]
    sides = (
        Side(f"{first} gpa", Activation.GPA, base),
        Side(f"{last} hva", Activation.HVA, head),
    )
    return Comparison(sides, variant=BOUGHT, has_controls=False)


def _sentinels(names: tuple[str, ...]) -> list[str]:
    return [name for name in SENTINELS if name in names]


def _is_control(name: str) -> bool:
    return not catalogue.is_scenario(name) and catalogue.benchmark(name).is_control


def _patch_line(name: str) -> str:
    """Return the subject of a patch, with the commits that brought it."""
    patch = PATCHES[name]
    return f"{patch.subject} ({', '.join(patch.commits)})" if patch.commits else patch.subject
