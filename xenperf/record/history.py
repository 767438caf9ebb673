"""A folder of asv's results as one history: benchmarks across commits, whoever wrote the files.

After asv 0.6: ``Results.save`` says what a file holds. ``null`` stands for a benchmark that failed,
``NaN`` for one that was skipped.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from xenperf.errors import UsageError
from xenperf.record import untrusted
from xenperf.record.asv import RESULTS_VERSION
from xenperf.record.asv_commit import Commit, commit_of
from xenperf.record.checks import having, maybe, table, text
from xenperf.stats.history import History, Kind, Point, State, Step, Track, is_whole

LISTED: Final = "benchmarks.json"
MACHINE: Final = "machine.json"
SUFFIX: Final = ".json"
MAX_FILES: Final = 2000
FLOOR: Final = "time_floor_"
KNOWN: Final = ("cpu", "arch", "num_cpu", "os", "ram")
BENCHMARK: Final = having({"type": text})
Key = tuple[str, str, str]
"""Benchmark, parameters and environment."""


def read(folder: Path, only: Sequence[str] = ()) -> History:
    """Return what the results in *folder* say, the commits in the order of their dates.

    A file that cannot be read, or is of another machine, is named and left out. ``UsageError``
    where there are no results, or results of several machines to choose from.

    only
        Globs; benchmarks whose name, or name with parameters, matches none are left out.
    """
    place = machine_folder(folder)
    listed = _listed(place.parent / LISTED)
    name, remarks = _machine(place)
    commits = []
    for path in _files(place):
        try:
            one = commit_of(path)
        except UsageError as error:
            remarks.append(f"left out: {error}")
            continue
        if one.machine != name:
            remarks.append(f"left out: {path.name}: of the machine {one.machine}, not of {name}")
            continue
        commits.append(one)
    if not commits:
        reason = untrusted.printable("; ".join([f"no results of {name}", *remarks]))
        raise UsageError(str(place), reason, "asv run writes them")
    commits.sort(key=lambda one: (one.date, one.commit))
    unlisted = {known for one in commits for known in one.points} - listed.keys()
    if unlisted:
        remarks.append(f"left out: {len(unlisted)} benchmarks that {LISTED} no longer has")
    dates = {one.commit: one.date for one in reversed(commits)}
    steps = [Step(commit, date) for commit, date in reversed(dates.items())]
    places = {step.commit: at for at, step in enumerate(steps)}
    return History(
        folder=str(folder),
        machine=name,
        steps=tuple(steps),
        tracks=tuple(_tracks(commits, places, listed, only)),
        environment={key: commits[-1].params[key] for key in KNOWN if commits[-1].params.get(key)},
        remarks=tuple(map(untrusted.printable, (*remarks, *_differing(commits)))),
    )


def machine_folder(folder: Path) -> Path:
    """Return the folder of one machine: *folder* itself, or the only one in it."""
    if (folder / MACHINE).is_file() or (folder.parent / LISTED).is_file():
        return folder
    found = sorted(one.parent for one in folder.glob(f"*/{MACHINE}"))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name for one in found)
        raise UsageError(str(folder), f"results of several machines: {names}", "choose one")
    reason = f"no folder of asv's results: neither {LISTED} nor {MACHINE} is there"
    raise UsageError(str(folder), reason, "give results/MACHINE")


def _listed(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return what asv's list says of each benchmark."""
    content = untrusted.load(path)
    if not isinstance(content, dict) or content.get("version") != RESULTS_VERSION:
        raise untrusted.refusal(path, f"not asv's list, version {RESULTS_VERSION}")
    found = {name: entry for name, entry in content.items() if name != "version"}
    with untrusted.refusing(path):
        table(BENCHMARK)(found, "")
        for name, entry in found.items():
            maybe(text)(entry.get("unit"), f"{name}.unit")
    return found


def _machine(place: Path) -> tuple[str, list[str]]:
    """Return what the machine is called, and what has to be said of that."""
    path = place / MACHINE
    if not path.exists():
        return place.name, [f"{MACHINE} is missing: the name of the folder stands for the machine"]
    content = untrusted.load(path)
    name = content.get("machine") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name:
        raise untrusted.refusal(path, "it names no machine", "asv machine --yes writes it")
    return name, []


def _files(place: Path) -> Iterator[Path]:
    try:
        names = sorted(one for one in os.listdir(place) if one.endswith(SUFFIX) and one != MACHINE)
    except OSError as error:
        raise UsageError(str(place), f"cannot be read: {error.strerror}") from error
    if len(names) > MAX_FILES:
        raise UsageError(str(place), f"{len(names)} files, more than {MAX_FILES}")
    return (place / name for name in names)


def _differing(commits: Sequence[Commit]) -> Iterator[str]:
    """Yield what was not the same at all commits, and so is in the figures."""
    for name in ("cpu", "num_cpu", "os", "python"):
        found = list(dict.fromkeys(one.params.get(name, "") for one in commits))
        if len(found) > 1:
            yield f"not the same at all commits: {name}: {', '.join(one or '-' for one in found)}"
    environments = list(dict.fromkeys(one.environment for one in commits))
    if len(environments) > 1:
        yield f"recorded in several environments: {', '.join(environments)}"


def _tracks(
    commits: Sequence[Commit],
    places: Mapping[str, int],
    listed: Mapping[str, Mapping[str, Any]],
    only: Sequence[str],
) -> Iterator[Track]:
    """Yield a track for each benchmark and combination of parameters."""
    found: dict[Key, dict[int, Point]] = {}
    for one in commits:
        for name, by_params in one.points.items():
            for params, point in by_params.items():
                points = found.setdefault((name, params, one.environment), {})
                points[places[one.commit]] = point
    for (name, params), points in sorted(_joined(found).items()):
        if name in listed and _is_wanted(name, params, only):
            entry = listed[name]
            unit = str(entry.get("unit") or "")
            values = tuple(points.get(at, Point()) for at in range(len(places)))
            kind = _kind(name, str(entry["type"]), unit, values)
            yield Track(name, params, unit, kind, _positive(kind, values))


def _joined(found: Mapping[Key, dict[int, Point]]) -> dict[tuple[str, str], dict[int, Point]]:
    """Return the points without their environments, but where a commit has two."""
    by_name: dict[tuple[str, str], list[tuple[str, dict[int, Point]]]] = {}
    for (name, params, environment), points in found.items():
        by_name.setdefault((name, params), []).append((environment, points))
    joined = {}
    for (name, params), several in by_name.items():
        places = [at for _, points in several for at in points]
        if len(set(places)) == len(places):
            joined[name, params] = {at: one for _, points in several for at, one in points.items()}
        else:
            joined |= {(name, f"{params} [{env}]".strip()): points for env, points in several}
    return joined


def _is_wanted(name: str, params: str, only: Sequence[str]) -> bool:
    full = f"{name} {params}".rstrip()
    return not only or any(fnmatch(name, glob) or fnmatch(full, glob) for glob in only)


def _kind(name: str, type_: str, unit: str, points: Sequence[Point]) -> Kind:
    """Return what sort of figures these are; a floor is a bare call, and no cost."""
    if name.rpartition(".")[2].startswith(FLOOR):
        return Kind.FLOOR
    if type_ != "track":
        return Kind.COST
    if unit == "ratio":
        return Kind.RATIO
    if unit.startswith("instructions"):
        return Kind.INSTRUCTIONS
    values = [point.value for point in points if point.state is State.MEASURED]
    return Kind.COUNT if unit != "digest" and is_whole(values) else Kind.OTHER


def _positive(kind: Kind, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return *points*; what must be above 0 and is not counts as failed."""
    if kind not in (Kind.RATIO, Kind.COST):
        return points
    return tuple(
        Point(State.FAILED, version=one.version)
        if one.state is State.MEASURED and one.value <= 0
        else one
        for one in points
    )
