"""The command line of the mutation check: parse, run, render, exit."""

import datetime
import itertools
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Final

import click

from tests.mutation.fault import chosen, load
from tests.mutation.report import RENDER, Report, outcome_of
from tests.mutation.session import WIDER, Result, Runner
from xenperf.errors import XenperfError
from xenperf.measure.environment import describe
from xenperf.record.atomic import ensure_writable, write_text

BAR: Final = 95.0
EPILOG: Final = """\b
Exit codes:
  0  enough of the faults were caught
  1  fewer than the bar
  2  misuse, or a fault whose text no longer fits the code
  3  interrupted, or the tests fail with nothing planted
"""


@click.command(epilog=EPILOG)
@click.option(
    "--only", multiple=True, metavar="GLOB", help="Only faults that match; may be given again."
)
@click.option("--list", "is_list", is_flag=True, help="Name the faults and stop.")
@click.option(
    "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Faults at a time."
)
@click.option(
    "--timeout",
    type=click.FloatRange(1.0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="For a fault's own tests; the wider ones get ten times that. A timeout is a catch.",
)
@click.option(
    "--bar",
    type=click.FloatRange(0, 100),
    default=BAR,
    show_default=True,
    metavar="PERCENT",
    help="So many have to be caught.",
)
@click.option("--own", is_flag=True, help="Run each fault's own tests only, not the wider ones.")
@click.option("--format", "form", type=click.Choice(list(RENDER)), default="text")
@click.option("-o", "--output", metavar="FILE", help="Write the report there.")
def verb(
    only: tuple[str, ...],
    is_list: bool,
    jobs: int,
    timeout: float,
    bar: float,
    own: bool,
    form: str,
    output: str | None,
) -> int:
    """Plant faults in copies of the model, one at a time, and see whether the tests notice.

    The checkout is never edited. Ctrl-C reports the faults that are finished.
    """
    faults = chosen(load(), only)
    if is_list:
        _say("\n".join(f"{fault.name}: {fault.kind}. {fault.rule}" for fault in faults), err=False)
        return 0
    if output is not None:
        ensure_writable(output)
    conditions = _conditions()
    session = Runner(timeout=timeout, wider=() if own else WIDER).run(
        faults, jobs, _progress(len(faults))
    )
    seconds = f"{session.seconds:.0f} s, {jobs} at a time"
    report = Report(session, bar, conditions["command"], conditions | {"took": seconds})
    text = RENDER[form](report)
    if output is None:
        _say(text.rstrip("\n"), err=False)
    else:
        write_text(output, text)
    if session.is_cut_short:
        return 3
    return 0 if report.is_above_bar else 1


def console(arguments: Sequence[str] | None = None) -> int:
    """Run the command; an error is one line."""
    try:
        code: int = verb.main(arguments, "python -m tests.mutation", standalone_mode=False)
    except XenperfError as error:
        _say(f"mutation: {error}")
        return error.exit_code
    except click.ClickException as error:
        _say(f"mutation: {error.format_message()}; see --help")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("mutation: interrupted before anything was finished")
        return 3
    return code


def _conditions() -> dict[str, str]:
    """Return what a reader needs to judge the figures, taken before the run."""
    here = describe()
    now = datetime.datetime.now(datetime.UTC)
    machine = f"{here['cpu']}, CPUs {here['cpus']}, hypervisor: {here['hypervisor']}"
    return {
        "command": shlex.join(["python", "-m", "tests.mutation", *sys.argv[1:]]),
        "machine": f"{machine}, load {here['load_1min']}",
        "kernel": str(here["kernel"]),
        "versions": f"python {here['python']}, numpy {here['numpy']}, numba {here['numba']}",
        "commit": str(here["commit"]),
        "date": f"{now:%Y-%m-%d}",
    }


def _progress(nr_faults: int) -> Callable[[Result], None]:
    """Return what tells each result on standard error, counted."""
    counter = itertools.count(1)

    def tell(result: Result) -> None:
        by = f" by {result.run.test}" if result.run.test else ""
        line = f"{result.fault.name}: {outcome_of(result)}{by} ({result.seconds:.1f} s)"
        _say(f"[{next(counter)}/{nr_faults}] {line}")

    return tell


def _say(text: str, *, err: bool = True) -> None:
    click.echo(text, err=err)
