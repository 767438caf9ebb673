"""Folders of asv's results with planted figures: what asv 0.6 writes, key by key."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a"]
SIDES = [["'gpa'", "'hva'"]]
LISTED = {
    "bench.Away.track_refused_sends": ("track", "events", SIDES),
    "bench.Hot.track_hva_over_gpa": ("track", "ratio", [["'send'", "'check'"]]),
    "bench.Send.time_batch": ("time", "seconds", SIDES),
    "bench.Send.time_floor_empty_batch": ("time", "seconds", SIDES),
    "bench.Sources.track_source_digest": ("track", "digest", []),
    "bench.Send.peakmem_batch": ("peakmem", "bytes", []),
    "bench.Send.track_instructions": ("track", "instructions", []),
}
Figures = Mapping[str, Any]


def commit(nr: int) -> str:
    """Return the hash of the commit of number *nr*."""
    return f"{nr:02x}" * 20


def plant(results: Path, steps: Sequence[Figures], machine: str = "box") -> Path:
    """Write a file for each of *steps*, oldest first; return the folder of the machine."""
    folder = results / machine
    folder.mkdir(parents=True)
    known = {"machine": machine, "cpu": "a CPU", "num_cpu": "2", "os": "Linux 6.9", "arch": "x"}
    (folder / "machine.json").write_text(json.dumps({**known, "version": 1}))
    listed: dict[str, Any] = {
        name: {"name": name, "type": kind, "unit": unit, "params": params, "version": "1"}
        for name, (kind, unit, params) in LISTED.items()
    }
    (results / "benchmarks.json").write_text(json.dumps({**listed, "version": 2}))
    for nr, figures in enumerate(steps, start=1):
        plant_commit(folder, nr, figures, params=known)
    return folder


def plant_commit(folder: Path, nr: int, figures: Figures, **changed: Any) -> Path:
    """Write the file of the commit of number *nr*; *changed* replaces keys of it."""
    content = {
        "commit_hash": commit(nr),
        "env_name": "virtualenv-py3.11",
        "date": 1_700_000_000_000 + nr * 86_400_000,
        "params": {"machine": folder.name},
        "python": "3.11",
        "result_columns": COLUMNS,
        "results": {name: _row(name, values) for name, values in figures.items()},
        "durations": {},
        "version": 2,
        **changed,
    }
    path = folder / f"{content['commit_hash'][:8]}-{content['env_name']}.json"
    path.write_text(json.dumps(content))
    return path


def _row(name: str, values: Any) -> list[Any]:
    """Return a row as asv writes it; a mapping says the version too."""
    version = "1"
    if isinstance(values, Mapping):
        version, values = values["version"], values["result"]
    params = LISTED[name][2] if name in LISTED else []
    return [values, params, version, 1, 0.5, [float("-inf")]]
