"""The verb ``sweep``: what it takes, what it refuses, what it keeps, and a small one for real."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli import canned
from xenperf.cli import sweep as module
from xenperf.cli.sizes import Grid, parse
from xenperf.errors import UnavailableError, UsageError
from xenperf.measure import session
from xenperf.measure.plan import Plan
from xenperf.record.recorded import read
from xenperf.vmm.machine import Shape

Invoke = Callable[..., Any]
SMALL = ("sweep", "--only", "gpc.check", "--slots", "1,8,64", "--seed", "9", "--rounds", "3")


class Workers:
    """Canned workers, of which the one with number ``ends_at`` is interrupted."""

    ends_at: int | None = None

    def __init__(self) -> None:
        self.plans: list[Plan] = []

    def messages(self, plan: Plan) -> Iterator[dict[str, Any]]:
        if plan.seed % 1000 == self.ends_at:
            raise KeyboardInterrupt
        self.plans.append(plan)
        yield from canned.messages(plan)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    made = Workers()
    monkeypatch.setattr(session, "messages", made.messages)
    return made


def machines(slots: str | None, vcpus: str | None, *, full: bool = False) -> list[tuple[int, int]]:
    return [(s.nr_slots, s.nr_vcpus) for s in Grid(slots, vcpus, full).machines(Shape())]


def test_sizes_rise_and_may_have_spaces() -> None:
    assert parse("slots", "64, 1,8") == (1, 8, 64)


def test_an_axis_that_is_not_named_stays_unless_none_is() -> None:
    assert machines("1,8", None) == [(1, 1), (8, 1)]
    assert machines(None, "2,4") == [(1, 2), (1, 4)]
    assert machines("1,8", "1,4") == [(1, 1), (8, 1), (1, 4)]
    assert len(machines(None, None)) == 9
    assert len(machines(None, None, full=True)) == 24


def test_an_axis_of_one_size_is_where_the_other_is_swept() -> None:
    assert machines("1,8", "4") == [(1, 4), (8, 4)]
    assert machines("512", "1,4") == [(512, 1), (512, 4)]


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (("--slots", "1,x"), "--slots: x between commas is no size; give whole numbers"),
        (("--slots", ""), "--slots: nothing between commas is no size"),
        (("--slots", "1,,8"), "nothing between commas"),
        (("--slots", "1,-8"), "-8 between commas is no size"),
        (("--slots", "1,2.5"), "2.5 between commas"),
        (("--vcpus", "1,٣"), "between commas is no size"),
        (("--slots", "1," + "9" * 5000), "99999999999999999999... between commas"),
        (("--slots", "0,1"), "slots 0: out of range; give 1 to 32762 with RAM whole"),
        (("--slots", "1,32763"), "slots 32763: out of range; give 1 to 32762 with RAM whole"),
        (("--vcpus", "1,1025"), "vcpus 1025: out of range; give 1 to 1024 in one VM"),
        (("--vcpus", "1,4,4"), "--vcpus: 4 is there twice; give each size once"),
        (("--slots", "1,01"), "01 is there twice"),
        (("--slots", "8"), "sweep: one cell has nothing to be compared with"),
        (("--grid", "--slots", "8", "--vcpus", "2"), "one cell"),
        (("--workers", "0"), "workers 0: out of range"),
        (("--rounds", "0"), "rounds 0: out of range"),
        (("--seed", "-1"), "seed -1: out of range"),
        (("--only", "fly"), "benchmark fly: no such name"),
        (("--format", "csv"), "'csv' is not one of"),
        (("--backend", "fly"), "'fly' is not one of"),
        (("--kernel", "gpa-only", "--backend", "live"), "no kernel or patch can be chosen"),
        (("-o", "missing/x.json"), "create the directory first"),
    ],
)
def test_it_is_refused_with_one_line_before_any_work(
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    argv: tuple[str, ...],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "run", None)
    found = invoke("sweep", *argv)
    assert (found.code, found.out) == (2, "")
    assert part in found.err
    assert found.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_real_kernel_is_asked_for_its_own_limits_first(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Shape] = []

    def limited(plan: Plan) -> tuple[Plan, dict[str, str]]:
        asked.append(plan.shape)
        if plan.shape.nr_slots > 509:
            raise UsageError(f"slots {plan.shape.nr_slots}", "more than it has", "give 1 to 509")
        return plan, {}

    monkeypatch.setattr(module, "askable", limited)
    found = invoke("sweep", "--backend", "live", "--slots", "1,8192", "--vcpus", "1,4")
    assert (found.code, found.err) == (
        *(2, "xenperf: slots 8192: more than it has; give 1 to 509\n"),
    )
    assert asked == [Shape(nr_slots=8192)]


def test_a_back_end_that_cannot_be_had_is_the_machines_fault(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Plan) -> None:
        raise UnavailableError("backend live", "no /dev/kvm", "use --backend model")

    monkeypatch.setattr(module, "askable", refuse)
    assert invoke("sweep", "--backend", "live").code == 3


def test_every_worker_goes_through_all_cells_in_an_order_of_its_own(
    workers: Workers, invoke: Invoke
) -> None:
    assert invoke(*SMALL, "--workers", "4").code in (0, 1, 3)
    orders = [[cell.variant for cell in plan.comparisons] for plan in workers.plans]
    assert len(orders) == 4
    assert {frozenset(order) for order in orders} == {frozenset(orders[0])}
    assert orders[1] == orders[0][::-1]
    assert orders[2] != orders[0]


def test_the_command_in_the_report_measures_the_same_again(
    workers: Workers, invoke: Invoke
) -> None:
    argv = (*SMALL, "--vcpus", "1,4", "--grid", "--workers", "4", "--format", "json")
    first = json.loads(invoke(*argv).out)
    again = json.loads(invoke(*first["command"].split()[1:], "--format", "json").out)
    assert again["growth"] == first["growth"]
    assert again["command"] == first["command"]
    assert first["settings"]["grid"] == "every combination"
    assert len(first["growth"]) == 2 * (2 + 3)


def test_an_interrupt_keeps_finished_workers_and_resume_ends_as_if_nothing_had_been(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    whole, stopped = str(tmp_path / "whole.json"), str(tmp_path / "stopped.json")
    invoke(*SMALL, "--workers", "6", "-o", whole)
    workers.ends_at = 4
    found = invoke(*SMALL, "--workers", "6", "-o", stopped)
    assert found.code == 3
    assert found.err.startswith("interrupted: 4 of 6 workers finished")
    assert json.loads(Path(stopped).read_text())["growth"][0]["passes"] == 4
    workers.ends_at, workers.plans = None, []
    invoke("resume", stopped)
    assert [plan.seed % 1000 for plan in workers.plans] == [4, 5]
    ends = [json.loads(Path(path).read_text()) for path in (whole, stopped)]
    assert ends[0]["growth"] == ends[1]["growth"]
    assert ends[0]["rows"] == ends[1]["rows"]
    assert read(stopped).session.plan.comparisons[0].shape == Shape()


def test_the_suffix_chooses_lines_for_programs(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / "s.tsv"
    invoke(*SMALL, "--workers", "4", "-o", str(path))
    lines = path.read_text().splitlines()
    assert lines[0].split("\t")[:3] == ["benchmark", "axis", "at"]
    assert len(lines) == 1 + 2 * 3


def test_a_recorded_sweep_is_shown_again_in_any_form_and_a_run_has_no_lines(
    workers: Workers, invoke: Invoke, tmp_path: Path
) -> None:
    path = str(tmp_path / "s.json")
    invoke(*SMALL, "--workers", "4", "-o", path)
    assert invoke("report", path, "--format", "tsv").out.startswith("benchmark\taxis\t")
    assert "GROWTH" in invoke("report", path).out
    invoke("run", "--only", "gpc.check", "--workers", "4", "--rounds", "3", "-o", path)
    found = invoke("report", path, "--format", "tsv")
    assert (found.code, found.out) == (2, "")
    assert f"--format tsv: {path} is of a run; choose another form" in found.err


def test_strict_wants_every_growth_decided(workers: Workers, invoke: Invoke) -> None:
    assert invoke(*SMALL, "--workers", "2", "--strict").code == 3


def test_counts_alone_take_two_workers(workers: Workers, invoke: Invoke) -> None:
    invoke("sweep", "--only", "break_apart", "--slots", "1,2")
    assert [plan.names for plan in workers.plans] == [("break_apart",)] * 2


@pytest.mark.parametrize("where", ["comparisons", "cells_in_turn"])
def test_a_file_whose_cells_do_not_fit_is_refused(
    workers: Workers, invoke: Invoke, tmp_path: Path, where: str
) -> None:
    path = tmp_path / "s.json"
    invoke(*SMALL, "--workers", "4", "-o", str(path))
    content = json.loads(path.read_text())
    plan = content["raw"]["plan"]
    if where == "comparisons":
        plan["comparisons"][1]["shape"] = None
    else:
        plan["cells_in_turn"] = False
    path.write_text(json.dumps(content))
    found = invoke("report", str(path))
    assert found.code == 2
    assert "raw.plan.comparisons: not each with a shape in a sweep" in found.err


def test_a_small_sweep_of_the_model(invoke: Invoke) -> None:
    """Activation visits every vCPU, so its cost must rise with them; a check does not."""
    names = ("--only", "shinfo.activate_again", "--only", "break_apart")
    argv = ("sweep", *names, "--vcpus", "1,32", "--quick", "--rounds", "4", "--format", "json")
    found = invoke(*argv)
    assert found.code in (0, 1, 3)
    content = json.loads(found.out)
    for curve in content["growth"]:
        assert curve["passes"] == 4
        assert curve["cost"][1][0] > 2.0 * curve["cost"][0][0]
    counts = [row for row in content["rows"] if row["benchmark"] == "break_apart.delete_low"]
    assert {row["variant"] for row in counts} == {"slots 1, vCPUs 1", "slots 1, vCPUs 32"}
    assert re.search(r"--vcpus 1,32 .*--seed \d+$", content["command"])
