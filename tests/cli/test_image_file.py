"""Files of ``series --kernel``: shown again, gone on with, and never believed unchecked."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fake_boots import Kernel, labels
from xenperf.cli import saving
from xenperf.cli.exit_codes import ExitCode
from xenperf.report.model import Kind

Invoke = Callable[..., Any]
Series = Callable[..., Any]

KERNELS = {"base": Kernel(), "p1": Kernel(gpa=1100, says="refused"), "p2": Kernel(gpa=900)}
WORDS = ("--boots", "2", "--seed", "3")


@pytest.fixture
def whole(series: Series, tmp_path: Path, still: None) -> Path:
    """Return the file of a series that was not stopped."""
    path = tmp_path / "whole.json"
    series(KERNELS, *WORDS, "-o", str(path))
    return path


@pytest.fixture
def stopped(series: Series, tmp_path: Path) -> Path:
    """Return the file of a series that Ctrl-C ended in its fourth boot."""
    path = tmp_path / "stopped.json"
    series(KERNELS, *WORDS, "-o", str(path), interrupts_at=4)
    return path


def contents(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**contents(path), **changes}))


@pytest.mark.parametrize("form", ["text", "markdown", "mail", "html", "json"])
def test_a_file_is_shown_again_as_it_was_measured(
    series: Series, invoke: Invoke, whole: Path, form: str
) -> None:
    measured, _ = series(KERNELS, *WORDS, "--format", form)
    shown = invoke("report", str(whole), "--format", form)
    assert shown.code == measured.code == ExitCode.SLOWER
    assert shown.out == measured.out


def test_rows_and_answers_are_worked_out_anew(invoke: Invoke, whole: Path) -> None:
    rows, answers = contents(whole)["rows"], contents(whole)["answers"]
    rewrite(whole, rows=[], answers=[])
    shown = json.loads(invoke("report", str(whole), "--format", "json").out)
    assert (shown["rows"], shown["answers"]) == (rows, answers)


def test_a_report_of_a_report_is_the_file_again(
    invoke: Invoke, whole: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    assert invoke("report", str(whole), "-o", str(other)).code == ExitCode.SLOWER
    assert contents(other) == contents(whole)


def test_a_resumed_series_is_the_series_that_was_not_stopped(
    series: Series, whole: Path, stopped: Path, invoke: Invoke
) -> None:
    assert contents(stopped)["cut_short"] == "interrupted"
    assert len(contents(stopped)["boots"]) == 3
    _, boots = series(KERNELS, *WORDS)
    all_boots = labels(boots.jobs)
    boots.jobs.clear()
    found = invoke("resume", str(stopped))
    assert (found.code, found.out) == (ExitCode.SLOWER, "")
    left = labels(boots.jobs)
    assert len(left) == 3
    assert sorted(left + all_boots[:3]) == sorted(all_boots)
    assert "boot 4 of 6, " in found.err
    assert contents(stopped)["cut_short"] is None
    for key in ("rows", "answers", "boots", "settings", "about"):
        assert contents(stopped)[key] == contents(whole)[key]
    boots.jobs.clear()
    found = invoke("resume", str(stopped))
    assert (found.code, boots.jobs) == (ExitCode.SLOWER, [])
    assert "finished; there is nothing to resume" in found.err


def test_an_image_that_gave_no_answer_is_tried_again(
    series: Series, invoke: Invoke, tmp_path: Path
) -> None:
    path, dying = tmp_path / "dying.json", Kernel(dies_in=frozenset({0}))
    found, _ = series({**KERNELS, "p2": dying}, *WORDS, "-o", str(path))
    assert found.code == ExitCode.UNTRUSTED
    assert contents(path)["cut_short"] == "p2 gave no answer"
    _, boots = series(KERNELS, *WORDS)
    boots.jobs.clear()
    assert invoke("resume", str(path)).code == ExitCode.SLOWER
    assert labels(boots.jobs) == ["p2", "p2"]
    assert contents(path)["cut_short"] is None


@pytest.mark.parametrize("nr_writes", [0, 1, 5])
def test_a_full_disk_keeps_the_boots_that_were_written(
    series: Series, tmp_path: Path, fill_up: Callable[[int], None], nr_writes: int
) -> None:
    path = tmp_path / "full.json"
    fill_up(nr_writes)
    found, _ = series(KERNELS, *WORDS, "-o", str(path))
    assert f"{path}: cannot write: no space left on device" in found.err.splitlines()[-1]
    if nr_writes == 0:
        assert (found.code, path.exists()) == (2, False)
        return
    nr_boots = nr_writes + 1  # the first boot alone compares nothing
    assert found.code == 3
    assert f"it holds {nr_boots} boots; free some space" in found.err
    assert f"then xenperf resume {path}\n" in found.err
    assert len(contents(path)["boots"]) == nr_boots


def test_another_image_under_the_same_name_is_not_mixed_in(stopped: Path, invoke: Invoke) -> None:
    image = stopped.parent / "p1"
    image.write_bytes(image.read_bytes() + b"one more")
    found = invoke("resume", str(stopped))
    assert (found.code, found.out) == (2, "")
    assert (
        f"{image}, or a module, is not what was booted as p1; measure from the start: " in found.err
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"command": "xenperf run"}, "its command is not of these images"),
        ({"command": "xenperf series --model"}, "its command is not of these images"),
        ({"command": "xenperf series --no-such"}, "its command does not work: No such option"),
        ({"command": "xenperf"}, "its command does not work"),
        ({"sources": "others"}, "sources or compiler settings have changed"),
        ({"environment": {"kernel": "other"}}, "cannot be resumed: "),
    ],
)
def test_what_would_measure_something_else_is_refused(
    stopped: Path, invoke: Invoke, changes: dict[str, Any], why: str
) -> None:
    rewrite(stopped, **changes)
    found = invoke("resume", str(stopped))
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    assert why in found.err


def test_images_are_booted_here_and_on_no_cluster(stopped: Path, invoke: Invoke) -> None:
    found = invoke("resume", str(stopped), "--scheduler", "tcp://there:1")
    assert found.code == 2
    assert "--scheduler: kernel images are booted here; leave it out" in found.err


def test_sources_that_changed_are_told(
    stopped: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "source_digest", lambda *_: "changed")
    found = invoke("resume", str(stopped))
    assert found.code == 2
    assert "sources or compiler settings have changed" in found.err


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schema": "xenperf/9"}, "its schema is xenperf/9"),
        ({"kind": "run"}, "kind: not one of series"),
        ({"boots": []}, "boots: not a list of at least 2"),
        ({"boots": [{"label": "base"}] * 2}, "boots[0].run: not there"),
        ({"boots": [{"label": "x", "run": {}, "cases": None}] * 2}, "an image of the series"),
        ({"boots": [{"label": "p1", "run": {}, "cases": None}] * 2}, "boots: not of two images"),
        ({"images": {}}, "images: not what about tells of"),
        ({"settings": {}}, "settings.names: not there"),
        ({"remarks": [1]}, "remarks[0]: not a string"),
        ({"command": "xenperf 'series"}, "command: No closing quotation"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_in_one_line(
    whole: Path, invoke: Invoke, changes: dict[str, Any], why: str
) -> None:
    rewrite(whole, **changes)
    found = invoke("report", str(whole))
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    assert why in found.err


def test_a_boot_in_a_file_is_read_with_care(whole: Path, invoke: Invoke) -> None:
    boots = contents(whole)["boots"]
    boots[0]["run"]["raw"]["workers"][0][1]["n"] = -1
    rewrite(whole, boots=boots)
    found = invoke("report", str(whole))
    assert (found.code, found.out) == (2, "")
    assert "boots: base: cannot read: raw.workers[0][1].n: not a whole number" in found.err


def test_other_verbs_say_what_kind_of_file_it_is(whole: Path, invoke: Invoke) -> None:
    for words in (("compare", str(whole), str(whole)), ("convert", str(whole), "x")):
        found = invoke(*words)
        assert (found.code, found.out) == (2, "")
        assert "a series of kernel images, not one run; show it with xenperf report" in found.err
    found = invoke("report", str(whole), "--format", "tsv")
    assert found.code == 2
    assert f"--format tsv: {whole} is of a {Kind.SERIES}; choose another form" in found.err


def test_the_command_in_the_file_keeps_the_time_a_boot_may_take(
    series: Series, tmp_path: Path
) -> None:
    path = tmp_path / "slow.json"
    series(KERNELS, *WORDS, "--timeout", "2700", "-o", str(path))
    words = shlex.split(contents(path)["command"])
    assert words[words.index("--timeout") + 1] == "2700"
