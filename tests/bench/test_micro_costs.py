"""The pyperf scripts: files that pyperf reads, its options, one line for a mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xenperf.jit import INTERPRETED
from xenperf.record.files import source
from xenperf.stats.samples import CPU_TIME, WALL_TIME

ROOT = Path(__file__).parents[2]
MICRO = ROOT / "bench" / "micro"
COSTS = str(MICRO / "costs.py")
WORDS = str(MICRO / "words.py")
FEW = ("--processes", "2", "--values", "2", "--min-time", "0.005")
ONE = ("--processes", "1", "--values", "1", "--min-time", "0.001")

pytestmark = pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is timed")


def run(*words: str, path: str = str(ROOT), **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **environ},
        check=False,
    )


def record(path: Path, *words: str) -> dict[str, Any]:
    """Run a script with -o *path*, and return what it wrote there."""
    recorded = run(*words, "-o", str(path))
    assert recorded.returncode == 0, recorded.stderr
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_two_files_can_be_shown_checked_and_compared(tmp_path: Path) -> None:
    files = [str(tmp_path / f"{activation}.json") for activation in ("gpa", "hva")]
    for path in files:
        words = ("--activation", Path(path).stem, "--only", "lock.re*", *FEW)
        record(Path(path), COSTS, *words)
    for command, shown in (("stats", "Total number of run: "), ("hist", "#"), ("check", "")):
        told = run("-m", "pyperf", command, files[0])
        assert (told.returncode, told.stderr) == (0, "")
        assert shown in told.stdout
    compared = run("-m", "pyperf", "compare_to", "--table", *files)
    assert compared.returncode == 0, compared.stderr
    assert "lock.read" in compared.stdout


def test_cpu_time_is_told_to_whoever_reads_the_file(tmp_path: Path) -> None:
    found = {}
    for name, words in (("cpu", ("--cpu-time",)), ("wall", ())):
        path = tmp_path / f"{name}.json"
        record(path, COSTS, "--activation", "hva", "--only", "lock.read", *ONE, *words)
        (figure,) = source(path).figures
        found[name] = figure.metric
    assert found == {"cpu": CPU_TIME, "wall": WALL_TIME}


def test_workers_run_on_the_cpus_asked_for_and_say_what_they_measured(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cpu = str(min(os.sched_getaffinity(0)))
    words = ("--activation", "gpa", "--only", "lock.read", "--affinity", cpu)
    content = record(path, COSTS, *words, *ONE)
    known = {**content["metadata"], **content["benchmarks"][0].get("metadata", {})}
    assert known["cpu_affinity"] == cpu
    assert known["xenperf_activation"] == "gpa"
    assert len(known["xenperf_sources"]) == 16


def test_two_interpreters_can_be_compared() -> None:
    words = ("--activation", "gpa", "--only", "lock.read", "--compare-to", sys.executable)
    compared = run(COSTS, *words, "--python-names", "a:b", *ONE)
    assert compared.returncode == 0, compared.stderr
    assert "[a] " in compared.stdout
    assert " -> [b] " in compared.stdout


def test_workers_inherit_what_decides_which_code_they_run(tmp_path: Path) -> None:
    told = (
        f"import sys; sys.path.insert(0, {str(MICRO)!r})\n"
        f"sys.argv = [{COSTS!r}, '--inherit-environ', 'MINE']\n"
        "import scripts\n"
        "runner = scripts.runner_of('x', lambda words, args: None)\n"
        "print(*scripts.begin(runner).inherit_environ)\n"
    )
    names = run("-c", told).stdout.split()
    assert names[0] == "MINE"
    assert {"PYTHONPATH", "XENPERF_CACHE_DIR", "NUMBA_DISABLE_JIT", "HOME"} <= set(names)


def test_every_operation_on_a_word_does_what_it_says() -> None:
    told = (
        f"import sys, contextlib; sys.path.insert(0, {str(MICRO)!r})\n"
        "import words\n"
        "with contextlib.ExitStack() as stack:\n"
        "    for made in words.KERNELS:\n"
        "        loop = words.preparing(made)(stack)\n"
        "        print(made.name, loop(4096), loop(8192))\n"
    )
    shown = run("-c", told)
    assert shown.returncode == 0, shown.stderr
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert len(lines) == 12
    assert all(line[1:] == ["4096", "8192"] for line in lines)


def test_words_are_recorded_by_name(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    record(path, WORDS, "--only", "word.exchange", *ONE)
    (figure,) = source(path).figures
    assert figure.benchmark == "word.exchange"


@pytest.mark.parametrize("script", [COSTS, WORDS])
def test_help_describes_the_script(script: str) -> None:
    shown = run(script, "--help")
    assert shown.returncode == 0
    for option in ("--only", "--cpu-time", "--affinity", "--inherit-environ", "--rigorous"):
        assert option in shown.stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((COSTS, "--activation", "gfn"), "invalid choice: 'gfn' (choose from 'gpa', 'hva')"),
        ((COSTS,), "the following arguments are required: --activation"),
        ((COSTS, "--activation", "gpa", "--only", "nothing.*"), "--only nothing.*: no such name;"),
        ((WORDS, "--only", "word.x"), "--only word.x: no such name; there are word.load, "),
    ],
)
def test_a_mistake_ends_with_its_reason_and_no_traceback(
    words: tuple[str, ...], named: str
) -> None:
    refused = run(*words)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    *usage, last = refused.stderr.splitlines()
    assert named in last
    assert all(line.startswith("usage: costs.py --activation") for line in usage)


@pytest.mark.parametrize("name", ["pyperf", "xenperf"])
def test_a_package_that_is_missing_is_named_with_the_remedy(name: str, tmp_path: Path) -> None:
    planted = f'raise ModuleNotFoundError("No module named {name!r}", name={name!r})\n'
    (tmp_path / f"{name}.py").write_text(planted)
    refused = run(COSTS, "--activation", "gpa", path=f"{tmp_path}:{ROOT}")
    assert refused.returncode == 3
    assert refused.stderr.startswith(f"costs.py: {name} is not installed for ")
    assert refused.stderr.endswith("pip install '.[bench]' in a checkout of xenperf\n")
    assert refused.stderr.count("\n") == 1
