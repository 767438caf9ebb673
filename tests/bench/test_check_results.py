"""bench/check_results.py: what asv records without a word is named and counted."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import check_results

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOOD = {
    "bench_send.Delivered.time_batch": [[1e-3, math.nan], [["'gpa'", "'hva'"]], "1"],
    "bench_digest.Sources.track_source_digest": [[17], [], "1"],
}
BAD_ROW = json.dumps(
    {"commit_hash": COMMIT, "result_columns": ["result", "params"], "results": {"a": [[1], 7]}}
)
Check = Callable[..., tuple[int, list[str]]]


def write(folder: Path, name: str = "01234567-env.json", machine: str = "", **more: Any) -> Path:
    """Write a commit's file as asv does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    content = {
        "commit_hash": COMMIT,
        "params": {"machine": machine or folder.name},
        "result_columns": ["result", "params", "version", "samples"],
        "results": GOOD,
        **more,
    }
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The folder of a machine, with one good commit."""
    folder = tmp_path / "results" / "box"
    write(folder)
    (folder / "machine.json").write_text("{}")
    return folder


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def run() -> tuple[int, list[str]]:
        code = check_results.main([str(tmp_path / "results")])
        return code, capsys.readouterr().out.splitlines()

    return run


def test_skipped_is_not_failed(box: Path, check: Check) -> None:
    assert check() == (0, ["box: 1 files, 0 problems"])


def test_a_failed_combination_is_named_and_the_rest_stands(box: Path, check: Check) -> None:
    bad = {**GOOD, "bench_send.Merged.time_batch": [[None, 1e-3], [["'gpa'", "'hva'"]], "1"]}
    bad["bench_digest.Sources.track_source_digest"] = [None, [], "1"]
    write(box, results=bad)
    code, lines = check()
    assert code == 1
    assert sorted(lines) == [
        "box: 1 files, 2 problems",
        "box: commit 01234567: bench_digest.Sources.track_source_digest: failed",
        "box: commit 01234567: bench_send.Merged.time_batch('gpa'): failed",
    ]


def test_a_commit_that_did_not_build_is_one_line(box: Path, check: Check) -> None:
    nothing = {name: [None, *row[1:]] for name, row in GOOD.items()}
    write(box, "89abcdef-env.json", commit_hash=COMMIT[8:], results=nothing)
    code, lines = check()
    assert code == 1
    assert lines[0].startswith("box: commit 89abcdef: nothing recorded: it did not build")
    assert lines[1:] == ["box: 2 files, 1 problems"]


def test_a_file_of_another_machine_is_named(box: Path, check: Check) -> None:
    write(box, "89abcdef-env.json", machine="laptop")
    code, lines = check()
    assert code == 1
    assert lines[0].startswith("box: 89abcdef-env.json: measured on machine laptop; move it")


def test_machines_in_folders_of_their_own_are_fine(box: Path, check: Check) -> None:
    write(box.parent / "laptop")
    (box.parent / "laptop" / "machine.json").write_text("{}")
    assert check() == (0, ["box: 1 files, 0 problems", "laptop: 1 files, 0 problems"])


def test_a_folder_without_its_machine_file_is_named(box: Path, check: Check) -> None:
    (box / "machine.json").unlink()
    code, lines = check()
    assert code == 1
    assert lines[0].startswith("box: no machine.json: asv publish")


@pytest.mark.parametrize("content", ["", "[]", '{"results": []}', "{", "\0", BAD_ROW])
def test_a_file_that_is_no_result_is_named(content: str, box: Path, check: Check) -> None:
    (box / "89abcdef-env.json").write_text(content)
    code, lines = check()
    assert code == 1
    assert lines[0].startswith("box: 89abcdef-env.json: not a result of asv: ")


def test_a_folder_without_results_is_refused_in_one_line(tmp_path: Path) -> None:
    script = str(Path(check_results.__file__))
    found = subprocess.run(
        [sys.executable, script, str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr == f"{tmp_path / 'none'}: no results of asv; asv run records them\n"
