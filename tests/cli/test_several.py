"""Several command lines in one process: each is run, the worst exit code is told."""

import io

import pytest

from xenperf.cli import several


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return several.run(words, out, err), out.getvalue(), err.getvalue()


def test_each_command_line_says_its_own() -> None:
    code, out, err = run("--version", "++", "list", "--help")
    assert (code, err) == (0, "")
    assert out.startswith("xenperf ")
    assert "Usage: xenperf list" in out


@pytest.mark.parametrize(
    "words", [("nonsense", "++", "--version"), ("--version", "++", "nonsense")]
)
def test_one_that_fails_hinders_no_other_and_is_told(words: tuple[str, ...]) -> None:
    code, out, err = run(*words)
    assert code == 2
    assert out.startswith("xenperf ")
    assert "nonsense" in err


def test_the_module_is_the_one_that_a_vm_runs() -> None:
    assert several.__name__ == several.MODULE
