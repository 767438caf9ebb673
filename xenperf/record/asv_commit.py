"""One file of asv's results: what became of each benchmark at one commit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from xenperf.record import untrusted
from xenperf.record.asv import RESULTS_VERSION
from xenperf.record.checks import Check, expect, having, items, number, table, text
from xenperf.record.foreign import anything, combinations
from xenperf.stats.history import Point, State

SKIPPED: Final = "NaN"
"""What asv writes where a benchmark raised ``NotImplementedError`` in its set-up."""

MAX_DATE_MS: Final = 253_402_300_800_000
"""The end of the year 9999, the last one that can be shown."""

_COMMIT: Final = re.compile("[0-9a-f]{40}")
FILE: Final[Mapping[str, Check]] = {
    "commit_hash": text,
    "date": number,
    "env_name": text,
    "params": having({"machine": text}),
    "result_columns": items(text, least=1),
    "results": table(items(anything)),
}


@dataclass(frozen=True, slots=True)
class Commit:
    """What one file says."""

    commit: str
    date: float
    """When it was committed, in seconds since 1970."""

    environment: str
    params: Mapping[str, str]
    """The machine, as the file describes it."""

    points: Mapping[str, Mapping[str, Point]]
    """By benchmark, then by its parameters."""

    @property
    def machine(self) -> str:
        """What asv calls the machine."""
        return self.params["machine"]


def commit_of(path: Path) -> Commit:
    """Return what the file at *path* says; ``UsageError`` where it is none of asv's results."""
    content = untrusted.load(path, str)  # NaN becomes the word, and null stays null
    with untrusted.refusing(path):
        having(FILE)(content, "")
        expect(content.get("version") == RESULTS_VERSION, "version", str(RESULTS_VERSION))
        is_commit = _COMMIT.fullmatch(content["commit_hash"]) is not None
        expect(is_commit, "commit_hash", "40 hexadecimal digits")
        expect(0 <= content["date"] < MAX_DATE_MS, "date", "milliseconds since 1970")
        columns = content["result_columns"]
        points = {
            name: _points(dict(zip(columns, values, strict=False)), f"results.{name}")
            for name, values in content["results"].items()
        }
    return Commit(
        commit=content["commit_hash"],
        date=content["date"] / 1000,
        environment=content["env_name"],
        params={name: str(value) for name, value in content["params"].items()},
        points=points,
    )


def _points(row: Mapping[str, Any], where: str) -> dict[str, Point]:
    """Return what became of a benchmark, by its parameters."""
    labels = combinations(row.get("params") or [], f"{where}.params")
    values, version = row.get("result"), str(row.get("version") or "")
    if values is None:  # all of them failed
        values = [None] * len(labels)
    expect(isinstance(values, list), f"{where}.result", "a list")
    expect(len(values) == len(labels), where, "as many results as combinations of parameters")
    return {
        label: _point(value, version, f"{where}.result[{idx}]")
        for idx, (label, value) in enumerate(zip(labels, values, strict=True))
    }


def _point(value: Any, version: str, where: str) -> Point:
    if value is None:
        return Point(State.FAILED, version=version)
    if value == SKIPPED:
        return Point(State.SKIPPED, version=version)
    number(value, where)
    return Point(State.MEASURED, float(value), version)
