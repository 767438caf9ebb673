"""Result files of pyperf and asv, read as far as a comparison of two files needs them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from xenperf.record.checks import Check, expect, having, items, maybe, positive, table, text
from xenperf.record.figures import Source
from xenperf.stats.files import Figure
from xenperf.stats.interval import Interval
from xenperf.stats.robust import median
from xenperf.stats.samples import CPU_TIME, WALL_TIME

CPU_TIMERS: Final = ("thread_time", "process_time")
NS: Final = 1e9
OPERATION: Final = "ns/op"
MAX_COMBINATIONS: Final = 100_000
_SIDED: Final = re.compile(r"(?P<name>\S+)(?P<variant> [^\[\]]+)? \[(?P<side>[^\[\]]+)\]")


def anything(value: Any, where: str) -> None:
    """Want nothing in particular."""


PYPERF: Final[Mapping[str, Check]] = {
    "version": text,
    "benchmarks": items(having({"runs": items(having({}), least=1)}), least=1),
}
ASV: Final[Mapping[str, Check]] = {
    "commit_hash": text,
    "result_columns": items(text, least=1),
    "results": table(items(anything)),
}
SECONDS: Final = items(maybe(positive))


def is_pyperf(content: Any) -> bool:
    """Tell whether *content* looks like a pyperf suite."""
    return isinstance(content, dict) and "benchmarks" in content and "version" in content


def is_asv(content: Any) -> bool:
    """Tell whether *content* looks like the results of one commit by asv."""
    return isinstance(content, dict) and "result_columns" in content


def pyperf_source(content: Mapping[str, Any], path: str) -> Source:
    """Return what a pyperf suite says; ``MisshapenError`` where it is none.

    Each run with values is a process. A benchmark whose unit is not the second is left out.
    """
    having(PYPERF)(content, "")
    expect(content["version"] == "1.0", "version", "1.0, pyperf's since its version 1.0")
    common = _metadata(content, "metadata")
    figures: dict[tuple[str, str], Figure] = {}
    for idx, benchmark in enumerate(content["benchmarks"]):
        where = f"benchmarks[{idx}]"
        found = _pyperf_figure(benchmark, common, where)
        if found is not None:
            expect(found.key not in figures, where, "a name that is there once")
            figures[found.key] = found
    known = {"cpu": "cpu_model_name", "python": "python_version", "cpus": "cpu_count"}
    environment = {ours: common[name] for ours, name in known.items() if _is_plain(common, name)}
    return Source(path, "pyperf", tuple(figures.values()), environment=environment)


def asv_source(content: Mapping[str, Any], path: str) -> Source:
    """Return the timed results of one commit by asv; ``MisshapenError`` where it is no such file.

    A result is one figure, however many processes it came from: asv does not tell them apart.
    What has no 99 % interval is no timing and is left out.
    """
    having(ASV)(content, "")
    columns = content["result_columns"]
    found: list[Figure] = []
    for name, values in content["results"].items():
        row = dict(zip(columns, values, strict=False))
        found += _asv_figures(name, row, f"results.{name}")
    params = content.get("params")
    cpu = params.get("cpu") if isinstance(params, dict) else None
    environment = {"commit": content["commit_hash"][:12]}
    if isinstance(cpu, str) and cpu:
        environment["cpu"] = cpu
    return Source(path, "asv", tuple(found), environment=environment)


def _pyperf_figure(
    benchmark: Mapping[str, Any], common: Mapping[str, Any], where: str
) -> Figure | None:
    known = {**common, **_metadata(benchmark, f"{where}.metadata")}
    workers: list[float] = []
    for idx, run in enumerate(benchmark["runs"]):
        place = f"{where}.runs[{idx}]"
        known = {**_metadata(run, f"{place}.metadata"), **known}
        values = run.get("values", [])
        items(positive)(values, f"{place}.values")
        if values:
            workers.append(median(values) * NS)
    name, unit = known.get("name"), known.get("unit", "second")
    expect(isinstance(name, str) and bool(name), f"{where}.metadata.name", "a name")
    if unit != "second" or not workers or not all(map(_is_usable, workers)):
        return None
    timer, operation = str(known.get("timer", "")), known.get("operation")
    metric = CPU_TIME if any(one in timer for one in CPU_TIMERS) else WALL_TIME
    shown = operation if isinstance(operation, str) else OPERATION
    return Figure(*split_name(str(name)), shown, metric, tuple(workers))


def split_name(name: str) -> tuple[str, str]:
    """Return benchmark and variant of a name as recorded files give them to pyperf."""
    parts = _SIDED.fullmatch(name)
    if parts is None:
        return name, ""
    return parts["name"], f"{parts['variant'] or ''} {parts['side']}".strip()


def _asv_figures(name: str, row: Mapping[str, Any], where: str) -> Iterator[Figure]:
    """Yield a figure for each combination of parameters that was timed."""
    result = row.get("result")
    low, high = row.get("stats_ci_99_a"), row.get("stats_ci_99_b")
    if result is None or low is None or high is None:
        return
    for column, values in (("result", result), ("stats_ci_99_a", low), ("stats_ci_99_b", high)):
        SECONDS(values, f"{where}.{column}")
    expect(len(result) == len(low) == len(high), where, "columns of one length")
    labels = combinations(row.get("params") or [], f"{where}.params")
    expect(len(labels) == len(result), f"{where}.params", "as many combinations as results")
    for label, seconds, *bounds in zip(labels, result, low, high, strict=True):
        times = [NS * one for one in (seconds, *bounds) if one is not None]
        if len(times) == 3 and all(map(_is_usable, times)) and times[1] <= times[2]:
            interval = Interval(times[1], times[2], coverage=0.99)
            yield Figure(name, label, OPERATION, WALL_TIME, (times[0],), interval)


def combinations(params: Any, where: str) -> list[str]:
    """Return the parameters of each result, in asv's order: the last one changes fastest.

    ``MisshapenError`` for what is no list of lists of texts, or names a combination twice.
    """
    items(items(text, least=1))(params, where)
    found = [""]
    for values in params:
        expect(len(found) * len(values) <= MAX_COMBINATIONS, where, "fewer combinations")
        found = [f"{one} {value}".strip() for one in found for value in values]
    expect(len(set(found)) == len(found), where, "each combination once")
    return found


def _metadata(owner: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    found = owner.get("metadata") or {}
    table(anything)(found, where)
    known: Mapping[str, Any] = found
    return known


def _is_plain(metadata: Mapping[str, Any], name: str) -> bool:
    return isinstance(metadata.get(name), str | int | float)


def _is_usable(ns: float) -> bool:
    """Tell whether a time can be divided by and shown."""
    return 1e-12 < ns < 1e30
