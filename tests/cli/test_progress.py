"""The bar: one for every verb that takes long, on a terminal only, and never beyond its end."""

import io
import re

import pytest

from tests.cli import canned
from xenperf.cli import progress
from xenperf.hypervisor import Activation
from xenperf.measure import session
from xenperf.measure.plan import Plan
from xenperf.measure.session import Progress
from xenperf.measure.sides import Build, Comparison, Side, between_builds

NAMES = ("send.delivered", "gpc.check")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[\d;?]*\w", "", text)


def test_it_says_what_is_being_done_now() -> None:
    made = Progress(worker_idx=1, nr_workers=3, done=7, total=12, doing="gpc.check")
    assert progress.worded(made) == "gpc.check, worker 2 of 3"


def test_nothing_is_shown_where_there_is_no_terminal() -> None:
    err = io.StringIO()
    with progress.of_workers(err) as listen:
        listen(Progress(0, 3, 1, 6, "gpc.check"))
    assert err.getvalue() == ""


def test_a_terminal_gets_a_bar_that_is_wiped_out() -> None:
    err = _Terminal()
    with progress.of_workers(err) as listen:
        listen(Progress(0, 3, 3, 6, "lock.read"))
    assert "lock.read, worker 1 of 3" in _plain(err.getvalue())
    assert "50%" in _plain(err.getvalue())
    assert err.getvalue().endswith("\x1b[2K")


def _plan(comparisons: tuple[Comparison, ...]) -> Plan:
    return Plan(NAMES, workers=2, rounds=2, comparisons=comparisons, compile_all=False)


def _seen(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, resumed: session.Session | None = None
) -> list[Progress]:
    monkeypatch.setattr(session, "messages", canned.messages)
    seen: list[Progress] = []
    session.run(plan, seen.append, resumed=resumed)
    return seen


def test_comparisons_are_counted_and_the_last_one_is_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three comparisons, of which the A/A one has a single name: five steps a worker."""
    plan = _plan(between_builds([("base", Build()), ("head", Build(copy=5))], NAMES[:1]))
    seen = _seen(plan, monkeypatch)
    assert {made.total for made in seen} == {10}
    assert [made.done for made in seen] == [0, 1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9, 10, 10]
    assert [made.doing for made in seen[:7]] == [
        *[NAMES[0]] * 3,
        *[NAMES[1]] * 2,
        *["next worker"] * 2,
    ]


def test_what_takes_no_part_in_a_comparison_leaves_no_gap_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [Side("one", each) for each in Activation]
    plan = _plan((Comparison((both[0],)), Comparison((both[1],), variant="again")))
    all_of_them = canned.messages

    def without_the_last(given: Plan) -> object:
        return (m for m in all_of_them(given) if m.get("name") != NAMES[1])

    monkeypatch.setattr(canned, "messages", without_the_last)
    seen = _seen(plan, monkeypatch)
    assert [made.done for made in seen] == [0, 1, 2, 4, 4, 5, 6, 8]


def test_a_run_that_is_resumed_counts_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = _plan((Comparison((Side("one", Activation.GPA), Side("two", Activation.HVA))),))
    monkeypatch.setattr(session, "messages", canned.messages)
    begun = session.run(plan)
    begun.workers.pop()
    seen = _seen(plan, monkeypatch, resumed=begun)
    assert [(made.done, made.total) for made in seen] == [(0, 2), (1, 2), (2, 2), (2, 2)]
    assert {(made.worker_idx, made.nr_workers) for made in seen} == {(1, 2)}
