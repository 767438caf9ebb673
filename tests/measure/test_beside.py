"""Instructions beside times: what was timed is counted, build by build, and finds its row."""

import platform
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

import xenperf
from tests.cli import canned
from xenperf.hypervisor import Activation
from xenperf.measure import beside, instructions
from xenperf.measure.beside import NOTHING, Instructions, count, filled, uncounted
from xenperf.measure.count_plan import CountPlan
from xenperf.measure.instructions import Counts
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session
from xenperf.measure.sides import Build, between_builds
from xenperf.stats.instructions import Tally

BASE, HEAD = Build(tree="/a"), Build(tree="/b")
BETWEEN = between_builds([("base", BASE), ("head", HEAD)], ["gpc.check"])
GPA, HVA = Activation.GPA, Activation.HVA
ASKED = Instructions(runs=2)
ONCE = Instructions(runs=1)
TWICE = (
    "_plain(Operation.CHECK)",
    "lambda setting: (lambda loop: lambda n: loop(n) + loop(n) - n)(setting.loop(Operation.CHECK))",
)
TAKEN = {("/a", GPA): 29.0, ("/a", HVA): 24.0, ("/b", GPA): 30.0, ("/b", HVA): 24.0}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[CountPlan]:
    """Let a stand-in count, and keep what it was asked."""
    plans: list[CountPlan] = []

    def stand_in(plan: CountPlan, listen: object) -> Counts:
        plans.append(plan)
        where = plan.build.tree or "/a"
        tallies = {
            (name, each): Tally((TAKEN[where, each],) * plan.runs)
            for name, each in plan.pairs
            if name != "lock.read"
        }
        wrong = {"lock.read": "by gpa: 3 of 8"} if "lock.read" in plan.names else {}
        return Counts(tallies, wrong)

    monkeypatch.setattr(instructions, "count", stand_in)
    return plans


def session_of(plan: Plan) -> Session:
    return Session(plan, [list(canned.messages(plan.for_worker(idx))) for idx in range(2)])


def test_each_build_counts_what_was_timed_of_it_and_no_sentinel(asked: list[CountPlan]) -> None:
    count(session_of(Plan(("gpc.check",), rounds=4, comparisons=BETWEEN)), ASKED)
    assert [plan.build for plan in asked] == [BASE, HEAD]
    for plan in asked:
        assert set(plan.pairs) == {("gpc.check", GPA), ("gpc.check", HVA)}
        assert plan.runs == 2


def test_rows_get_the_means_of_both_their_sides(asked: list[CountPlan]) -> None:
    session = session_of(Plan(("gpc.check",), rounds=4, comparisons=BETWEEN))
    found = count(session, ASKED)
    assert (found.missing, found.is_due) == (None, False)
    rows = {row.variant: row.instructions for row in filled(session.rows(), found)}
    assert rows == {"gpa": (29.0, 30.0), "hva": (24.0, 24.0), "A/A": None}


def test_a_run_counts_both_activations_of_one_build(asked: list[CountPlan]) -> None:
    session = session_of(Plan(("gpc.check",), rounds=4))
    (row,) = filled(session.rows(), count(session, ASKED))
    assert row.instructions == (29.0, 24.0)
    assert [plan.build for plan in asked] == [Build()]


def test_a_wrong_answer_costs_only_its_own_row(asked: list[CountPlan]) -> None:
    session = session_of(Plan(("gpc.check", "lock.read"), rounds=4))
    found = count(session, ASKED)
    assert uncounted(found) == {"lock.read": "by gpa: 3 of 8"}
    rows = {row.benchmark: row.instructions for row in filled(session.rows(), found)}
    assert rows == {"gpc.check": (29.0, 24.0), "lock.read": None}


def test_a_side_that_was_not_timed_is_not_counted(asked: list[CountPlan]) -> None:
    session = session_of(Plan(("gpc.check",), rounds=4, comparisons=BETWEEN[:1]))
    for said in session.workers:
        said[1]["sides"]["head"] = None
    found = count(session, ASKED)
    assert [plan.build for plan in asked] == [BASE]
    assert [list(message["sides"]) for message in found.counted] == [["base"]]
    assert [row.instructions for row in filled(session.rows(), found)] == [None]


@pytest.mark.parametrize("lost", [{"invalid": "3 of 8"}, {"kind": "count"}])
def test_without_a_valid_cost_nothing_is_counted(
    asked: list[CountPlan], lost: dict[str, Any]
) -> None:
    session = session_of(Plan(("gpc.check",), rounds=4))
    for said in session.workers:
        said[1].update(lost)
    found = count(session, ASKED)
    assert (found.missing, asked) == (NOTHING, [])


def test_means_are_over_the_runs_of_a_side() -> None:
    said = {"name": "n", "comparison": "", "variant": "v"}
    sides = {"gpa": [1.0, 2.0, 6.0], "hva": None}
    found = replace(ASKED, counted=({**said, "sides": sides},), missing=None)
    assert beside.means_of(found) == {("n", "v", "gpa"): 3.0}


def test_what_was_counted_does_not_change_the_verdict(asked: list[CountPlan]) -> None:
    session = session_of(Plan(("gpc.check",), rounds=4, seed=Random(1).randrange(99)))
    before = session.rows()
    after = filled(before, count(session, ASKED))
    assert [replace(row, instructions=None) for row in after] == before


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="no x86-64: unknown requests")
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is missing")
def test_work_that_a_revision_adds_is_counted_in_its_own_row(tmp_path: Path) -> None:
    """The head checks twice where the base checks once; what both leave alone stays the same."""
    trees = [tmp_path / name / "xenperf" for name in ("base", "head")]
    for tree in trees:
        source = Path(xenperf.__file__).parent
        shutil.copytree(source, tree, ignore=shutil.ignore_patterns("__pycache__"))
    hot_paths = trees[1] / "scenarios" / "hot_paths.py"
    text = hot_paths.read_text()
    assert text.count(TWICE[0]) == 1
    hot_paths.write_text(text.replace(*TWICE))
    builds = [(tree.parent.name, Build(tree=str(tree))) for tree in trees]
    plan = Plan(("gpc.check", "mm.walk"), rounds=4, comparisons=between_builds(builds, [])[:1])
    session = session_of(plan)
    found = {
        row.benchmark: row.instructions for row in filled(session.rows(), count(session, ONCE))
    }
    (check, checks), (walk, walks) = (found[name] or (0.0, 0.0) for name in plan.names)
    assert checks == pytest.approx(2 * check, rel=0.01)
    assert walk > 10
    assert walks == pytest.approx(walk, rel=0.001)
