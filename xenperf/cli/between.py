"""What verbs that compare builds have in common: names, sentinels, settings."""

import fnmatch
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from xenperf.copies import load_copy
from xenperf.errors import UsageError
from xenperf.measure.builds import UNLOADABLE
from xenperf.measure.sides import Build
from xenperf.scenarios import catalogue

SENTINELS: Final = ("send.delivered", "gpc.check")
CATALOGUE: Final = "xenperf.scenarios.catalogue"


def names_of(builds: Sequence[Build], globs: Sequence[str]) -> tuple[str, ...]:
    """Return the names that any of *builds* knows and *globs* choose, sentinels included.

    ``UsageError`` for a revision that cannot be loaded or a glob that matches nothing.
    """
    known: dict[str, None] = {}
    for build in builds:
        known |= dict.fromkeys(_names(build))
    for glob in globs:
        if not fnmatch.filter(known, glob):
            raise UsageError(f"benchmark {glob}", "no such name", "xenperf list shows them all")
    return tuple(n for n in known if not globs or any(fnmatch.fnmatch(n, g) for g in globs))


def _names(build: Build) -> list[str]:
    if build.tree is None:
        return catalogue.names()
    try:
        copy = load_copy(Path(build.tree), modules=())
        names: list[str] = copy.module(CATALOGUE).names()
    except UNLOADABLE as error:
        commit = Path(build.tree).parent.name[:12]
        reason = f"cannot be loaded: {type(error).__name__}: {error}"
        raise UsageError(f"revision {commit}", reason, "choose another one") from error
    return names
