"""Planted changes are found: 5 % by the ratio track and by a comparison, behaviour by a count.

Both are planted in a step that compiled loops in other files inline.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import xenperf
from tests.bench import drive
from xenperf.jit import INTERPRETED

PACKAGE = Path(xenperf.__file__).parent
BENCH = Path(__file__).parents[2] / "bench"
PFNCACHE = Path("xenperf", "model", "pfncache.py")
COST = "send.after_slot_change"
LONG_S = 600  # a planted fault may run for ever
# one locked operation that changes nothing, in every lookup of a memslot: only by GPA
MORE_WORK = (
    (
        "    count_one(cpu + CPU_NR_LOOKUPS)\n",
        "    compare_exchange64(gpc, GPA_ERROR, GPA_ERROR)\n",
    ),
    ("from xenperf.words import (\n", "    compare_exchange64,\n"),
)
# caches by GPA no longer notice that the memslots have changed
OTHER_BEHAVIOUR = (
    "    return bool(load64(gpc + GPC_GENERATION) != generation(vm))\n",
    "    return False\n",
)
RATIO = """
import sys
from asv_runner._aux import update_sys_path
update_sys_path(sys.argv[1])
from bench.bench_ratios import HotPaths
case = HotPaths()
case.setup(sys.argv[2])
print(case.track_hva_over_gpa(sys.argv[2]))
"""


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


def copied(folder: Path, edit: Callable[[str], str] = str) -> Path:
    """Copy the package to *folder* and plant *edit* in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "xenperf", ignore=ignored, dirs_exist_ok=True)
    path = folder / PFNCACHE
    path.write_text(edit(path.read_text()))
    return folder


def slowed(text: str) -> str:
    """Plant the locked operation."""
    for place, more in MORE_WORK:
        assert text.count(place) == 1
        text = text.replace(place, place + more)
    return text


def misled(text: str) -> str:
    """Plant the other behaviour."""
    before, after = OTHER_BEHAVIOUR
    assert text.count(before) == 1
    return text.replace(before, after)


def output(package: Path, *words: str, **settings: str) -> str:
    """Run Python on *package* and return what it wrote."""
    env = {**os.environ, "PYTHONPATH": str(package), **settings}
    command = [sys.executable, *words]
    ran = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=package, env=env, timeout=LONG_S
    )
    return ran.stdout


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is timed")
def test_a_locked_operation_in_a_step_moves_the_ratio(tmp_path: Path) -> None:
    packages = copied(tmp_path / "before"), copied(tmp_path / "after", slowed)
    found: dict[Path, list[float]] = {package: [] for package in packages}
    for round_idx in range(6):  # a process has a layout of its own, which moves a ratio by 1 %
        for package in packages[:: 1 if round_idx % 2 else -1]:
            found[package].append(float(output(package, "-c", RATIO, str(BENCH), COST)))
    before, after = (statistics.median(found[package]) for package in packages)
    assert 0.85 < after / before < 0.98, found


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is timed")
def test_a_comparison_finds_it_and_nothing_else(tmp_path: Path) -> None:
    git(copied(tmp_path), "init", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "Begin")
    copied(tmp_path, slowed)
    git(tmp_path, "commit", "-am", "Look up a memslot more slowly")
    words = ("compare", "HEAD~1", "HEAD", "--repo", str(tmp_path), "--format", "json")
    command = [sys.executable, "-m", "xenperf", *words, "--only", COST, "--only", "send.merged"]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    ran = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    rows = json.loads(ran.stdout)["rows"]
    verdicts = {
        (row["benchmark"], row["variant"]): row["verdict"] for row in rows if not row["control"]
    }
    assert ran.returncode == 1, (verdicts, ran.stderr)
    assert verdicts.pop((COST, "gpa")) == "slower"
    assert "slower" not in verdicts.values()


def test_another_behaviour_moves_exact_counts(tmp_path: Path) -> None:
    def counts(package: Path) -> dict[str, Any]:
        words = (drive.__file__, str(BENCH), "UnrelatedSlotChange")
        lines = output(package, *words, NUMBA_DISABLE_JIT="1").splitlines()
        found = [json.loads(line) for line in lines]
        return {f"{each['name']} {each['parameters'][0]}": each["value"] for each in found}

    before, after = counts(copied(tmp_path / "before")), counts(copied(tmp_path / "after", misled))
    moved = {name.rpartition(".")[2] for name in before if before[name] != after[name]}
    assert {"track_slow_sends gpa", "track_shadowed_selectors gpa"} <= moved
    assert not any(name.endswith(" hva") for name in moved)
