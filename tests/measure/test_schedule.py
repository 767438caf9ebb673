"""The schedule: both sides equally often, in balanced order, and only right answers."""

import time

import pytest

from xenperf.measure import processor
from xenperf.measure.schedule import (
    DISCARDED_SLICES,
    Slices,
    WrongAnswerError,
    alternate,
    calibrate,
    timed,
)

SLICE_NS = 300_000


def spin(n: int, ns_each: int = 2_000) -> int:
    """Use about *ns_each* of CPU time for each of *n* operations."""
    end = time.thread_time_ns() + n * ns_each
    while time.thread_time_ns() < end:
        pass
    return n


class Side:
    """A loop that writes down when it ran, under a name, into a shared log."""

    def __init__(self, name: str, log: list[str], ns_each: int = 2_000) -> None:
        self.name, self.log, self.ns_each = name, log, ns_each
        self.sizes: list[int] = []

    def __call__(self, n: int) -> int:
        self.log.append(self.name)
        self.sizes.append(n)
        return spin(n, self.ns_each)


@pytest.mark.parametrize(("a_first", "pattern"), [(True, "abba"), (False, "baab")])
def test_rounds_alternate_abba_after_the_discarded_slices(a_first: bool, pattern: str) -> None:
    log: list[str] = []
    a, b = Side("a", log), Side("b", log)
    n, slices_a, slices_b = alternate(a, b, slice_ns=SLICE_NS, rounds=6, a_first=a_first)
    assert "".join(log[-12:]) == pattern * 3
    assert log.count("b") == 6 + DISCARDED_SLICES
    assert b.sizes == [n] * len(b.sizes)
    assert a.sizes[-6:] == [n] * 6
    assert len(slices_a.cpu_ns) == len(slices_b.wall_ns) == 6


def test_a_slice_is_about_as_long_as_asked_for() -> None:
    n = calibrate(lambda n: spin(n), SLICE_NS, cycle=1)
    assert 75 <= n <= 300  # 150 operations of 2 us, give or take a loaded machine


def test_the_number_of_operations_is_a_multiple_of_the_cycle() -> None:
    log: list[str] = []
    n, _, _ = alternate(
        Side("a", log), Side("b", log), slice_ns=SLICE_NS, rounds=1, a_first=True, cycle=8
    )
    assert n % 8 == 0
    assert n > 0


def test_planted_work_shows_in_the_ratio_of_the_slices() -> None:
    log: list[str] = []
    _, a, b = alternate(
        Side("a", log, 2_000), Side("b", log, 3_000), slice_ns=SLICE_NS, rounds=12, a_first=True
    )
    ratios = sorted(y / x for x, y in zip(a.cpu_ns, b.cpu_ns, strict=True))
    assert 1.35 < ratios[6] < 1.65


def test_the_cpu_of_begin_and_end_is_kept_with_each_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only looked at outside of what is timed: the stand-in takes longer than the slice."""
    told = iter(range(100))

    def slow_number() -> int:
        spin(1, 3_000_000)
        return next(told)

    monkeypatch.setattr(processor, "number", slow_number)
    slices = Slices()
    for _ in range(2):
        timed(lambda n: spin(n), 10, slices)
    assert (slices.first_cpu, slices.last_cpu) == ([0, 2], [1, 3])
    assert max(slices.cpu_ns) < 3_000_000


def test_a_wrong_answer_is_never_timed() -> None:
    with pytest.raises(WrongAnswerError, match="did not have the outcome expected"):
        alternate(lambda n: n, lambda n: n - 1, slice_ns=SLICE_NS, rounds=1, a_first=True)
