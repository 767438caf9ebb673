"""Which method of comparing tells a real difference from noise: on this suite, on this machine.

    python bench/evidence/power.py record -o slices.jsonl --workers 120
    python bench/evidence/power.py judge slices.jsonl

``record`` runs fresh workers. Each times every cost in six copies of one build that take turns:
the base, the base again, and four with 1, 3, 5 and 10 % more operations, really executed. It adds
a line to the file for each worker and goes on where a stopped run ended.

``judge`` then asks four methods for their verdict on disjoint sets of those workers: xenperf's own,
the t test of pyperf, the Mann-Whitney test as benchstat applies it, and the rule of asv. The last
three compare different processes, once in the order A A A ... B B B ... and once as A B B A ....
"""

import argparse
import fnmatch
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from methods import EFFECTS, LABELS, Times, table

from xenperf.hypervisor import Activation
from xenperf.measure import environment
from xenperf.measure.plan import Plan
from xenperf.measure.process import messages
from xenperf.measure.sides import Build, Comparison, Side
from xenperf.scenarios.catalogue import BENCHMARKS

TOO_COARSE: Final = ("slots.overlay_cycle",)  # a slice has few cycles: 1 % of them is less than one
HEADER: Final = "header"


def plan(seed: int, globs: Sequence[str]) -> Plan:
    """Return what every worker measures."""
    known = [entry.name for entry in BENCHMARKS if entry.name not in TOO_COARSE]
    names = tuple(n for n in known if not globs or any(fnmatch.fnmatch(n, g) for g in globs))
    return Plan(names, comparisons=tuple(map(planted, Activation)), seed=seed, compile_all=False)


def planted(activation: Activation) -> Comparison:
    """Return the six sides, by one activation.

    Each has a copy of its own. Sides that shared one would run its code more often than the base
    runs its own, and a branch predictor that learns from that makes them look faster.
    """
    sides = [
        Side(label, activation, Build(copy=idx), planted=effect)
        for idx, (label, effect) in enumerate(zip(LABELS, EFFECTS, strict=True))
    ]
    has_controls = activation is Activation.GPA
    return Comparison(tuple(sides), variant=str(activation), has_controls=has_controls)


def record(path: Path, nr_workers: int, seed: int, globs: Sequence[str]) -> None:
    """Append a line for each worker until there are *nr_workers*."""
    nr_done = sum(1 for line in _lines(path) if HEADER not in line)
    with path.open("a", encoding="utf-8") as file:
        if not nr_done:
            file.write(json.dumps({HEADER: environment.describe()}) + "\n")
        for worker_idx in range(nr_done, nr_workers):
            said = list(messages(plan(seed, globs).for_worker(worker_idx)))
            file.write(json.dumps({"said": said}) + "\n")
            file.flush()
            os.fsync(file.fileno())
            print(f"\rworker {worker_idx + 1} of {nr_workers}", end="", file=sys.stderr)
    print(file=sys.stderr)


def times(path: Path) -> Times:
    """Return the slices of every cost: by name, side and worker, in nanoseconds an operation."""
    found: Times = {}
    for line in _lines(path):
        for message in line.get("said", ()):
            if message["kind"] != "cost" or "invalid" in message:
                continue
            sides = found.setdefault(f"{message['name']} {message['variant']}", {})
            for label, slices in message["sides"].items():
                per_operation = [ns / message["n"] for ns in slices["cpu_ns"]]
                sides.setdefault(label, []).append(per_operation)
    return found


def loads(path: Path) -> list[float]:
    """Return the load when each worker began."""
    return [
        message["conditions"]["load_1min"]
        for line in _lines(path)
        for message in line.get("said", ())
        if message["kind"] == "begin"
    ]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of *path*; a last one that was cut off is dropped."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return


def judge(paths: Sequence[Path]) -> str:
    """Return the table of verdicts; rows in a later file replace those of an earlier one."""
    machines = [measured_on(path) for path in paths]
    known = [times(path) for path in paths]
    merged = {name: sides for each in known for name, sides in each.items()}
    return "\n\n".join([*machines, table(merged)])


def measured_on(path: Path) -> str:
    """Return what a file was recorded on."""
    described = next(_lines(path))[HEADER]
    load = loads(path)
    loaded = f"load {min(load):.1f} to {max(load):.1f}"
    return (
        f"{described['cpu']}, {described['cpus']} CPUs, {described['hypervisor']}, Linux "
        f"{described['kernel']}, Python {described['python']}, Numba {described['numba']}; "
        f"commit {described['commit']}; {len(load)} workers; {loaded}"
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="run workers and keep their slices")
    recording.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    recording.add_argument("--workers", type=int, default=120, metavar="N")
    recording.add_argument("--seed", type=int, default=1, metavar="N")
    recording.add_argument("--only", action="append", default=[], metavar="GLOB")
    judging = verbs.add_parser("judge", help="print what each method makes of them")
    judging.add_argument("files", type=Path, nargs="+", metavar="FILE")
    chosen = parser.parse_args()
    if chosen.verb == "record":
        record(chosen.output, chosen.workers, chosen.seed, chosen.only)
        return
    for path in chosen.files:
        if not path.is_file():
            parser.error(f"{path}: no such file; make it with record")
    print(judge(chosen.files))


if __name__ == "__main__":
    main()
