"""The conditions of a moment: figures that only grow, and None where nothing is told."""

import json
import time
from pathlib import Path

import pytest

from xenperf.measure import conditions, environment


def test_two_moments_give_a_share() -> None:
    before = conditions.now()
    end = (
        time.thread_time() + 0.1
    )  # several ticks: a kernel may bring the account up to date at those
    while time.thread_time() < end:
        sum(range(1000))
    after = conditions.now()
    assert json.loads(json.dumps(after)) == after
    for name in ("steal_ticks", "total_ticks", "cpu_ns", "waited_ns"):
        assert before[name] is not None
        assert after[name] >= before[name]  # type: ignore[operator]
    assert after["cpu_ns"] > before["cpu_ns"]  # type: ignore[operator]


def test_a_machine_that_tells_nothing_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_read", lambda path: None)
    monkeypatch.setattr(conditions, "_SCHEDSTAT", Path("/no/such/file"))
    found = conditions.now()
    assert found.pop("load_1min") is not None
    assert set(found.values()) == {None}
