"""Curves from what workers said: complete workers only, each machine by itself."""

from typing import Any

from tests.cli import canned
from xenperf.measure import curves
from xenperf.measure.cells import by_cell, plan_of_worker, shapes
from xenperf.measure.plan import Plan
from xenperf.measure.session import Progress, Session, run
from xenperf.measure.sides import Build
from xenperf.stats.growth import Shape as Curved
from xenperf.vmm.machine import Shape

Message = dict[str, Any]


def plan(**changes: Any) -> Plan:
    cells = by_cell(shapes([1, 8, 64], [1, 4], Shape()), Build())
    settings: dict[str, Any] = {"workers": 6, "rounds": 3, "seed": 2, **changes}
    return Plan(("gpc.check", "lock.read"), comparisons=cells, cells_in_turn=True, **settings)


def growing(plan: Plan, worker_idx: int, machine: str = "") -> list[Message]:
    """Return what a worker says whose costs are 1000 ns and one for each slot."""
    said = list(canned.messages(plan_of_worker(plan, worker_idx)))
    said[0] |= {"machine": machine} if machine else {}
    for message in said[1:-1]:
        slots = int(message["comparison"].split(",")[0].removeprefix("slots "))
        for side in message["sides"].values():
            side["cpu_ns"] = [(1000 + slots) * message["n"]] * plan.rounds
    return said


def session(plan: Plan, machines: tuple[str, ...] = ("",)) -> Session:
    workers = [growing(plan, idx, machines[idx % len(machines)]) for idx in range(plan.workers)]
    return Session(plan, workers)


def test_each_cost_has_a_curve_for_each_line_and_side() -> None:
    found = curves.growth(session(plan()))
    assert [(r.curve.benchmark, r.curve.axis, r.curve.side) for r in found] == [
        (name, axis, side)
        for name in ("gpc.check", "lock.read")
        for axis in ("slots", "vCPUs")
        for side in ("gpa", "hva")
    ]
    assert found[0].curve.passes == ((1001.0, 1008.0, 1064.0),) * 6
    assert found[0].growth is not None
    assert found[0].growth.shape is Curved.LINEAR
    assert round(found[0].growth.per_unit.value, 9) == 1.0
    assert found[2].growth is not None
    assert found[2].growth.shape is Curved.FLAT


def test_a_worker_that_did_not_come_to_every_size_is_in_no_curve() -> None:
    made = session(plan())
    missing = made.workers[3]
    made.workers[3] = [m for m in missing if m.get("comparison") != "slots 8, vCPUs 1"][:-1]
    found = curves.growth(made)
    assert len(found[0].curve.passes) == 5
    assert len(found[2].curve.passes) == 6


def test_machines_are_never_mixed() -> None:
    made = session(plan(workers=10), ("one", "other"))
    found = curves.growth(made)
    assert {row.curve.machine for row in found} == {"one", "other"}
    assert {len(row.curve.passes) for row in found} == {5}
    rows = curves.rows(made)
    assert {row.variant.split(", ")[-1] for row in rows} == {"one", "other"}
    assert len(rows) == 2 * len(made.rows())


def test_progress_counts_what_each_worker_really_has_to_do() -> None:
    cells = by_cell(shapes([1, 8], [], Shape()), Build())
    counted = Plan(
        ("gpc.check", "break_apart"), comparisons=cells, cells_in_turn=True, workers=3, rounds=2
    )
    seen: list[Progress] = []
    run(counted, seen.append, said_by=lambda p, i: canned.messages(plan_of_worker(p, i)))
    assert sorted({p.done for p in seen}) == list(range(11))
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert {p.total for p in seen} == {4 + 4 + 2}
