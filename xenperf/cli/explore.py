"""``xenperf explore``: every interleaving of two operations, counted and checked."""

import fnmatch
import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

import click

from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.kernel_options import kernel_options, kernel_words
from xenperf.cli.progress import bar
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.explore import session
from xenperf.explore.operations import OPERATIONS, default_pairs, names_on
from xenperf.explore.pair import Found, Pair
from xenperf.explore.schedule import names_of, parse
from xenperf.explore.session import Task
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation
from xenperf.model.patches import GPA_HVA, choose, describe
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
@kernel_options
@click.option("--replay", metavar="SCHEDULE", help="Run this one schedule of A and B.")
@click.option(
    "--format", "form", type=click.Choice(list(RENDER)), default="text", show_default=True
)
@click.pass_obj
def verb(streams: Streams, /, form: str, **options: Any) -> int:
    """Run two operations in every order their steps can take, and check what is left.

    Operations: OPERATION_NAMES.

    Without A and B, every pair. The same model is interpreted, so counts are exact and equal on
    every machine. Ctrl-C keeps the pairs that are finished.
    """
    chosen = Chosen(**options)
    patches, pairs = chosen.patches, chosen.pairs()
    activations = chosen.activations()
    if chosen.replay is not None:
        if not chosen.names or len(activations) != 1:
            raise UsageError("--replay", "takes one pair A B and --activation gpa or hva")
        return _replay(streams, Task(*pairs[0], activations[0], patches), chosen.replay)
    tasks = [Task(*pair, by, patches) for pair in pairs for by in activations]
    done = _explored(tasks, chosen.preemptions, streams.err)
    if not done.found:
        raise UsageError("explore", f"{done.cut_short} before a pair was finished")
    report = explored.ExploreReport(
        tuple(_shown(found, chosen.kernel_words) for found in done.found),
        chosen.preemptions,
        len(tasks),
        done.cut_short,
        chosen.command,
        describe(patches),
        _has_hva(patches),
    )
    streams.write(RENDER[form](report))
    if done.cut_short:
        return ExitCode.UNTRUSTED
    return ExitCode.FAILED if report.nr_violations else ExitCode.DONE


verb.help = (verb.help or "").replace("OPERATION_NAMES", ", ".join(OPERATIONS))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for."""

    names: tuple[str, ...]
    preemptions: int
    activation: str
    only: tuple[str, ...]
    kernel: str | None
    added: tuple[str, ...]
    removed: tuple[str, ...]
    replay: str | None

    @property
    def patches(self) -> frozenset[str]:
        """What the kernel is built with; ``UsageError`` if it cannot be."""
        return choose(self.kernel or GPA_HVA, self.added, self.removed)

    @property
    def kernel_words(self) -> list[str]:
        """The options that choose the same kernel."""
        return kernel_words(self.kernel, self.added, self.removed)

    def activations(self) -> list[Activation]:
        """Return those asked for that the kernel has; ``UsageError`` if there is none."""
        has_hva = _has_hva(self.patches)
        if self.activation == Activation.HVA and not has_hva:
            thing = f"kernel {describe(self.patches)}"
            raise UsageError(thing, "it has no activation by HVA", "use --activation gpa")
        wanted = [a for a in Activation if self.activation in (BOTH, a)]
        return wanted if has_hva else [Activation.GPA]

    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs asked for; ``UsageError`` if that is not clear."""
        names, only = self.names, self.only
        for name in names:
            _check_operation(name, self.patches)
        if names and (len(names) != 2 or only):
            raise UsageError("explore", "give two operations, or --only, or neither")
        if names:
            return [(names[0], names[1])]
        known = default_pairs(self.patches)
        for glob in only:
            if not any(fnmatch.fnmatch("+".join(pair), glob) for pair in known):
                raise UsageError(f"pair {glob}", "no such pair", "write it as 'send+*'")
        return [p for p in known if not only or any(fnmatch.fnmatch("+".join(p), g) for g in only)]

    @property
    def command(self) -> str:
        """What to type to explore the same again."""
        options = [part for glob in self.only for part in ("--only", glob)]
        if self.preemptions != DEFAULT_PREEMPTIONS:
            options += ["--preemptions", str(self.preemptions)]
        if self.activation != BOTH:
            options += ["--activation", self.activation]
        return shlex.join(["xenperf", "explore", *self.names, *self.kernel_words, *options])


def _check_operation(name: str, patches: frozenset[str]) -> None:
    if name not in OPERATIONS:
        raise UsageError(
            f"operation {name}", "no such name", f"choose of {', '.join(names_on(patches))}"
        )
    needed = OPERATIONS[name].needs
    if needed is not None and needed not in patches:
        raise UsageError(f"operation {name}", f"needs {needed}", f"add --with {needed}")


def _has_hva(patches: frozenset[str]) -> bool:
    return patches >= {"shinfo-hva", "vcpu-info-hva"}


def _explored(tasks: Sequence[Task], nr_preemptions: int, err: TextIO) -> session.Session:
    """Explore *tasks*, with a bar on *err*."""
    finished = itertools.count(1)
    with bar(err) as show:
        return session.run(
            tasks,
            nr_preemptions,
            lambda task: show(next(finished), len(tasks), f"{task.first}+{task.second}"),
        )


def _replay(streams: Streams, task: Task, schedule: str) -> int:
    names = names_of(task.first, task.second)
    try:
        parse(schedule, names)
    except ValueError as error:
        example = f"write it as '{names[0]}:12 {names[1]} {names[0]}'"
        raise UsageError("--replay", str(error), example) from error
    with Pair(task.first, task.second, task.activation, Tap(patches=task.patches)) as pair:
        try:
            found = pair.replay(schedule)
        except ValueError as error:
            raise UsageError("--replay", str(error), "explore the pair again") from error
    streams.write(explored.render_replay(found.schedule, found.outcomes, found.violations))
    return ExitCode.FAILED if found.violations else ExitCode.DONE


def _shown(found: Found, kernel: list[str]) -> explored.ExploredPair:
    pair = ["xenperf", "explore", found.first, found.second, *kernel]
    pair += ["--activation", found.activation]
    violations = tuple(
        explored.ShownViolation(
            *(each.what, each.nr_schedules, each.schedule),
            shlex.join([*pair, "--replay", each.schedule]),
        )
        for each in found.violations
    )
    return explored.ExploredPair(
        *(found.first, found.second, found.activation, found.nr_schedules, found.outcomes),
        *(found.nr_refused_sends, found.nr_lost_events, violations),
    )
