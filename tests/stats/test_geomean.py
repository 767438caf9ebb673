"""The mean over rows: one figure a worker, and an interval over the workers."""

import math

import pytest

from xenperf.stats.geomean import geomean


def test_it_is_the_geometric_mean_over_rows() -> None:
    found = geomean([(2.0,) * 8, (0.5,) * 8, (4.0,) * 8])
    assert found is not None
    assert found.ratio == pytest.approx(4.0 ** (1 / 3))
    assert found.nr_rows == 3


def test_its_interval_is_over_workers_and_not_over_rows() -> None:
    shared = [1.0 + 0.01 * (worker % 5 - 2) for worker in range(10)]
    drifting = geomean([shared, shared])  # both rows share the worker's luck
    mixed = geomean([shared, shared[::-1]])  # the luck of one row sets off that of the other
    assert drifting is not None
    assert mixed is not None
    assert drifting.low < 1.0 < drifting.high
    assert math.log(mixed.high / mixed.low) < 0.2 * math.log(drifting.high / drifting.low)


@pytest.mark.parametrize("rows", [[], [(1.0,) * 8], [(1.0,) * 3] * 2, [(1.0,) * 8, (1.0,) * 4]])
def test_what_supports_no_mean_has_none(rows: list[tuple[float, ...]]) -> None:
    assert geomean(rows) is None
