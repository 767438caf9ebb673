"""``xenperf list``: what can be run, a line each."""

import json
from dataclasses import asdict, astuple, dataclass
from typing import Final

import click

from xenperf.cli.exit_codes import ExitCode
from xenperf.cli.streams import Streams
from xenperf.report.model import SCHEMA
from xenperf.report.table import Column, lay_out
from xenperf.scenarios import catalogue

COUNT_UNIT: Final = "count"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of the catalogue."""

    name: str
    kind: str
    """``cost``, ``control`` or ``outcome``."""

    unit: str
    summary: str


@click.command("list")
@click.option(
    "--only", multiple=True, metavar="GLOB", help="Only names that match; may be given again."
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["text", "tsv", "json"]),
    default="text",
    show_default=True,
    help="tsv has the name in its first column, and no titles.",
)
@click.pass_obj
def verb(streams: Streams, /, only: tuple[str, ...], name: str) -> int:
    """Show every benchmark and scenario: its name, what it measures, and the unit.

    A cost is timed. An outcome is counted, exactly. A control is timed though the activation cannot
    touch it: it tells whether this machine can be trusted.
    """
    entries = [_entry(each) for each in catalogue.select(only)]
    render = {"text": _text, "tsv": _tsv, "json": _json}[name]
    streams.write(render(entries))
    return ExitCode.DONE


def _entry(name: str) -> Entry:
    if catalogue.is_scenario(name):
        return Entry(name, "outcome", COUNT_UNIT, catalogue.scenario(name).summary)
    found = catalogue.benchmark(name)
    return Entry(name, "control" if found.is_control else "cost", found.unit, found.summary)


def _text(entries: list[Entry]) -> str:
    columns = (Column("name"), Column("kind"), Column("unit"), Column("summary", wraps=True))
    return "".join(f"{line}\n" for line in lay_out(columns, [astuple(e) for e in entries]))


def _tsv(entries: list[Entry]) -> str:
    return "".join("\t".join(astuple(entry)) + "\n" for entry in entries)


def _json(entries: list[Entry]) -> str:
    content = {"schema": SCHEMA, "kind": "list", "entries": [asdict(e) for e in entries]}
    return json.dumps(content, indent=2) + "\n"
