"""``xenperf probe``: can this machine be trusted with times, and what can be had on it?"""

from dataclasses import asdict
from typing import Final

import click

from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.streams import Streams
from xenperf.measure import environment, probe
from xenperf.report.probe import ProbeReport, ShownFact, render_json, render_text, render_tsv

RENDER: Final = {"text": render_text, "json": render_json, "tsv": render_tsv}
EPILOG: Final = """\b
Exit codes:
  0  nothing found that forbids to trust times
  2  misuse
  3  times measured now should not be trusted: the hypervisor keeps more than
     10 % of the time, or a busy task gets less than 20 % of a processor
"""


@click.command("probe", epilog=EPILOG)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(RENDER)),
    default="text",
    show_default=True,
    help="tsv has the name in its first column, and no titles.",
)
@click.pass_obj
def verb(streams: Streams, /, form: str) -> int:
    """Look at this machine, say what matters for measuring and what you can do; change nothing.

    Takes a few seconds, since some things only trying tells: how much of a processor one gets, what
    the clocks cost, how short a slice may be.
    """
    facts = [ShownFact(**asdict(fact)) for fact in probe.facts()]
    report = ProbeReport(tuple(facts), environment.describe())
    streams.write(RENDER[form](report))
    return ExitCode.UNTRUSTED if report.untrusted else ExitCode.DONE
