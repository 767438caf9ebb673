"""Plans: what a worker is told, and what nobody may ask for."""

import pytest

from xenperf.errors import UsageError
from xenperf.measure.plan import Plan
from xenperf.vmm.machine import Shape


def test_a_plan_survives_the_way_to_a_worker() -> None:
    plan = Plan(("gpc.check", "break_apart"), shape=Shape(8, 2, False, 9), workers=3, seed=7)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"workers": 0}, "workers 0"),
        ({"workers": 1001}, "workers 1001"),
        ({"rounds": 0}, "rounds 0"),
        ({"rounds": 10_001}, "rounds 10001"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_numbers_that_measure_nothing_are_refused(numbers: dict[str, int], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        Plan((), **numbers)  # type: ignore[arg-type]


def test_every_worker_draws_its_own_order() -> None:
    plan = Plan((), seed=3)
    seeds = {plan.for_worker(idx).seed for idx in range(10)}
    assert len(seeds) == 10
    assert seeds.isdisjoint(Plan((), seed=4).for_worker(idx).seed for idx in range(10))
