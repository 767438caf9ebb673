"""The pyperf script: a JSON file that pyperf's own commands read, and one line for a mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xenperf.jit import INTERPRETED

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "bench" / "micro" / "costs.py"

pytestmark = pytest.mark.skipif(INTERPRETED, reason="interpreted: nothing is timed")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_two_files_can_be_shown_and_compared(tmp_path: Path) -> None:
    files = []
    for activation in ("gpa", "hva"):
        files.append(str(tmp_path / f"{activation}.json"))
        few = ("--processes", "2", "--values", "2", "--min-time", "0.005", "-o", files[-1])
        recorded = run(str(SCRIPT), "--activation", activation, "--only", "lock.re*", *few)
        assert recorded.returncode == 0, recorded.stderr
    stats = run("-m", "pyperf", "stats", files[0])
    assert "Total number of run: " in stats.stdout
    compared = run("-m", "pyperf", "compare_to", "--table", *files)
    assert compared.returncode == 0, compared.stderr
    assert "lock.read" in compared.stdout


def test_help_describes_the_script() -> None:
    shown = run(str(SCRIPT), "--help")
    assert shown.returncode == 0
    assert "--activation" in shown.stdout


@pytest.mark.parametrize(
    "words", [("--activation", "gfn"), (), ("--activation", "gpa", "--only", "nothing.*")]
)
def test_a_mistake_ends_with_a_message_and_no_traceback(words: tuple[str, ...]) -> None:
    refused = run(str(SCRIPT), *words)
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert refused.stderr.strip()
