"""Exact counts of two revisions of the model side by side: a change needs a reason in a commit.

    .ci/counts BASE HEAD

HEAD is compared with the commit where it left BASE. Counted are the scenarios, every outcome case
on every kernel, and every schedule of two operations; none depends on the machine. What HEAD counts
and BASE does not is new and needs no reason.

Ends with 0: no count changed, or a commit in between has the trailer ``Counts-change: REASON``;
1: a count changed and none says why; 2: misuse, or HEAD cannot be counted.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TRAILER = "Counts-change"
SAME, CHANGED, MISUSE = 0, 1, 2
MOST_SHOWN = 60
TIMEOUT_S = 900
Counts = dict[str, str]


class RefusedError(Exception):
    """It cannot be done; the text says what and why, on one line."""


def git(*words: str) -> bytes:
    """Return what git answers; ``RefusedError`` with git's own last word if it fails."""
    done = subprocess.run(["git", *words], capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no answer"]
        raise RefusedError(f"git {words[0]}: {said[-1]}")
    return done.stdout


def commit_of(name: str) -> str:
    """Return the hash of the commit that *name* means."""
    try:
        return (
            git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").decode().strip()
        )
    except RefusedError:
        raise RefusedError(
            f"revision {name}: there is no such commit; was all of it fetched?"
        ) from None


def export(commit: str, folder: Path) -> None:
    """Unpack the package of *commit* into *folder*."""
    with tarfile.open(
        fileobj=io.BytesIO(git("archive", "--format=tar", commit, "xenperf"))
    ) as packed:
        packed.extractall(folder, filter="data")


def ask(tree: Path, *words: str) -> str:
    """Return what the xenperf in *tree* prints; ``RefusedError`` if it cannot do that."""
    done = subprocess.run(
        [sys.executable, "-m", "xenperf", *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode not in (0, 1, 3) or not done.stdout:  # 1 and 3 are answers too
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        raise RefusedError(f"xenperf {words[0]}: {said[-1]}")
    return done.stdout


def scenarios(tree: Path) -> Iterator[tuple[str, str]]:
    """Yield the counts of every scenario by each activation."""
    listed = [line.split("\t") for line in ask(tree, "list", "--format", "tsv").splitlines()]
    names = [line[0] for line in listed if line[1:2] == ["outcome"]]
    only = [word for name in names for word in ("--only", name)]
    run = json.loads(ask(tree, "run", *only, "--workers", "1", "--seed", "1", "--format", "json"))
    for row in run["rows"]:
        for side in row["sides"]:
            key = f"scenario {row['benchmark']} {row['metric']} {side}"
            yield key, f"{row[side]} {row['unit']}"


def cases(tree: Path) -> Iterator[tuple[str, str]]:
    """Yield what was observed in every outcome case."""
    played = json.loads(ask(tree, "cases", "--kernel", "all", "--format", "json"))
    for case in played["cases"]:
        yield f"case {case['id']} {case['kernel']} {case['activation']}", case["observed"]


def schedules(tree: Path) -> Iterator[tuple[str, str]]:
    """Yield what came of all schedules of each pair of operations."""
    for pair in json.loads(ask(tree, "explore", "--format", "json"))["pairs"]:
        found = {
            "schedules": pair["nr_schedules"],
            **pair["outcomes"],
            "refused": pair["nr_refused_sends"],
            "lost": pair["nr_lost_events"],
            "violations": len(pair["violations"]),
        }
        for what, count in found.items():
            key = f"explore {pair['first']}+{pair['second']} {pair['activation']}: {what}"
            yield key, str(count)


SOURCES: Sequence[Callable[[Path], Iterator[tuple[str, str]]]] = (scenarios, cases, schedules)


def counted(commit: str) -> tuple[Counts, list[str]]:
    """Return every count of *commit*, and what it could not be asked."""
    found: Counts = {}
    unable = []
    with tempfile.TemporaryDirectory(prefix="counts-") as folder:
        export(commit, Path(folder))
        for source in SOURCES:
            try:
                found |= dict(source(Path(folder)))
            except (RefusedError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
                unable.append(f"{source.__name__}: {error}")
    return found, unable


def differences(base: Counts, head: Counts) -> list[str]:
    """Return a line for each count of *base* that is another in *head*, or gone."""
    changed = [
        f"changed  {key}: {base[key]} -> {head[key]}"
        for key in base
        if key in head and base[key] != head[key]
    ]
    return changed + [f"gone     {key}: {base[key]}" for key in base if key not in head]


def reasons(base: str, head: str) -> list[str]:
    """Return the reasons that the commits after *base* give."""
    form = f"--format=%(trailers:key={TRAILER},valueonly,unfold)"
    lines = git("log", form, f"{base}..{head}").decode(errors="replace").splitlines()
    return [line.strip() for line in lines if line.strip()]


def verdict(lines: Sequence[str], given: Sequence[str]) -> tuple[int, list[str]]:
    """Return the exit code, and what to print below the counts."""
    if not lines:
        return SAME, ["no count changed"]
    shown = [*lines[:MOST_SHOWN]]
    shown += [f"... and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    if given:
        return SAME, [*shown, f"{len(lines)} changed, as the commits say:", *given]
    told = (
        f"{len(lines)} changed, and no commit says why. If that is meant, end a commit message with"
    )
    return CHANGED, [*shown, told, f"    {TRAILER}: what changed, and why that is right"]


def main(words: Sequence[str]) -> int:
    """Compare the two revisions named; print what differs; return the exit code."""
    if len(words) != 2:
        raise RefusedError("give BASE and HEAD")
    head = commit_of(words[1])
    base = git("merge-base", commit_of(words[0]), head).decode().strip()
    with ThreadPoolExecutor(2) as both:
        (before, unable_before), (after, unable) = both.map(counted, (base, head))
    if unable or not after:
        raise RefusedError(f"HEAD {head[:12]} cannot be counted: {'; '.join(unable)}")
    out = [f"{len(before)} counts of {base[:12]} against {len(after)} of {head[:12]}"]
    out += [f"not in {base[:12]}: {what}" for what in unable_before]
    nr_new = len(after.keys() - before.keys())
    out += [f"{nr_new} counts are new"] if nr_new else []
    code, rest = verdict(differences(before, after), reasons(base, head))
    sys.stdout.write("\n".join([*out, *rest]) + "\n")
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except RefusedError as refused:
        sys.stderr.write(f"counts: {refused}\n")
        sys.exit(MISUSE)
