"""``xenperf run --count instructions``: what it refuses, hands over, and returns."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xenperf.cli.main import main
from xenperf.hypervisor import Activation
from xenperf.measure import instructions
from xenperf.measure.count_plan import CountPlan
from xenperf.measure.count_process import Listener, Step
from xenperf.measure.instructions import Counts
from xenperf.stats.instructions import Tally

Invoke = Callable[..., Any]
COUNT = ("run", "--count", "instructions", "--only", "send.delivered", "--only", "lock.read")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[CountPlan]]:
    """Let a stand-in count: *gpa* and *hva* instructions for each cost, 8 for a control."""

    def use(gpa: float, hva: float, control: float = 8.0, invalid: str = "") -> list[CountPlan]:
        plans: list[CountPlan] = []

        def count(plan: CountPlan, listen: Listener) -> Counts:
            plans.append(plan)
            listen(Step(1, 2, "send.delivered by gpa, rehearsal"))
            found = {Activation.GPA: gpa, Activation.HVA: hva}
            tallies = {
                (name, activation): Tally((instructions_taken,) * 3)
                for name in plan.names
                for activation, taken in found.items()
                for instructions_taken in [8.0 if name == "lock.read" else taken]
            }
            tallies["lock.read", Activation.HVA] = Tally((control,) * 3)
            lost = {name: invalid for name in plan.names if invalid}
            return Counts({} if invalid else tallies, lost)

        monkeypatch.setattr(instructions, "count", count)
        return plans

    return use


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ((122.0, 112.0), 0),
        ((122.0, 122.0), 0),
        ((122.0, 123.0), 1),
        ((122.0, 112.0, 9.0), 3),
        ((122.0, 123.0, 9.0), 3),
        ((1.0, 1.0, 8.0, "went wrong"), 2),
    ],
)
def test_the_exit_code_says_what_was_found(
    invoke: Invoke, counted: Callable[..., Any], figures: tuple[Any, ...], code: int
) -> None:
    counted(*figures)
    assert invoke(*COUNT).code == code


def test_the_report_names_the_command_that_repeats_it(
    invoke: Invoke, counted: Callable[..., Any]
) -> None:
    (plans, found) = counted(122.0, 112.0), invoke(*COUNT, "--slots", "8", "--format", "json")
    content = json.loads(found.out)
    assert content["command"] == (
        "xenperf run --slots 8 --count instructions --only send.delivered --only lock.read"
    )
    assert content["settings"]["slots"] == 8
    assert (plans[0].names, plans[0].shape.nr_slots) == (("send.delivered", "lock.read"), 8)
    assert "cpu" in content["environment"]


@pytest.mark.parametrize(("options", "runs"), [((), 3), (("--workers", "5"), 5)])
def test_workers_say_how_often_all_is_counted(
    invoke: Invoke, counted: Callable[..., Any], options: tuple[str, ...], runs: int
) -> None:
    plans = counted(122.0, 112.0)
    assert invoke(*COUNT, *options).code == 0
    assert plans[0].runs == runs


def test_scenarios_are_left_out(invoke: Invoke, counted: Callable[..., Any]) -> None:
    plans = counted(122.0, 112.0)
    assert invoke(*COUNT, "--only", "break_apart").code == 0
    assert plans[0].names == ("send.delivered", "lock.read")


def test_a_file_is_written_whole(
    invoke: Invoke, counted: Callable[..., Any], tmp_path: Path
) -> None:
    counted(122.0, 112.0)
    path = tmp_path / "counts.json"
    found = invoke(*COUNT, "-o", str(path))
    assert (found.code, found.out) == (0, "")
    assert found.err.startswith(f"{path}: written; costs: 1 fewer, 0 more, 0 same; controls: ")
    assert json.loads(path.read_text())["kind"] == "instructions"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--workers", "0"), "workers 0: out of range"),
        (("--rounds", "3"), "--rounds is about time; leave it out"),
        (("--seed", "3"), "--seed is about time"),
        (("--quick",), "--quick is about time"),
        (("--strict",), "--strict is about time"),
        (("--backend", "live"), "Valgrind sees nothing of a real kernel; use --backend model"),
        (("--slots", "0"), "slots 0: out of range"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    invoke: Invoke, options: tuple[str, ...], what: str
) -> None:
    found = invoke(*COUNT, *options)
    assert (found.code, found.out) == (2, "")
    assert what in found.err
    assert found.err.count("\n") == 1


def test_scenarios_alone_are_refused(invoke: Invoke) -> None:
    found = invoke("run", "--count", "instructions", "--only", "break_apart")
    assert found.code == 2
    assert "only scenarios were chosen; choose a cost" in found.err


def test_a_machine_without_valgrind_is_one_line(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = invoke(*COUNT)
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith("xenperf: valgrind: not on the PATH")
    assert found.err.count("\n") == 1


def test_progress_is_shown_on_a_terminal_only(counted: Callable[..., Any]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    counted(122.0, 112.0)
    out, err = io.StringIO(), Terminal()
    assert main(COUNT, out, err) == 0
    assert err.getvalue()
