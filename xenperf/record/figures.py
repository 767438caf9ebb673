"""What a file says of each cost and count, for a comparison of two files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from xenperf.measure.beside import means_of
from xenperf.measure.samples import per_operation
from xenperf.record.recorded import Plain, Recorded
from xenperf.stats.files import Figure
from xenperf.stats.robust import median
from xenperf.stats.samples import WALL_TIME

CountKey: TypeAlias = tuple[str, str, str, str]
"""Benchmark, metric, unit and side."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, whoever wrote it."""

    path: str
    writer: str
    """The tool that wrote it: xenperf, pyperf or asv."""

    figures: tuple[Figure, ...]
    counts: Mapping[CountKey, tuple[int, ...]] = field(default_factory=dict)
    """The exact figures, one of each worker."""

    environment: Mapping[str, Plain] = field(default_factory=dict)
    conditions: Mapping[str, object] = field(default_factory=dict)
    """What was measured: the guest, the kernel; empty where the file does not say."""

    begun: str = ""
    cut_short: str | None = None
    nr_workers: int = 0


def source_of(recorded: Recorded, path: str) -> Source:
    """Return what *recorded*, from *path*, says of each cost and count."""
    session = recorded.session
    plan = session.plan
    return Source(
        path,
        "xenperf",
        figures=_figures(recorded),
        counts=_counts(recorded),
        environment=recorded.environment,
        conditions={
            "slots": plan.shape.nr_slots,
            "vcpus": plan.shape.nr_vcpus,
            "port": plan.shape.port,
            "guest_bits": 64 if plan.shape.long_mode else 32,
            "backend": plan.backend,
            "slice_ns": plan.slice_ns,
            "patches": [[s.build.patches for s in c.sides] for c in plan.comparisons],
        },
        begun=recorded.begun,
        cut_short=session.cut_short,
        nr_workers=session.nr_finished,
    )


def _figures(recorded: Recorded) -> tuple[Figure, ...]:
    """Return each cost of each side, with the median of every worker."""
    found: dict[tuple[str, str, str, str], tuple[float, ...]] = {}
    counted: dict[tuple[str, str, str, str], float | None] = {}
    means = {} if recorded.instructions is None else means_of(recorded.instructions)
    for machine, message in _said(recorded):
        if message["kind"] != "cost" or "invalid" in message:
            continue
        clock = "wall_ns" if message["metric"] == WALL_TIME else "cpu_ns"
        for label in message["sides"]:
            times = per_operation(message, label, clock)
            if times is not None:
                variant = " ".join(f"{message['variant']} {machine} {label}".split())
                key = message["name"], variant, message["unit"], message["metric"]
                found[key] = (*found.get(key, ()), median(times))
                counted[key] = means.get((message["name"], message["variant"], label))
    return tuple(Figure(*key, workers, instructions=counted[key]) for key, workers in found.items())


def _said(recorded: Recorded) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each message with its worker's machine, which only those of a cluster name."""
    for said in recorded.session.workers:
        for message in said:
            yield said[0].get("machine", ""), message


def _counts(recorded: Recorded) -> dict[CountKey, tuple[int, ...]]:
    """Return each exact figure of each side, worker by worker."""
    found: dict[CountKey, tuple[int, ...]] = {}
    for machine, message in _said(recorded):
        if message["kind"] != "count" or "invalid" in message:
            continue
        for label, counts in message["sides"].items():
            side = " ".join(f"{message['variant']} {machine} {label}".split())
            for count in counts or ():
                name = f"{message['name']}.{count['subject']}"
                key = name, count["metric"], count["unit"], side
                found[key] = (*found.get(key, ()), count["value"])
    return found
