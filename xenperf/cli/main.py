"""The command ``xenperf``: finds the verb, runs it, and turns errors into one line and a code.

A verb is imported when it is used: ``xenperf --help`` loads neither Numba nor NumPy.
"""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple, TextIO

import click

from xenperf import __version__
from xenperf.cli.streams import Streams
from xenperf.errors import UsageError, XenperfError

NAME: Final = "xenperf"


class Verb(NamedTuple):
    """Where a verb is, and what it does in a few words."""

    module: str
    summary: str


VERBS: Final = {
    "run": Verb("xenperf.cli.run", "Measure GPA against HVA: costs and outcomes side by side."),
    "compare": Verb(
        "xenperf.cli.compare", "Compare two git revisions of the model, or two result files."
    ),
    "series": Verb("xenperf.cli.series", "Measure a patch series step by step."),
    "sweep": Verb("xenperf.cli.sweep", "Measure how costs grow with memslots and vCPUs."),
    "selfcheck": Verb(
        "xenperf.cli.selfcheck", "Compare the suite with itself: what can this machine tell?"
    ),
    "resume": Verb("xenperf.cli.resume", "Go on with a recorded measurement that was stopped."),
    "report": Verb("xenperf.cli.report", "Show a recorded file again, in any form."),
    "convert": Verb("xenperf.cli.convert", "Write a recorded run among the results of asv."),
    "cases": Verb("xenperf.cli.cases", "Play the outcome cases: what a kernel must answer."),
    "load": Verb("xenperf.cli.load", "Raise events while memslots change: what becomes of them."),
    "explore": Verb(
        "xenperf.cli.explore", "Run two operations in every order of their steps, and check."
    ),
    "probe": Verb(
        "xenperf.cli.probe", "Look whether times taken here can be trusted; change nothing."
    ),
    "boot": Verb("xenperf.cli.boot", "Boot a kernel image in a VM and run xenperf inside."),
    "list": Verb("xenperf.cli.list_", "Show every benchmark and scenario that can be run."),
}


class LazyGroup(click.Group):
    """A group that knows its verbs by name and imports none to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order they are listed."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb and return its command; each module calls it ``verb``."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name].module).verb
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line for each verb."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])


@click.group(
    cls=LazyGroup,
    no_args_is_help=False,
    subcommand_metavar="VERB [OPTIONS]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
def group() -> None:
    """Tell what it costs, and what it loses, to find Xen's shared pages by GPA instead of by HVA.

    Exit codes: 0 done and nothing slower; 1 something slower; 2 misuse or nothing measured; 3
    undecided, untrusted, or this machine cannot. `xenperf VERB --help` says more.
    """


def main(argv: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Run the command line *argv* without the program's name; return its exit code."""
    streams = Streams(out, err)
    try:
        return _invoke(argv, streams)
    except click.exceptions.UsageError as error:
        path = error.ctx.command_path if error.ctx else NAME
        streams.say(_refusal(path, error))
        return UsageError.exit_code
    except XenperfError as error:
        streams.say(f"{NAME}: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        streams.say(f"{NAME}: interrupted; nothing was kept")
        return UsageError.exit_code


def console() -> int:
    """Run the command line of this process: the entry point ``xenperf``."""
    return main(sys.argv[1:], _open_stream(sys.stdout), _open_stream(sys.stderr))


def _invoke(argv: Sequence[str], streams: Streams) -> int:
    """Run the verb; Click's own words, such as a help page, go to the streams as well."""
    said = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(said),
            group.make_context(NAME, list(argv), obj=streams) as context,
        ):
            return int(group.invoke(context))
    except click.exceptions.Exit as finished:
        streams.write(said.getvalue())
        return finished.exit_code


def _refusal(path: str, error: click.exceptions.UsageError) -> str:
    """Return the one line for what Click refused."""
    reason = " ".join(error.format_message().split()).rstrip(".")
    return f"{path}: {reason}; try {path} --help"


def _open_stream(stream: TextIO | None) -> TextIO:
    """Return *stream*; nowhere if the caller closed it before this process began."""
    return open(os.devnull, "w") if stream is None else stream
