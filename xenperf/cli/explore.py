"""``xenperf explore``: every interleaving of two operations, counted and checked."""

import fnmatch
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

import click

from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.explore import session
from xenperf.explore.operations import OPERATIONS, default_pairs
from xenperf.explore.pair import Found, Pair
from xenperf.hypervisor import Activation
from xenperf.report import explored

BOTH: Final = "both"
MOST_PREEMPTIONS: Final = 4
DEFAULT_PREEMPTIONS: Final = 2
RENDER: Final = {"text": explored.render_text, "json": explored.render_json}
EPILOG: Final = """\b
Exit codes:
  0  no violation
  1  a violation was found
  2  misuse, a schedule that does not fit, or nothing was explored
  3  interrupted: only a part was explored
"""


@click.command("explore", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[A B]")
@click.option(
    "--preemptions",
    type=click.IntRange(0, MOST_PREEMPTIONS),
    default=DEFAULT_PREEMPTIONS,
    show_default=True,
    metavar="N",
    help="At most so often is an operation stopped though it could go on.",
)
@click.option(
    "--activation",
    type=click.Choice([*map(str, Activation), BOTH]),
    default=BOTH,
    show_default=True,
    help="How the caches are told where their page is.",
)
@click.option(
    "--only", multiple=True, metavar="GLOB", help="Only pairs A+B that match; may be given again."
)
@click.option("--replay", metavar="SCHEDULE", help="Run this one schedule of A and B.")
@click.option(
    "--format", "form", type=click.Choice(list(RENDER)), default="text", show_default=True
)
@click.pass_obj
def verb(
    streams: Streams,
    /,
    names: tuple[str, ...],
    preemptions: int,
    activation: str,
    only: tuple[str, ...],
    replay: str | None,
    form: str,
) -> int:
    """Run two operations in every order their steps can take, and check what is left.

    Operations: OPERATION_NAMES.

    Without A and B, every pair. The same model is interpreted, so counts are exact and equal on
    every machine. Ctrl-C keeps the pairs that are finished.
    """
    pairs = _chosen(names, only)
    activations = [a for a in Activation if activation in (BOTH, a)]
    if replay is not None:
        if not names or len(activations) != 1:
            raise UsageError("--replay", "takes one pair A B and --activation gpa or hva")
        return _replay(streams, pairs[0], activations[0], replay)
    tasks = [session.Task(*pair, by) for pair in pairs for by in activations]
    with _progress(len(tasks), streams.err) as on_finished:
        done = session.run(tasks, preemptions, on_finished)
    if not done.found:
        raise UsageError("explore", f"{done.cut_short} before a pair was finished")
    report = explored.ExploreReport(
        *(tuple(map(_shown, done.found)), preemptions, len(tasks), done.cut_short),
        _command(names, preemptions, activation, only),
    )
    streams.write(RENDER[form](report))
    if done.cut_short:
        return ExitCode.UNTRUSTED
    return ExitCode.FAILED if report.nr_violations else ExitCode.DONE


verb.help = (verb.help or "").replace("OPERATION_NAMES", ", ".join(OPERATIONS))


def _chosen(names: Sequence[str], only: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs asked for; ``UsageError`` if that is not clear."""
    for name in names:
        if name not in OPERATIONS:
            remedy = f"choose of {', '.join(OPERATIONS)}"
            raise UsageError(f"operation {name}", "no such name", remedy)
    if names and (len(names) != 2 or only):
        raise UsageError("explore", "give two operations, or --only, or neither")
    if names:
        return [(names[0], names[1])]
    known = default_pairs()
    for glob in only:
        if not any(fnmatch.fnmatch("+".join(pair), glob) for pair in known):
            raise UsageError(f"pair {glob}", "no such pair", "write it as 'send+*'")
    return [p for p in known if not only or any(fnmatch.fnmatch("+".join(p), g) for g in only)]


def _replay(streams: Streams, names: tuple[str, str], by: Activation, schedule: str) -> int:
    with Pair(*names, by) as pair:
        try:
            found = pair.replay(schedule)
        except ValueError as error:
            raise UsageError("--replay", str(error), "explore the pair again") from error
    streams.write(explored.render_replay(found.schedule, found.outcomes, found.violations))
    return ExitCode.FAILED if found.violations else ExitCode.DONE


def _shown(found: Found) -> explored.ExploredPair:
    pair = ["xenperf", "explore", found.first, found.second, "--activation", found.activation]
    violations = tuple(
        explored.ShownViolation(
            *(each.what, each.nr_schedules, each.schedule),
            shlex.join([*pair, "--replay", each.schedule]),
        )
        for each in found.violations
    )
    return explored.ExploredPair(
        *(found.first, found.second, found.activation, found.nr_schedules, found.outcomes),
        *(found.nr_refused_sends, violations),
    )


def _command(names: Sequence[str], preemptions: int, activation: str, only: Sequence[str]) -> str:
    """Return what to type to explore the same again."""
    options = [part for glob in only for part in ("--only", glob)]
    if preemptions != DEFAULT_PREEMPTIONS:
        options += ["--preemptions", str(preemptions)]
    if activation != BOTH:
        options += ["--activation", activation]
    return shlex.join(["xenperf", "explore", *names, *options])


@contextmanager
def _progress(nr_tasks: int, err: TextIO) -> Iterator[Callable[[session.Task], None]]:
    """Show a bar on *err* while the block runs; nothing if that is no terminal."""
    if not err.isatty():
        yield lambda task: None
        return
    from rich.console import Console  # here: only a terminal needs them
    from rich.progress import Progress

    with Progress(console=Console(file=err), transient=True, redirect_stdout=False) as bar:
        shown = bar.add_task("explore", total=nr_tasks)

        def finished(task: session.Task) -> None:
            bar.update(shown, advance=1, description=f"{task.first}+{task.second}")

        yield finished
