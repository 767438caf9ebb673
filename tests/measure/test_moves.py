"""Slices that changed their CPU: counted where it is known, and nothing said where it is not."""

import os
from typing import Any

import pytest

from xenperf.measure import processor
from xenperf.measure.moves import moved_in, moves

OLD = {"cpu_ns": [1, 1, 1]}


def cost(**sides: Any) -> dict[str, Any]:
    return {"kind": "cost", "sides": sides}


def on(first: list[int | None], last: list[int | None]) -> dict[str, Any]:
    return {**OLD, "first_cpu": first, "last_cpu": last}


def test_a_slice_moved_if_it_ended_on_another_cpu() -> None:
    assert moved_in(on([0, 0, 1], [0, 1, 0])) == [False, True, True]


def test_what_is_not_known_is_neither_moved_nor_counted() -> None:
    assert moved_in(OLD) == []
    assert moved_in(on([None, 0, 1], [0, None, 0])) == [True]


def test_the_slices_of_all_workers_and_sides_are_counted() -> None:
    workers = [
        [{"kind": "begin"}, cost(gpa=on([0, 0, 0], [0, 0, 1]), hva=None), {"kind": "end"}],
        [cost(gpa=on([1, 1, 1], [1, 1, 1]), hva=OLD)],
        [{"kind": "cost", "invalid": "3 of 8"}],
    ]
    assert moves(workers) == (1, 6)
    assert moves([[cost(gpa=OLD)]]) is None


def test_the_cpu_is_one_that_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        for cpu in sorted(allowed)[:2]:
            os.sched_setaffinity(0, {cpu})
            assert processor.number() == cpu
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_system_that_does_not_tell_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "_getcpu", lambda: -1)
    assert processor.number() is None
