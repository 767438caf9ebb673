"""``.ci/timings``: whatever xenperf compare ends with, a pull request does not fail for it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENV = """#!/bin/sh
echo "asked: $*"
exit {code}
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def timings(tmp_path: Path) -> Run:
    """Return what runs the script in a repository of one commit, with a xenperf of our own."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init", "-b", "main")
    git("commit", "--allow-empty", "-m", "Begin")
    git("checkout", "-b", "topic")
    git("commit", "--allow-empty", "-m", "Go on")
    (tmp_path / ".ci").mkdir()
    script = shutil.copy(ROOT / ".ci" / "timings", tmp_path / ".ci" / "timings")

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        env = tmp_path / ".ci" / "env"
        env.write_text(ENV.format(code=code))
        env.chmod(0o755)
        return subprocess.run([script, *words], capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("code", [0, 1, 3])
def test_an_answer_is_shown_and_is_no_gate(code: int, timings: Run) -> None:
    done = timings("main", "topic", code=code)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("asked: xenperf compare ")
    assert " topic --quick --format markdown\n" in done.stdout
    assert done.stdout.endswith("no gate.\n")


def test_no_answer_is_said_and_is_no_gate_either(timings: Run) -> None:
    done = timings("main", "topic", code=2)
    assert done.returncode == 0
    assert done.stdout.endswith("No timings: xenperf compare ended with 2; the log says why.\n")


@pytest.mark.parametrize("words", [(), ("main",), ("main", "elsewhere")])
def test_misuse_is_told(words: tuple[str, ...], timings: Run) -> None:
    done = timings(*words)
    assert done.returncode == 2
    assert "timings: " in done.stderr
