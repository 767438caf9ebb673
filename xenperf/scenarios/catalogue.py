"""Everything that can be run, by name."""

import fnmatch
from collections.abc import Sequence
from typing import Final

from xenperf.errors import UsageError
from xenperf.hypervisor import Feature
from xenperf.scenarios.atomic import AtomicOverlay
from xenperf.scenarios.break_apart import BreakApart
from xenperf.scenarios.changes import OtherFrameRemap, SameFrameRemap, UnrelatedSlotChange
from xenperf.scenarios.controls import CONTROLS
from xenperf.scenarios.event_sources import EventSources
from xenperf.scenarios.hot_paths import HOT_PATHS
from xenperf.scenarios.kinds import Benchmark, Scenario

BENCHMARKS: Final[tuple[Benchmark, ...]] = (*HOT_PATHS, *CONTROLS)
SCENARIOS: Final[tuple[Scenario, ...]] = (
    BreakApart(),
    EventSources(),
    OtherFrameRemap(),
    SameFrameRemap(),
    UnrelatedSlotChange(),
    AtomicOverlay(),
)


def names() -> list[str]:
    """Return every name, costs first, in the order of the catalogue."""
    return [entry.name for entry in BENCHMARKS] + [entry.name for entry in SCENARIOS]


def select(globs: Sequence[str]) -> list[str]:
    """Return the names that match one of *globs*, all if there are none.

    ``UsageError`` names a glob that matches nothing: it is more likely a slip than a wish.
    """
    known = names()
    for glob in globs:
        if not fnmatch.filter(known, glob):
            raise UsageError(f"benchmark {glob}", "no such name", "xenperf list shows them all")
    return [name for name in known if not globs or any(fnmatch.fnmatch(name, g) for g in globs)]


def benchmark(name: str) -> Benchmark:
    """Return the benchmark called *name*; ``KeyError`` if it is none."""
    return {entry.name: entry for entry in BENCHMARKS}[name]


def scenario(name: str) -> Scenario:
    """Return the scenario called *name*; ``KeyError`` if it is none."""
    return {entry.name: entry for entry in SCENARIOS}[name]


def needs(name: str) -> frozenset[Feature]:
    """Return what a back end must offer to be asked *name*."""
    return frozenset() if is_scenario(name) else benchmark(name).needs


def is_scenario(name: str) -> bool:
    """Tell whether *name* is a scenario and not a benchmark."""
    return any(entry.name == name for entry in SCENARIOS)
