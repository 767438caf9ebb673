import json
from collections.abc import Callable
from typing import Any

import pytest

from xenperf.cli.main import main
from xenperf.explore import session
from xenperf.explore.operations import default_pairs
from xenperf.explore.pair import Found, Violation
from xenperf.explore.session import Session, Task

Invoke = Callable[..., Any]


def clean(task: Task, nr_preemptions: int) -> Found:
    return Found(
        *(task.first, task.second, str(task.activation), nr_preemptions),
        *(7, {"delivered + ok": 7}, 0, 0, ()),
    )


def violating(task: Task, nr_preemptions: int) -> Found:
    wrong = (Violation("a bit is lost", 3, "send:4 merge"),)
    return Found(task.first, task.second, str(task.activation), 2, 7, {"1 + 2": 7}, 0, 0, wrong)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a stand-in explore, in this process."""

    def use(explore: Callable[[Task, int], Found]) -> None:
        monkeypatch.setattr(session, "explore", explore)
        monkeypatch.setattr(session, "FEWEST_TASKS", 10_000)

    return use


def test_one_pair_is_explored_for_real_by_both(invoke: Invoke) -> None:
    found = invoke("explore", "send", "send", "--preemptions", "1", "--format", "json")
    assert (found.code, found.err) == (0, "")
    content = json.loads(found.out)
    assert content["kind"] == "explore"
    assert [pair["activation"] for pair in content["pairs"]] == ["gpa", "hva"]
    assert all(set(p["outcomes"]) == {"delivered + delivered"} for p in content["pairs"])
    assert content["command"] == "xenperf explore send send --preemptions 1"


def test_a_schedule_is_replayed_for_real(invoke: Invoke) -> None:
    found = invoke(
        *("explore", "send", "delete", "--activation", "gpa", "--replay", "delete:60 send")
    )
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("schedule   delete:60 send\n")
    assert found.out.endswith("violation  none\n")


def test_a_schedule_that_does_not_fit_says_so(invoke: Invoke) -> None:
    found = invoke(
        *("explore", "send", "delete", "--activation", "gpa", "--replay", "send:9999 delete")
    )
    assert (found.code, found.out) == (2, "")
    assert "no longer fits the code" in found.err
    assert found.err.count("\n") == 1


def test_the_kernel_is_chosen_as_for_a_run(invoke: Invoke) -> None:
    found = invoke(
        *("explore", "send", "overlay_at_once", "--preemptions", "0", "--kernel", "gpa-hva"),
        *("--with", "atomic-overlay", "--format", "json"),
    )
    assert (found.code, found.err) == (0, "")
    content = json.loads(found.out)
    assert content["kernel"] == "atomic"  # which is what that comes to
    assert content["command"] == (
        "xenperf explore send overlay_at_once --kernel gpa-hva --with atomic-overlay "
        "--preemptions 0"
    )


def test_a_kernel_without_hva_is_explored_by_gpa_alone(invoke: Invoke) -> None:
    found = invoke("explore", "send", "send", "--kernel", "gpa-only", "--format", "json")
    content = json.loads(found.out)
    assert [pair["activation"] for pair in content["pairs"]] == ["gpa"]
    assert not content["has_hva"]


def test_a_replay_is_of_the_kernel_that_was_explored(
    invoke: Invoke, alone: Callable[..., None]
) -> None:
    alone(violating)
    found = invoke("explore", "send", "merge", "--without", "no-xen-lock")
    replay = "explore send merge --without no-xen-lock --activation gpa --replay"
    assert f"\nreplay     xenperf {replay} 'send:4 merge'\n" in found.out
    assert "\nkernel     gpa-hva without no-xen-lock\n" in found.out


def test_without_names_every_pair_is_explored(invoke: Invoke, alone: Callable[..., None]) -> None:
    alone(clean)
    content = json.loads(invoke("explore", "--activation", "hva", "--format", "json").out)
    explored = [(pair["first"], pair["second"]) for pair in content["pairs"]]
    assert explored == default_pairs()


def test_globs_choose_pairs(invoke: Invoke, alone: Callable[..., None]) -> None:
    alone(clean)
    found = invoke("explore", "--only", "send+*e", "--only", "merge+move", "--format", "json")
    names = {f"{p['first']}+{p['second']}" for p in json.loads(found.out)["pairs"]}
    assert {"send+delete", "send+move", "merge+move"} <= names
    assert all(name == "merge+move" or name.startswith("send+") for name in names)


def test_a_violation_is_code_1_with_a_command_that_replays_it(
    invoke: Invoke, alone: Callable[..., None]
) -> None:
    alone(violating)
    found = invoke("explore", "send", "merge", "--activation", "gpa")
    assert found.code == 1
    replay = "xenperf explore send merge --activation gpa --replay 'send:4 merge'"
    assert f"\nreplay     {replay}\n" in found.out


def test_an_interrupt_keeps_what_is_finished(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(tasks: list[Task], nr_preemptions: int, on_finished: object) -> Session:
        return Session(tasks, {tasks[0]: clean(tasks[0], 2)}, "interrupted")

    monkeypatch.setattr(session, "run", cut)
    found = invoke("explore", "send", "merge")
    assert found.code == 3
    assert "cut short  interrupted; 1 of 2 are finished" in found.out
    monkeypatch.setattr(session, "run", lambda tasks, *_: Session(tasks, {}, "interrupted"))
    nothing = invoke("explore", "send", "merge")
    assert (nothing.code, nothing.out) == (2, "")


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("fly", "send"), "operation fly: no such name; choose of send,"),
        (("send",), "explore: give two operations, or --only, or neither"),
        (("send", "send", "--only", "x"), "give two operations"),
        (("--only", "fly"), "pair fly: no such pair"),
        (("--replay", "send"), "--replay: takes one pair A B and --activation gpa or hva"),
        (("send", "send", "--replay", "send"), "--replay: takes one pair"),
        (("send", "send", "--activation", "gpa", "--replay", "poke"), "is no turn of send or"),
        (("send", "merge", "--activation", "gpa", "--replay", ""), "as 'send:12 merge send'"),
        (("--preemptions", "9"), "--preemptions"),
        (("send", "overlay_at_once"), "overlay_at_once: needs atomic-overlay; add --with"),
        (("--kernel", "gpa-only", "--activation", "hva"), "gpa-only: it has no activation by HVA"),
        (("--without", "hva-activation"), "patch shinfo-hva: needs hva-activation"),
    ],
)
def test_misuse_is_one_line(invoke: Invoke, argv: tuple[str, ...], what: str) -> None:
    found = invoke("explore", *argv)
    assert (found.code, found.out) == (2, "")
    assert what in found.err
    assert found.err.count("\n") == 1


def test_progress_is_shown_on_a_terminal_only(alone: Callable[..., None]) -> None:
    import io

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    alone(clean)
    out, err = io.StringIO(), Terminal()
    assert main(["explore", "send", "merge"], out, err) == 0
    assert err.getvalue()


def test_help_names_the_operations(invoke: Invoke) -> None:
    assert "break_apart" in invoke("explore", "--help").out
