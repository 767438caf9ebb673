"""The cells of a sweep: machines of several sizes, each a comparison, in an order that is fair."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from xenperf.measure.plan import Plan
from xenperf.measure.schedule import orders
from xenperf.measure.sides import Build, Comparison, by_activation
from xenperf.scenarios import catalogue
from xenperf.vmm.machine import Shape

COUNTED_WORKERS: Final = 2
"""Counts are exact: two workers that agree are enough, and the others spend their time on costs."""


class Axis(StrEnum):
    """What a machine has more or less of."""

    SLOTS = "slots"
    VCPUS = "vCPUs"

    def of(self, shape: Shape) -> int:
        """Return how many *shape* has."""
        return shape.nr_slots if self is Axis.SLOTS else shape.nr_vcpus

    @property
    def other(self) -> "Axis":
        """The axis that stays where it is."""
        return Axis.VCPUS if self is Axis.SLOTS else Axis.SLOTS


@dataclass(frozen=True, slots=True)
class Line:
    """Cells that differ along one axis, from the smallest on."""

    axis: Axis
    fixed: int
    """Where the other axis stays."""

    cells: tuple[Comparison, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each cell along the axis."""
        return tuple(self.axis.of(shape_of(cell)) for cell in self.cells)


def shapes(
    slots: Sequence[int], vcpus: Sequence[int], usual: Shape, *, full: bool = False
) -> list[Shape]:
    """Return the machines of a grid; ``UsageError`` names a size that none can have.

    full
        Every number of slots with every number of vCPUs; else one axis at a time, with the other
        as in *usual*.
    """
    if full:
        pairs = [(s, v) for s in slots for v in vcpus]
    else:
        pairs = [(s, usual.nr_vcpus) for s in slots] + [(usual.nr_slots, v) for v in vcpus]
    return [replace(usual, nr_slots=s, nr_vcpus=v) for s, v in dict.fromkeys(pairs)]


def by_cell(machines: Sequence[Shape], build: Build) -> tuple[Comparison, ...]:
    """Return GPA against HVA on each of *machines*."""
    return tuple(
        replace(by_activation(build), variant=label(shape), shape=shape) for shape in machines
    )


def label(shape: Shape) -> str:
    """Return what a cell is called."""
    return f"slots {shape.nr_slots}, vCPUs {shape.nr_vcpus}"


def shape_of(cell: Comparison) -> Shape:
    """Return the machine of a cell."""
    assert cell.shape is not None
    return cell.shape


def lines(plan: Plan) -> Iterator[Line]:
    """Yield the lines of two cells or more, those along the slots first."""
    for axis in Axis:
        by_other: dict[int, list[Comparison]] = {}
        for cell in plan.comparisons:
            by_other.setdefault(axis.other.of(shape_of(cell)), []).append(cell)
        for fixed, cells in sorted(by_other.items()):
            if len(cells) > 1:
                rising = sorted(cells, key=lambda cell: axis.of(shape_of(cell)))
                yield Line(axis, fixed, tuple(rising))


def plan_of_worker(plan: Plan, worker_idx: int) -> Plan:
    """Return what one worker is told: its own seed and, in a sweep, its own order of the cells.

    The order is drawn from the plan's seed; each worker then begins at another cell, and every
    second one goes backwards. So after an even number of workers each cell has stood, on average,
    in the middle, and what drifts over a worker's time falls on all of them alike.
    """
    one = plan.for_worker(worker_idx)
    if not plan.cells_in_turn:
        return one
    nr_cells = len(plan.comparisons)
    drawn = random.Random(plan.seed).sample(plan.comparisons, nr_cells)
    order = orders(nr_cells, worker_idx + 1, 0)[worker_idx]
    counted = worker_idx < COUNTED_WORKERS
    names = tuple(n for n in plan.names if counted or not catalogue.is_scenario(n))
    return replace(one, names=names, comparisons=tuple(drawn[idx] for idx in order))
