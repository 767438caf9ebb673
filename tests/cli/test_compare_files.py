"""``xenperf compare`` of two result files."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from xenperf.cli.files import labels_of
from xenperf.measure import session
from xenperf.measure.plan import Plan

Invoke = Callable[..., Any]
RUN = ("run", "--only", "gpc.check", "--rounds", "4")


@pytest.fixture
def files(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a file, another of the same, and one in which everything takes twice as long."""
    factor = 1

    def messages(plan: Plan) -> Iterator[dict[str, Any]]:
        for message in canned.messages(plan):
            for slices in message.get("sides", {}).values():
                slices["cpu_ns"] = [factor * ns for ns in slices["cpu_ns"]]
            yield message

    monkeypatch.setattr(session, "messages", messages)
    found = []
    for name, factor, slots in (("a", 1, 1), ("b", 1, 1), ("slow", 2, 3)):  # noqa: B007
        path = str(tmp_path / f"{name}.json")
        assert invoke(*RUN, "--slots", str(slots), "--seed", str(len(found)), "-o", path).code == 0
        found.append(path)
    return found


def test_a_large_difference_between_files_is_a_verdict(files: list[str], invoke: Invoke) -> None:
    found = invoke("compare", files[0], files[2], "--format", "json")
    assert found.code == 1
    content = json.loads(found.out)
    assert (content["kind"], content["grade"]) == ("compare", "C")
    assert [(row["benchmark"], row["variant"], row["verdict"]) for row in content["rows"]] == [
        ("gpc.check", "gpa", "slower"),
        ("gpc.check", "hva", "slower"),
    ]
    assert any(line.startswith("not interleaved") for line in content["distrust"])
    assert "measured in different ways: slots" in content["distrust"]
    assert content["command"] == f"xenperf compare {files[0]} {files[2]}"


def test_what_is_near_is_undecided_and_never_the_same(files: list[str], invoke: Invoke) -> None:
    found = invoke("compare", files[0], files[1])
    assert found.code == 0
    assert found.out.startswith("xenperf compare: two result files, recorded apart\n")
    assert "costs      0 faster, 0 slower, 0 same, 2 undecided\n" in found.out
    assert "recorded apart, not interleaved: grade C" in found.out
    assert invoke("compare", files[0], files[1], "--strict").code == 3


def test_the_report_of_two_files_can_be_written_but_holds_nothing_raw(
    files: list[str], invoke: Invoke, tmp_path: Path
) -> None:
    for name in ("c.json", "c.md", "c.txt"):
        assert invoke("compare", *files[:2], "-o", str(tmp_path / name)).code == 0
    found = invoke("report", str(tmp_path / "c.json"))
    assert found.code == 2
    assert "a report alone, without what was measured" in found.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("{a}", "HEAD"), "a.json: a file cannot be compared with a revision"),
        (("{a}", "none.json"), "none.json: cannot read: no such file or directory"),
        (("{a}", "{a}", "--workers", "3"), "--workers: files are compared as they are"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    words: tuple[str, ...], named: str, files: list[str], invoke: Invoke
) -> None:
    found = invoke("compare", *(word.format(a=files[0]) for word in words))
    assert (found.code, found.out) == (2, "")
    assert named in found.err
    assert found.err.count("\n") == 1


def test_a_series_of_files_gives_each_a_column(files: list[str], invoke: Invoke) -> None:
    found = invoke("series", *files, "--format", "json")
    assert found.code == 1
    content = json.loads(found.out)
    assert (content["kind"], content["grade"]) == ("series", "C")
    assert list(content["about"]) == ["a", "b", "slow"]
    by_gpa = [row for row in content["rows"] if row["variant"] == "gpa"]
    assert [(row["sides"], row["verdict"]) for row in by_gpa] == [
        (["a", "b"], "undecided"),
        (["a", "slow"], "slower"),
        (["b", "slow"], "slower"),
    ]
    shown = invoke("series", *files).out
    assert any(
        line.startswith("2 slow ") and line.endswith("slower") for line in shown.splitlines()
    )


def test_files_of_one_name_are_told_apart() -> None:
    assert labels_of(["x/r.json", "y/r.json"]) == ["1: r", "2: r"]
