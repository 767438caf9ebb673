"""Runs every benchmark of an asv suite once and prints what became of each, one JSON object a line.

    python tests/bench/drive.py SUITE [EXPRESSION]

It discovers and runs as asv does, by asv's own runner, but in one process and with batches of a few
operations: so it says whether a suite loads and runs against whatever package Python finds. Only
benchmarks that the regular expression matches are run. Of long lists of parameters the first and
the last are taken.
"""

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asv_runner._aux import update_sys_path
from asv_runner.benchmarks.mark import SkipNotImplemented
from asv_runner.discovery import disc_benchmarks

FEW = {"common": {"BATCH": 32, "BATCHES": 1}, "bench_ratios": {"ROUNDS": 2, "SLICE_NS": 1}}
FEW_MORE = {"bench_memory": {"SENDS": 32}}


def few_operations(suite: str) -> None:
    """Let a few operations do: a multiple of every cycle."""
    for module, constants in {**FEW, **FEW_MORE}.items():
        vars(sys.modules[f"{suite}.{module}"]).update(constants)


def combinations(benchmark: Any) -> Iterator[tuple[Any, ...]]:
    """Return every combination of parameters; of long lists only the first and the last."""
    ends = [tuple(dict.fromkeys((axis[0], axis[-1]))) for axis in benchmark._params]
    return itertools.product(*ends)


def outcome(benchmark: Any, parameters: tuple[Any, ...], caches: dict[str, Any]) -> dict[str, Any]:
    """Run one combination, with what ``setup_cache`` found; say what it came to."""
    key = benchmark.setup_cache_key
    if key is not None and key not in caches:
        caches[key] = benchmark.do_setup_cache()
    benchmark.set_cache(caches.get(key))
    benchmark._current_params = parameters
    try:
        for setup in benchmark._setups:
            setup(*benchmark._build_params())
        value = benchmark.func(*benchmark._build_params())
        return {"became": "ran", "value": value}
    except SkipNotImplemented as reason:
        return {"became": "skipped", "why": str(reason)}
    except Exception as error:  # whatever it is, the others are still wanted
        return {"became": "failed", "why": f"{type(error).__name__}: {error}"}
    finally:
        benchmark.do_teardown()


def main(folder: Path, expression: str) -> None:
    update_sys_path(str(folder))
    benchmarks = list(disc_benchmarks(str(folder)))
    few_operations(folder.name)
    caches: dict[str, Any] = {}
    for benchmark in benchmarks:
        if re.search(expression, benchmark.name):
            for parameters in combinations(benchmark):
                found = outcome(benchmark, parameters, caches)
                line = {"name": benchmark.name, "parameters": parameters, **found}
                sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else "")
