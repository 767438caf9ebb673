"""Grade B: a process for each build, and one message of what they said."""

from collections.abc import Iterator
from typing import Any

import pytest

from xenperf.measure import apart
from xenperf.measure.plan import Plan
from xenperf.measure.samples import cost_samples
from xenperf.measure.sides import Build, between_builds

PLAN = Plan(
    ("gpc.check",),
    comparisons=between_builds(
        [("base", Build(tree="/a")), ("head", Build(tree="/b"))], ["gpc.check"]
    ),
    apart=True,
)
Message = dict[str, Any]


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer instead of a process: 1000 ns an operation for /a, 1100 ns for /b."""
    asked: list[str] = []

    def messages(plan: Plan) -> Iterator[Message]:
        (build,) = {side.build for c in plan.comparisons for side in c.sides}
        asked.append(f"{build.tree}{build.copy}")
        n = 10 if build.tree == "/a" else 20
        times = [1000 * n if build.tree == "/a" else 1100 * n] * 3
        yield {"kind": "begin", "conditions": {"load_1min": 0.1}}
        for comparison in plan.of("gpc.check"):
            yield {
                "kind": "cost",
                "name": "gpc.check",
                "comparison": comparison.variant,
                "variant": comparison.variant,
                "unit": "ns/check",
                "n": n,
                "start": 0,
                "sides": {s.label: {"cpu_ns": times, "wall_ns": times} for s in comparison.sides},
                "page_offsets": {s.label: {"vm": 64 * n} for s in comparison.sides},
            }
        yield {"kind": "end", "seconds": 1.5, "conditions": {}}

    monkeypatch.setattr(apart, "messages", messages)
    return asked


def test_processes_take_turns_abba(order: list[str]) -> None:
    for worker_idx in range(2):
        list(apart.turns(PLAN, worker_idx))
    assert order == ["/a0", "/b0", "/a1", "/a1", "/b0", "/a0"]


def test_what_they_said_becomes_one_ratio_a_turn(order: list[str]) -> None:
    workers = [list(apart.turns(PLAN, worker_idx)) for worker_idx in range(4)]
    assert [said[0]["kind"] for said in workers] == ["begin"] * 4
    assert workers[0][-1]["seconds"] == 4.5
    by_gpa, by_hva, sentinel = cost_samples(PLAN, workers)
    for sample in (by_gpa, by_hva):
        assert [w.base_ns for w in sample.workers] == [(1000.0,)] * 4
        assert [w.head_ns for w in sample.workers] == [(1100.0,)] * 4
    assert sentinel.workers[0].base_ns == sentinel.workers[0].head_ns == (1000.0,)


def test_where_each_process_had_its_data_is_kept(order: list[str]) -> None:
    _, by_gpa, *_ = apart.turns(PLAN, 1)
    assert by_gpa["page_offsets"] == {"base": {"vm": 640}, "head": {"vm": 1280}}


def test_one_wrong_process_makes_the_whole_message_invalid() -> None:
    right = {"n": 1, "sides": {"base": {"cpu_ns": [1]}}}
    assert apart.merged(right, {"invalid": "3 of 8"})["invalid"] == "3 of 8"
    assert apart.merged({"invalid": "3 of 8"}, right)["invalid"] == "3 of 8"
