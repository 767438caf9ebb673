"""Rows of two files: what they claim, and what they never claim."""

import math
import random

import pytest

from xenperf.stats.files import COUNTED, FEW, ONLY_ONE, WALL, Figure, file_rows
from xenperf.stats.interval import Interval
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS, WALL_TIME
from xenperf.stats.verdict import Verdict


def figure(centre: float, nr: int = 10, seed: int = 1, metric: str = CPU_TIME) -> Figure:
    dice = random.Random(seed)
    times = tuple(centre * math.exp(dice.gauss(0.0, 0.01)) for _ in range(nr))
    return Figure("send.delivered", "gpa", "ns/send", metric, times)


@pytest.mark.parametrize(
    ("head", "verdict", "notes"),
    [
        (figure(120.0, seed=2), Verdict.SLOWER, ()),
        (figure(80.0, seed=2), Verdict.FASTER, ()),
        (figure(107.0, seed=2), Verdict.UNDECIDED, ()),
        (figure(100.0), Verdict.UNDECIDED, ()),
        (figure(200.0, nr=9), Verdict.UNDECIDED, (FEW,)),
        (figure(200.0, metric=WALL_TIME), Verdict.UNDECIDED, (WALL,)),
        (figure(200.0, metric=INSTRUCTIONS), Verdict.UNDECIDED, (WALL,)),
    ],
)
def test_only_a_large_sure_difference_is_one(
    head: Figure, verdict: Verdict, notes: tuple[str, ...]
) -> None:
    (row,) = file_rows([figure(100.0)], [head])
    assert (row.verdict, row.notes) == (verdict, notes)
    assert row.ci is not None
    assert row.ratio is not None
    assert row.ci[0] <= row.ratio <= row.ci[1]
    assert row.name == "send.delivered gpa"


def test_counts_of_two_files_get_no_verdict_and_are_told_where_they_would() -> None:
    (row,) = file_rows(*([figure(ns, metric=INSTRUCTIONS)] for ns in (100.0, 200.0)))
    assert (row.verdict, row.notes) == (Verdict.UNDECIDED, (COUNTED,))


def test_a_large_difference_that_is_not_sure_is_undecided() -> None:
    wide = Figure("x", "", "ns", CPU_TIME, tuple(50.0 + 20.0 * i for i in range(10)))
    moved = Figure("x", "", "ns", CPU_TIME, tuple(1.2 * ns for ns in wide.workers_ns))
    (row,) = file_rows([wide], [moved])
    assert row.verdict is Verdict.UNDECIDED


def test_what_only_one_file_has_is_new_or_gone() -> None:
    rows = file_rows([figure(1.0)], [])
    rows += file_rows([], [figure(1.0)])
    assert [row.verdict for row in rows] == [Verdict.GONE, Verdict.NEW]
    assert all(row.notes == (ONLY_ONE,) for row in rows)


def test_files_that_have_intervals_instead_of_processes_show_what_those_leave_open() -> None:
    sides = [
        Figure("x", "", "ns", WALL_TIME, (ns,), Interval(0.9 * ns, 1.1 * ns, 0.99))
        for ns in (10.0, 20.0)
    ]
    (row,) = file_rows(sides[:1], sides[1:])
    assert row.ci == (18.0 / 11.0, 22.0 / 9.0)
    assert row.verdict is Verdict.UNDECIDED


def test_different_units_are_not_compared() -> None:
    other = Figure("send.delivered", "gpa", "ns/port", CPU_TIME, figure(300.0).workers_ns)
    (row,) = file_rows([figure(100.0)], [other])
    assert row.verdict is Verdict.UNDECIDED
    assert "different units" in row.notes[0]
