"""The cells of a sweep: which there are, the order workers take them in, and their lines."""

from collections import Counter

import pytest

from xenperf.errors import UsageError
from xenperf.measure.cells import COUNTED_WORKERS, by_cell, lines, plan_of_worker, shape_of, shapes
from xenperf.measure.plan import Plan
from xenperf.measure.sides import Build
from xenperf.vmm.machine import Shape

USUAL = Shape(port=7)


def plan_over(slots: list[int], vcpus: list[int], *, full: bool = False, seed: int = 5) -> Plan:
    cells = by_cell(shapes(slots, vcpus, USUAL, full=full), Build())
    return Plan(
        ("gpc.check", "break_apart"), seed=seed, comparisons=cells, cells_in_turn=True, workers=20
    )


def test_one_axis_at_a_time_shares_the_corner() -> None:
    found = shapes([1, 8, 64], [1, 4], USUAL)
    assert [(s.nr_slots, s.nr_vcpus) for s in found] == [(1, 1), (8, 1), (64, 1), (1, 4)]
    assert {s.port for s in found} == {7}


def test_the_full_grid_has_every_combination() -> None:
    found = shapes([1, 8], [1, 4], USUAL, full=True)
    assert [(s.nr_slots, s.nr_vcpus) for s in found] == [(1, 1), (1, 4), (8, 1), (8, 4)]


@pytest.mark.parametrize("slots", [[0, 1], [1, 1 << 20]])
def test_a_size_that_no_machine_has_names_the_limit(slots: list[int]) -> None:
    with pytest.raises(UsageError, match=r"slots \d+: out of range; give 1 to 32762 with RAM"):
        shapes(slots, [], USUAL)


def test_lines_rise_along_one_axis_each() -> None:
    found = list(lines(plan_over([64, 1, 8], [4, 1])))
    assert [(str(line.axis), line.fixed, line.sizes) for line in found] == [
        ("slots", 1, (1, 8, 64)),
        ("vCPUs", 1, (1, 4)),
    ]
    full = list(lines(plan_over([1, 8], [1, 4], full=True)))
    assert [(str(line.axis), line.fixed) for line in full] == [
        ("slots", 1),
        ("slots", 4),
        ("vCPUs", 1),
        ("vCPUs", 8),
    ]


def order_of(plan: Plan, worker_idx: int) -> list[str]:
    return [cell.variant for cell in plan_of_worker(plan, worker_idx).comparisons]


@pytest.mark.parametrize("nr_cells", [2, 3, 5, 6])
def test_every_pair_of_workers_has_each_cell_in_the_middle(nr_cells: int) -> None:
    plan = plan_over([2**n for n in range(nr_cells)], [])
    for first in range(0, 20, 2):
        one, other = order_of(plan, first), order_of(plan, first + 1)
        assert other == one[::-1]
        assert {one.index(cell) + other.index(cell) for cell in one} == {nr_cells - 1}


def test_every_cell_stands_in_each_place_equally_often() -> None:
    plan = plan_over([2**n for n in range(5)], [])
    places = Counter(
        (cell, place) for idx in range(10) for place, cell in enumerate(order_of(plan, idx))
    )
    assert set(places.values()) == {2}
    assert len(places) == 25


def test_the_order_is_the_seeds_and_the_cells_stay_what_they_are() -> None:
    plan = plan_over([2**n for n in range(6)], [])
    assert order_of(plan, 3) == order_of(plan, 3)
    others = [order_of(plan_over([2**n for n in range(6)], [], seed=s), 0) for s in range(6)]
    assert len({tuple(order) for order in others}) > 1
    assert set(plan_of_worker(plan, 4).comparisons) == set(plan.comparisons)


def test_scenarios_are_counted_by_the_first_workers_only() -> None:
    plan = plan_over([1, 8], [])
    for idx in range(6):
        names = plan_of_worker(plan, idx).names
        assert ("break_apart" in names) == (idx < COUNTED_WORKERS)
        assert "gpc.check" in names


def test_a_plan_without_cells_is_left_as_it_is() -> None:
    plan = Plan(("gpc.check", "break_apart"), seed=3)
    assert plan_of_worker(plan, 7) == plan.for_worker(7)


def test_a_plan_with_cells_survives_the_way_to_a_worker() -> None:
    plan = plan_over([1, 8], [1, 4])
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert shape_of(again.comparisons[1]) == Shape(nr_slots=8, port=7)
