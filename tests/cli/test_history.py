"""``xenperf series DIR`` and ``report DIR``: asv's results, shown and told what changed."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.record.planted_asv import commit, plant, plant_commit

Invoke = Callable[..., Any]
COUNT = "bench.Away.track_refused_sends"
RATIO = "bench.Hot.track_hva_over_gpa"
TIME = "bench.Send.time_batch"
FLOOR = "bench.Send.time_floor_empty_batch"
STEADY = {COUNT: [64, 0], RATIO: [0.40, 1.0], TIME: [2e-3, 1e-3], FLOOR: [1e-6, 1e-6]}
OTHER = {**STEADY, COUNT: [64, 3], RATIO: [0.40, 1.2]}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Return results in which the second commit changes a count, and a ratio for good."""
    return str(plant(tmp_path / "results", [STEADY, OTHER, OTHER]))


def test_a_series_shows_what_changed_and_every_figure(folder: str, invoke: Invoke) -> None:
    found = invoke("series", folder)
    assert (found.code, found.err) == (1, "")
    assert found.out.startswith(
        "xenperf history: 3 commits on box, commit by commit; recorded apart: grade C\n"
        "machine    a CPU, x, CPUs 2, Linux 6.9\n"
    )
    words = [line.split() for line in found.out.splitlines()]
    change = [COUNT, "'hva'", "01010101", "02020202", "0", "3", "-", "more,", "exact"]
    assert change in words
    ratio = [RATIO, "'check'", "01010101", "02020202", "1.000", "1.200", "+20.0", "%"]
    assert [*ratio, "higher,", "confirmed"] in words
    assert [RATIO, "'send'", "0.400", "0.400", "0.400"] in words
    assert [TIME, "'gpa'", "2.00ms", "2.00ms", "2.00ms"] in words
    assert "COUNTS: exact; 1 that never changed are left out\n" in found.out
    assert FLOOR not in found.out
    assert "changes    1 of counts, 1 of ratios; 0 hints\n" in found.out


def test_a_report_lists_the_changes_alone(folder: str, invoke: Invoke) -> None:
    found = invoke("report", folder)
    assert found.code == 1
    assert "CHANGES\n" in found.out
    assert "RATIOS" not in found.out


def test_a_history_without_a_change_ends_with_0(tmp_path: Path, invoke: Invoke) -> None:
    found = invoke("report", str(plant(tmp_path, [STEADY, STEADY])))
    assert found.code == 0
    assert "CHANGES\nnothing changed by these rules\n" in found.out


def test_strict_takes_no_hints(tmp_path: Path, invoke: Invoke) -> None:
    folder = str(plant(tmp_path, [STEADY, {**STEADY, TIME: [2e-3, 1.5e-3]}]))
    assert invoke("report", folder).code == 0
    assert invoke("report", folder, "--strict").code == 3


def test_what_failed_is_named_and_the_rest_still_shown(tmp_path: Path, invoke: Invoke) -> None:
    folder = str(plant(tmp_path, [STEADY, {**STEADY, COUNT: None}]))
    found = invoke("series", folder)
    assert found.code == 0
    assert f"- failed at 02020202: {COUNT}\n" in found.out


def test_only_what_matches_is_shown(folder: str, invoke: Invoke) -> None:
    found = invoke("series", folder, "--only", "*ratio*", "--only", "*hva_over*")
    assert RATIO in found.out
    assert COUNT not in found.out
    none = invoke("series", folder, "--only", "nothing*")
    assert (none.code, none.err) == (2, "xenperf: --only nothing*: no benchmark is called so\n")


def test_json_has_every_figure_in_full(folder: str, invoke: Invoke) -> None:
    content = json.loads(invoke("series", folder, "--format", "json").out)
    assert (content["schema"], content["kind"], content["grade"]) == ("xenperf/1", "history", "C")
    assert [one["commit"] for one in content["steps"]] == [commit(nr) for nr in (1, 2, 3)]
    first = content["changes"][0]
    assert (first["benchmark"], first["params"], first["at"]) == (COUNT, "'hva'", commit(2))
    assert (first["was"], first["is"], first["certainty"]) == (0, 3, "exact")
    (track,) = [one for one in content["tracks"] if one["params"] == "'send'"]
    assert (track["kind"], track["values"]) == ("ratio", [0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [
        (".md", "### xenperf history: 3 commits on box"),
        (".html", "<!DOCTYPE html>"),
        (".mail", "xenperf history: 3 commits on box"),
        (".json", "{"),
    ],
)
def test_every_form_can_be_written(
    suffix: str, begins: str, folder: str, invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / f"out{suffix}"
    found = invoke("series", folder, "-o", str(path))
    assert (found.code, found.out) == (1, "")
    assert found.err == f"{path}: written; changes: 1 of counts, 1 of ratios; 0 hints\n"
    assert path.read_text().startswith(begins)


def test_markdown_and_html_escape_what_files_say(tmp_path: Path, invoke: Invoke) -> None:
    folder = plant(tmp_path / "results", [STEADY])
    plant_commit(folder, 2, STEADY, params={"machine": "<b>|x"})
    for form in ("markdown", "html"):
        shown = invoke("series", str(folder), "--format", form).out
        assert "of the machine &lt;b&gt;" in shown
        assert "<b>|x" not in shown


def test_commits_are_in_the_order_of_git_where_it_knows_them(
    tmp_path: Path, invoke: Invoke
) -> None:
    repository = tmp_path / "repository"
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")

    def git(*words: str) -> str:
        argv = ["git", "-C", str(repository), *who, *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    repository.mkdir()
    git("init", "-b", "main")
    hashes = []
    for subject in ("Begin", "Go on"):
        git("commit", "--allow-empty", "-m", subject)
        hashes.append(git("rev-parse", "HEAD"))
    folder = plant(tmp_path / "results", [])
    known = json.loads((folder / "machine.json").read_text())
    for nr, one in enumerate(reversed(hashes)):  # the dates are in the other order
        plant_commit(folder, nr, STEADY, commit_hash=one, params=known)
    shown = invoke("report", str(folder), "--repo", str(repository)).out
    assert "commits in the order of git, the oldest first" in shown
    assert shown.index("Begin") < shown.index("Go on")
    shown = invoke("report", str(folder), "--repo", str(tmp_path)).out
    assert "commits by date, as the repository here does not know all of them" in shown


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("series", "{folder}", "--workers", "3"), "--workers: files are compared as they are"),
        (("series", "{folder}", "{folder}"), "one range at a time"),
        (("series", "{empty}"), "no folder of asv's results"),
        (("report", "{empty}"), "no folder of asv's results"),
        (("report", "{folder}/none.json", "--only", "x"), "--only: a recorded file is shown whole"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    words: tuple[str, ...], named: str, folder: str, tmp_path: Path, invoke: Invoke
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    found = invoke(*(word.format(folder=folder, empty=empty) for word in words))
    assert (found.code, found.out) == (2, "")
    assert named in found.err
    assert found.err.count("\n") == 1
