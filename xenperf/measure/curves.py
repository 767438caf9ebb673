"""What the workers of a sweep measured, as curves: each cost over the sizes of a line of cells."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from xenperf.measure.cells import Line, lines
from xenperf.measure.samples import per_operation, said_of
from xenperf.measure.session import Session
from xenperf.stats.curves import Curve, GrowthRow, growth_rows
from xenperf.stats.robust import median
from xenperf.stats.rows import Row
from xenperf.stats.samples import WALL_TIME

HERE: Final = ""
"""The machine of a worker that names none: the one that the report is about."""


def by_machine(session: Session) -> dict[str, Session]:
    """Return what each machine measured, as a session of its own."""
    found: dict[str, Session] = {}
    for said in session.workers:
        name = said[0].get("machine", HERE) if said else HERE
        found.setdefault(name, Session(session.plan)).workers.append(said)
    return found


def rows(session: Session) -> list[Row]:
    """Return GPA against HVA for each cell, each machine by itself."""
    machines = by_machine(session)
    if len(machines) < 2:
        return session.rows()
    return [
        replace(row, variant=f"{row.variant}, {name}".strip(", "))
        for name, measured in machines.items()
        for row in measured.rows()
    ]


def growth(session: Session) -> tuple[GrowthRow, ...]:
    """Return every curve that a machine measured, judged together with all others."""
    curves = [
        curve for name, measured in by_machine(session).items() for curve in _curves(measured, name)
    ]
    return growth_rows(curves)


def _curves(session: Session, machine: str) -> Iterator[Curve]:
    """Yield the curves of one machine: by benchmark in the order of the plan, line, and side."""
    found: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    known: dict[str, tuple[str, str]] = {}
    for begin, message, pair in said_of(session.plan, session.workers):
        known[message["name"]] = message["unit"], message["metric"]
        clock = "wall_ns" if message["metric"] == WALL_TIME else "cpu_ns"
        for side in pair:
            times = per_operation(message, side, clock)
            if times is not None:
                of_cell = found.setdefault((message["name"], side), {})
                of_cell.setdefault(message["comparison"], {})[begin["seed"]] = median(times)
    for name in filter(known.__contains__, session.plan.names):
        unit, metric = known[name]
        for line in lines(session.plan):
            for side in (side for benchmark, side in sorted(found) if benchmark == name):
                yield Curve(
                    benchmark=name,
                    side=side,
                    unit=unit,
                    metric=metric,
                    axis=line.axis,
                    sizes=line.sizes,
                    fixed=f"{line.axis.other} {line.fixed}",
                    cells=tuple(cell.variant for cell in line.cells),
                    passes=_passes(line, found[name, side]),
                    machine=machine,
                )


def _passes(line: Line, of_cell: dict[str, dict[int, float]]) -> tuple[tuple[float, ...], ...]:
    """Return the costs of each worker that measured every cell of *line*."""
    columns = [of_cell.get(cell.variant, {}) for cell in line.cells]
    seeds = [seed for seed in columns[0] if all(seed in column for column in columns)]
    return tuple(tuple(column[seed] for column in columns) for seed in seeds)
