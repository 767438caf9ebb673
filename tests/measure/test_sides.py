"""Sides: who is compared with whom, and that a worker is told all of it."""

import pytest

from xenperf.hypervisor import Activation
from xenperf.measure.plan import Plan
from xenperf.measure.sides import (
    BY_ACTIVATION,
    SENTINEL,
    Build,
    Comparison,
    Side,
    between_builds,
)

BASE, HEAD = Build(tree="/a"), Build(tree="/b", patches=("read-lock-first",))
TWO = between_builds([("base", BASE), ("head", HEAD)], ["gpc.check"])


def test_two_builds_are_compared_by_both_activations_and_the_base_with_itself() -> None:
    by_gpa, by_hva, sentinel = TWO
    assert [side.activation for side in by_gpa.sides] == [Activation.GPA] * 2
    assert [side.activation for side in by_hva.sides] == [Activation.HVA] * 2
    assert [side.build.tree for side in sentinel.sides] == ["/a", "/a"]
    assert sentinel.sides[0].build != sentinel.sides[1].build
    assert sentinel.is_control
    assert sentinel.variant == SENTINEL


def test_controls_are_measured_once_and_only_where_builds_differ_are_they_costs() -> None:
    assert [c.has_controls for c in TWO] == [True, False, True]
    assert [c.is_between_builds for c in (BY_ACTIVATION, *TWO)] == [False, True, True, True]


def test_a_sentinel_takes_part_in_its_own_benchmarks_only() -> None:
    plan = Plan(("gpc.check", "lock.read"), comparisons=TWO)
    assert [c.variant for c in plan.of("gpc.check")] == ["gpa", "hva", SENTINEL]
    assert [c.variant for c in plan.of("lock.read")] == ["gpa", "hva"]


@pytest.mark.parametrize(
    ("against_previous", "pairs"),
    [
        (False, [("p0", "p1"), ("p0", "p2"), ("p0", "p3")]),
        (True, [("p0", "p1"), ("p0", "p2"), ("p0", "p3"), ("p1", "p2"), ("p2", "p3")]),
    ],
)
def test_a_series_compares_with_the_base_and_with_the_step_before(
    against_previous: bool, pairs: list[tuple[str, str]]
) -> None:
    sides = tuple(Side(f"p{idx}", Activation.GPA) for idx in range(4))
    assert Comparison(sides, against_previous=against_previous).pairs == pairs


def test_builds_reach_a_worker_whole() -> None:
    plan = Plan(("gpc.check",), comparisons=TWO, apart=True)
    assert Plan.from_json(plan.to_json()) == plan
