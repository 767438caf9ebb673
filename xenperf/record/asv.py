"""A recorded run as asv keeps results: a folder for a machine, in it a file for each commit.

After asv 0.6: ``Results.save``, ``Machine.save`` and ``Benchmarks.save`` say what the files hold. A
cost becomes a timed benchmark with the side as its parameter, a count a tracked one.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from xenperf.errors import UsageError
from xenperf.record import untrusted
from xenperf.record.atomic import write_text
from xenperf.record.figures import Source
from xenperf.stats.interval import Interval
from xenperf.stats.robust import median, sign_interval

NS: Final = 1e-9
VERSION: Final = "1"
"""Of each benchmark: asv joins no figures of different ones."""

RESULTS_VERSION: Final = 2
MACHINE_VERSION: Final = 1
ENVIRONMENT: Final = "xenperf"
PREFIX: Final = "xenperf."
SIDE: Final = "side"
CONFIDENCE: Final = 0.99
COLUMNS: Final = (
    *("result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"),
    *("stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples", "profile"),
)
_MACHINE_NAME: Final = re.compile(r"\w[\w.-]*", re.ASCII)
Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a run belongs in asv's history."""

    folder: Path
    """asv's ``results_dir``."""

    machine: str
    commit: str
    """All 40 digits."""

    committed_at: int
    """When, in seconds since 1970."""

    @property
    def path(self) -> Path:
        """The file of the commit, as asv calls it."""
        return self.folder / self.machine / f"{self.commit[:8]}-{ENVIRONMENT}.json"


def export(source: Source, target: Target) -> Path:
    """Write what *source* holds where asv looks for it; return the file of the commit.

    The benchmarks are added to asv's list of them, ``benchmarks.json``; a machine that is already
    described stays so. ``UsageError`` where that cannot be.
    """
    if _MACHINE_NAME.fullmatch(target.machine) is None:
        raise UsageError(f"machine {target.machine}", "no name of a folder", "use letters, digits")
    listed = target.folder / "benchmarks.json"
    known = untrusted.load(listed) if listed.exists() else {"version": RESULTS_VERSION}
    if not isinstance(known, dict) or known.get("version") != RESULTS_VERSION:
        raise untrusted.refusal(listed, f"not asv's list, version {RESULTS_VERSION}")
    costs, counts = _costs(source), _counts(source)
    content = _results(source, target, {**costs, **counts})
    described = target.path.parent / "machine.json"
    try:
        target.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(str(target.path.parent), f"cannot be made: {error.strerror}") from error
    if not described.exists():
        _write(described, {**_machine(source, target), "version": MACHINE_VERSION})
    new = {name: _described(name, row, "time", "seconds") for name, row in costs.items()}
    new |= {name: _described(name, row, "track", "unit") for name, row in counts.items()}
    _write(listed, {**known, **new})
    _write(target.path, content)
    return target.path


def _results(source: Source, target: Target, rows: Mapping[str, Content]) -> Content:
    python = str(source.environment.get("python") or "")
    return {
        "commit_hash": target.commit,
        "env_name": ENVIRONMENT,
        "date": target.committed_at * 1000,
        "params": {**_machine(source, target), "python": python},
        "python": python,
        "requirements": {},
        "env_vars": {},
        "result_columns": list(COLUMNS),
        "results": {name: _trimmed([row.get(c) for c in COLUMNS]) for name, row in rows.items()},
        "durations": {},
        "version": RESULTS_VERSION,
    }


def _machine(source: Source, target: Target) -> Content:
    found = source.environment
    known = {"arch": "machine", "cpu": "cpu", "num_cpu": "cpus", "os": "kernel"}
    said = {name: str(found.get(ours) or "") for name, ours in known.items()}
    return {**said, "machine": target.machine, "ram": ""}


def _costs(source: Source) -> dict[str, Content]:
    """Return asv's columns for each cost: a figure for each side, with the workers' medians."""
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    for figure in source.figures:
        found.setdefault(PREFIX + figure.benchmark, {})[figure.variant] = figure.workers_ns
    return {name: _cost(sides) for name, sides in found.items()}


def _cost(sides: Mapping[str, tuple[float, ...]]) -> Content:
    """Return the columns of one cost; the statistics only where all sides have enough workers."""
    samples = [[NS * ns for ns in workers] for workers in sides.values()]
    row = {**_row(list(sides)), "result": [median(one) for one in samples]}
    bounds = [sign_interval(one, CONFIDENCE) for one in samples]
    if any(bound.coverage == 1.0 for bound in bounds):  # unbounded: asv can store no such thing
        return row
    quarters = [_quarters(one) for one in samples]
    return {
        **row,
        **_bounds(bounds),
        "stats_q_25": [low for low, _ in quarters],
        "stats_q_75": [high for _, high in quarters],
        "stats_number": [1 for _ in samples],
        "stats_repeat": [len(one) for one in samples],
        "samples": samples,
    }


def _bounds(bounds: list[Interval]) -> Content:
    return {
        "stats_ci_99_a": [bound.low for bound in bounds],
        "stats_ci_99_b": [bound.high for bound in bounds],
    }


def _quarters(values: list[float]) -> tuple[float, float]:
    """Return the medians of the lower and of the upper half (Tukey's hinges)."""
    ordered = sorted(values)
    half = (len(ordered) + 1) // 2
    return median(ordered[:half]), median(ordered[-half:])


def _counts(source: Source) -> dict[str, Content]:
    """Return asv's columns for each count on which all workers agree."""
    found: dict[str, dict[str, float]] = {}
    for (benchmark, metric, _, side), values in source.counts.items():
        if len(set(values)) == 1:
            found.setdefault(f"{PREFIX}{benchmark}.{metric}", {})[side] = float(values[0])
    return {name: {**_row(list(s)), "result": list(s.values())} for name, s in found.items()}


def _row(sides: list[str]) -> Content:
    return {"params": [[repr(side) for side in sides]], "version": VERSION}


def _described(name: str, row: Content, kind: str, unit: str) -> Content:
    """Return what asv's list says of a benchmark."""
    return {
        "code": "",
        "name": name,
        "param_names": [SIDE],
        "params": row["params"],
        "pretty_name": name,
        "type": kind,
        "unit": unit,
        "version": VERSION,
    }


def _trimmed(values: list[Any]) -> list[Any]:
    """Return *values* without the nulls at their end, as asv writes them."""
    while values and values[-1] is None:
        values.pop()
    return values


def _write(path: Path, content: Content) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
