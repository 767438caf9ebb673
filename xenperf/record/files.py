"""Two result files against each other: rows, and all that weakens them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from xenperf.errors import UsageError
from xenperf.record import foreign, untrusted
from xenperf.record.figures import CountKey, Source, source_of
from xenperf.record.recorded import is_ours, recorded_of
from xenperf.stats.files import ONLY_ONE, SIDES, file_rows
from xenperf.stats.rows import Row, count_rows
from xenperf.stats.samples import CountSample

APART: Final = (
    "not interleaved: what changed on the machine between the two recordings is in every ratio"
)
MACHINE: Final = ("cpu", "machine", "hypervisor", "clock_source", "kernel")
VERSIONS: Final = ("python", "numpy", "numba", "llvmlite")


@dataclass(frozen=True, slots=True)
class Compared:
    """What two files say together."""

    base: Source
    head: Source
    rows: tuple[Row, ...]
    remarks: tuple[str, ...]


def source(path: str | os.PathLike[str]) -> Source:
    """Return what the file at *path* says of each cost; ``UsageError`` if nobody can tell."""
    words: list[str] = []
    content = untrusted.load(path, words.append)  # null in their place: asv has intervals like that
    if words and not foreign.is_asv(content):
        raise untrusted.refusal(path, f"{words[0]} is not JSON")
    if is_ours(content):
        return source_of(recorded_of(content, path), os.fspath(path))
    with untrusted.refusing(path):
        if foreign.is_pyperf(content):
            return foreign.pyperf_source(content, os.fspath(path))
        if foreign.is_asv(content):
            return foreign.asv_source(content, os.fspath(path))
    remedy = "give a file that xenperf, pyperf or asv wrote"
    raise untrusted.refusal(path, "no result file that is known here", remedy)


def compare_files(base: str, head: str) -> Compared:
    """Return the rows of two files, the costs first; ``UsageError`` if they have none in common."""
    sides = source(base), source(head)
    rows = file_rows(sides[0].figures, sides[1].figures)
    rows += count_rows(list(_counts(*sides)))
    if not any(row.base is not None and row.head is not None for row in rows):
        raise UsageError(f"{base} and {head}", "no benchmark is in both files")
    return Compared(*sides, rows=tuple(rows), remarks=tuple(_remarks(*sides)))


def _counts(base: Source, head: Source) -> Iterator[CountSample]:
    """Yield the exact figures of either file; a file that has none says nothing about them."""
    if not base.counts or not head.counts:
        return
    keys: dict[CountKey, None] = dict.fromkeys((*base.counts, *head.counts))
    for name, metric, unit, side in keys:
        key = name, metric, unit, side
        yield CountSample(
            benchmark=name,
            metric=metric,
            unit=unit,
            base=base.counts.get(key),
            head=head.counts.get(key),
            sides=SIDES,
            variant=side,
            absent=ONLY_ONE,
        )


def _remarks(base: Source, head: Source) -> Iterator[str]:
    yield APART
    for one in (base, head):
        if one.cut_short:
            yield f"{one.path} was cut short: {one.cut_short}"
    for names, what in ((MACHINE, "machines"), (VERSIONS, "versions")):
        differing = [
            f"{name} {base.environment[name]} and {head.environment[name]}"
            for name in names
            if name in base.environment.keys() & head.environment.keys()
            and base.environment[name] != head.environment[name]
        ]
        if differing:
            yield f"different {what}: {'; '.join(differing)}"
    both = base.conditions.keys() & head.conditions.keys()
    differing = [name for name in both if base.conditions[name] != head.conditions[name]]
    if differing:
        yield f"measured in different ways: {', '.join(sorted(differing))}"
