"""The suite of today against the package of yesterday: it loads, and runs what is there.

A benchmark that a commit has no rooms for is skipped with the reason; nothing fails, and asv finds
the same benchmarks with the same parameters on every commit.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.bench import drive

ROOT = Path(__file__).parents[2]
EVERY = 8
NOT_COUNTED = "^(?!bench_instructions)"  # Valgrind for each commit; they share their guard
REASONS = ("this commit ", "this commit's catalogue lacks ", "backend live", "NUMBA_DISABLE_JIT")
Found = list[dict[str, Any]]


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True).stdout


def commits() -> list[str]:
    """Return every eighth commit, the oldest first; skip where the history is not there."""
    try:
        shallow = git("rev-parse", "--is-shallow-repository").decode().strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git repository: there are no older commits to run the suite against")
    if shallow == "true":
        pytest.skip("a shallow clone: git fetch --unshallow brings the older commits")
    return git("rev-list", "--reverse", "--first-parent", "HEAD").decode().split()[::EVERY]


def exported(commit: str, folder: Path) -> Path:
    """Export the package of *commit*; return what to put on the path."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, "xenperf"))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def driven(package: Path) -> Found:
    """Run the present suite against *package*, interpreted."""
    settings = {"PYTHONPATH": str(package), "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, drive.__file__, str(ROOT / "bench"), NOT_COUNTED]
    ran = subprocess.run(
        command, check=True, capture_output=True, cwd=package, env={**os.environ, **settings}
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def told(found: Found, became: str) -> dict[str, str]:
    """Return why, by benchmark, of all that became the same."""
    return {
        f"{each['name']}{tuple(each['parameters'])}": each.get("why", "")
        for each in found
        if each["became"] == became
    }


@pytest.mark.slow
def test_the_suite_runs_against_every_eighth_commit(tmp_path: Path) -> None:
    listed = None
    has_rooms = False
    for commit in commits():
        found = driven(exported(commit, tmp_path / commit))
        assert told(found, "failed") == {}, commit
        skipped = told(found, "skipped")
        assert all(why.startswith(REASONS) for why in skipped.values()), (commit, skipped)
        names = [(each["name"], each["parameters"]) for each in found]
        assert names == (listed or names), commit
        listed = names
        has_rooms = has_rooms or bool(told(found, "ran"))
        if has_rooms:
            assert len(told(found, "ran")) > len(found) / 2, (commit, skipped)
    assert has_rooms


def test_a_package_without_any_room_skips_all_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "xenperf").mkdir()
    (tmp_path / "xenperf" / "__init__.py").write_text("")
    found = driven(tmp_path)
    assert {each["became"] for each in found} == {"skipped"}
    assert all("No module named 'xenperf." in each["why"] for each in found)
