"""``--instructions``: times as ever, and beside them what was counted, or why nothing was."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation
from xenperf.measure import instructions, session
from xenperf.measure.count_plan import CountPlan
from xenperf.measure.instructions import Counts
from xenperf.measure.plan import Plan
from xenperf.record.recorded import read
from xenperf.stats.instructions import Tally

Invoke = Callable[..., Any]
RUN = ("run", "--only", "gpc.check", "--workers", "4", "--rounds", "4", "--seed", "9")
COUNTING = (*RUN, "--instructions")


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def messages(plan: Plan) -> Iterator[dict[str, Any]]:
        yield from canned.messages(plan)

    monkeypatch.setattr(session, "messages", messages)


class Counting:
    """Counts 29 by GPA and 24 by HVA, or meets an end."""

    ending: BaseException | None = None

    def __init__(self) -> None:
        self.plans: list[CountPlan] = []

    def count(self, plan: CountPlan, listen: object) -> Counts:
        self.plans.append(plan)
        if self.ending is not None:
            raise self.ending
        taken = {Activation.GPA: 29.0, Activation.HVA: 24.0}
        return Counts({(n, a): Tally((taken[a],) * plan.runs) for n, a in plan.pairs}, {})


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(instructions, "count", made.count)
    return made


def test_the_change_stands_in_the_row_of_the_times(counting: Counting, invoke: Invoke) -> None:
    found = invoke(*COUNTING)
    assert found.code == 0
    lines = [line.split() for line in found.out.splitlines()]
    (title,) = [line for line in lines if line[:1] == ["benchmark"]]
    (row,) = [line for line in lines if line[:1] == ["gpc.check"]]
    assert title[-2:] == ["instr", "verdict"]
    assert row[-3:] == ["-17.2", "%", "same"]
    assert "counted by callgrind in 3 processes a build" in " ".join(found.out.split())
    assert "xenperf run --workers 4 --rounds 4 --instructions --only gpc.check" in " ".join(
        found.out.replace("\\", "").split()
    )


def test_a_series_counts_each_step_once_and_compares_it_as_the_times_are(
    counting: Counting, invoke: Invoke
) -> None:
    words = ("--only", "gpc.check", "--workers", "1", "--rounds", "4", "--instructions")
    content = json.loads(invoke("series", "--model", *words, "--format", "json").out)
    builds = [plan.build for plan in counting.plans]
    assert len(set(builds)) == len(builds) == len(content["about"])
    rows = [row for row in content["rows"] if not row["control"]]
    taken = {"gpa": [29.0, 29.0], "hva": [24.0, 24.0], "gpa to hva": [29.0, 24.0]}
    assert {row["variant"] for row in rows} == set(taken)
    assert all(row["instructions"] == taken[row["variant"]] for row in rows)


def test_without_the_option_nothing_is_counted(counting: Counting, invoke: Invoke) -> None:
    found = invoke(*RUN)
    assert (found.code, counting.plans) == (0, [])
    assert "instr" not in found.out


@pytest.mark.parametrize(("quick", "runs"), [((), 3), (("--quick",), 1)])
def test_a_quick_look_counts_once(
    counting: Counting, invoke: Invoke, quick: tuple[str, ...], runs: int
) -> None:
    invoke(*COUNTING, *quick)
    assert [plan.runs for plan in counting.plans] == [runs]


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("form", ["text", "markdown", "mail", "html", "json"])
def test_a_file_shows_it_again_in_every_form(
    counting: Counting, invoke: Invoke, tmp_path: Path, form: str
) -> None:
    path = str(tmp_path / "r.json")
    shown = invoke(*COUNTING, "--format", form).out
    assert invoke(*COUNTING, "-o", path).code == 0
    again = invoke("report", path, "--format", form).out
    assert ("-17.2 %" if form != "json" else "29.0") in again
    if form in ("markdown", "json"):
        assert again == shown
    assert json.loads(Path(path).read_text())["rows"][0]["instructions"] == [29.0, 24.0]


def test_without_valgrind_there_are_times_and_the_reason(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "r.json")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = invoke(*COUNTING)
    assert (found.code, found.err) == (0, "")
    said = " ".join(found.out.split())
    assert "instr not counted: valgrind: not on the PATH, and instruction counts need it" in said
    assert "install it, on Debian: apt install valgrind" in said
    assert "costs 0 faster, 0 slower, 1 same" in said
    assert invoke(*COUNTING, "-o", path).code == 0
    assert "not on the PATH" in invoke("report", path).out
    assert invoke("resume", path).err.endswith("finished; there is nothing to resume\n")


def test_a_counting_worker_that_dies_costs_no_time(counting: Counting, invoke: Invoke) -> None:
    counting.ending = MeasurementError("counting worker ended with 1", "no memory left")
    found = invoke(*COUNTING)
    assert found.code == 0
    assert "not counted: counting worker ended with 1: no memory left" in found.out


def test_an_interrupt_while_counting_keeps_the_times_and_is_resumed(
    counting: Counting, invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / "r.json"
    counting.ending = KeyboardInterrupt()
    found = invoke(*COUNTING, "-o", str(path))
    assert found.code == 3
    assert found.err.startswith("interrupted: 4 of 4 workers finished")
    assert "not counted: stopped before its end" in invoke("report", str(path)).out
    times = json.loads(path.read_text())["rows"][0]["worker_ratios"]
    counting.ending = None
    assert invoke("resume", str(path)).code == 0
    row = json.loads(path.read_text())["rows"][0]
    assert (row["instructions"], row["worker_ratios"]) == ([29.0, 24.0], times)
    assert read(path).is_finished


def test_two_files_show_what_both_counted(
    counting: Counting, invoke: Invoke, tmp_path: Path
) -> None:
    paths = [str(tmp_path / f"{name}.json") for name in "abc"]
    for path, options in zip(paths, (COUNTING, COUNTING, RUN), strict=True):
        assert invoke(*options, "-o", path).code == 0
    found = invoke("compare", *paths[:2], "--format", "json")
    rows = [(row["variant"], row["instructions"]) for row in json.loads(found.out)["rows"]]
    assert rows == [("gpa", [29.0, 29.0]), ("hva", [24.0, 24.0])]
    found = invoke("compare", *paths[1:], "--format", "json")
    assert {row["instructions"] for row in json.loads(found.out)["rows"]} == {None}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("run", "--backend", "live", "--instructions"), "Valgrind sees nothing of a real kernel"),
        (("run", "--count", "instructions", "--instructions"), "--instructions is about time"),
        (("selfcheck", "--instructions"), "--instructions"),
    ],
)
def test_where_it_has_no_meaning_it_is_refused_in_one_line(
    invoke: Invoke, words: tuple[str, ...], what: str
) -> None:
    found = invoke(*words)
    assert (found.code, found.out) == (2, "")
    assert what in found.err


def test_files_are_compared_as_they_are(counting: Counting, invoke: Invoke, tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")
    invoke(*RUN, "-o", path)
    found = invoke("compare", path, path, "--instructions")
    assert found.code == 2
    assert "--instructions: files are compared as they are; leave --instructions out" in found.err
