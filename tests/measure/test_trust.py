"""Reasons not to trust the times of a run, each planted."""

from typing import Any

import pytest

from xenperf.measure.trust import remarks

Message = dict[str, Any]


def worker(cpu_ns: int = 1_500_000, wall_ns: int = 1_600_000, stolen: int = 0) -> list[Message]:
    side = {"cpu_ns": [cpu_ns] * 4, "wall_ns": [wall_ns] * 4}
    return [
        {"kind": "begin", "conditions": {"steal_ticks": 5, "total_ticks": 1000}},
        {"kind": "cost", "sides": {"gpa": side, "hva": None}},
        {"kind": "cost", "invalid": "3 of 8", "sides": {}},
        {"kind": "end", "conditions": {"steal_ticks": 5 + stolen, "total_ticks": 1100}},
    ]


def test_a_quiet_machine_gives_no_reason() -> None:
    assert remarks([worker(), worker(stolen=9)]) == ()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (worker(stolen=30), "kept 30 % of this machine's time"),
        (worker(wall_ns=9_000_000), "4 of 4 slices waited for a CPU"),
        (worker(cpu_ns=90_000, wall_ns=95_000), "4 of 4 slices are shorter than 0.2 ms"),
    ],
)
def test_each_reason_is_told(said: list[Message], named: str) -> None:
    (found,) = remarks([said])
    assert named in found


def test_a_machine_that_does_not_tell_is_not_accused() -> None:
    said = worker()
    said[0]["conditions"] = {"steal_ticks": None, "total_ticks": None}
    assert remarks([said, []]) == ()
