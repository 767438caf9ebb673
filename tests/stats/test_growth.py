"""Curves against oracles: exact shapes are named, noise is not, and the error rate is held."""

import math
import random
from collections.abc import Callable

import pytest

from xenperf.stats.curves import Curve, growth_rows
from xenperf.stats.fits import line_through
from xenperf.stats.growth import BOTH_FIT, FEW, NONE_FITS, ONE_SIZE, WIDE, Shape, judge_curve
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS, WALL_TIME
from xenperf.stats.verdict import DEFAULT

SIZES = (1, 8, 64, 512, 1024, 8192)
Cost = Callable[[int], float]


def passes(cost: Cost, sizes: tuple[int, ...] = SIZES, nr: int = 10) -> list[list[float]]:
    """Return passes whose machine is faster or slower as a whole, and exact otherwise."""
    return [[cost(size) * (1.0 + 0.01 * idx) for size in sizes] for idx in range(nr)]


def noisy(cost: Cost, spread: float, seed: int, nr: int = 20) -> list[list[float]]:
    dice = random.Random(seed)
    return [[cost(size) * math.exp(dice.gauss(0.0, spread)) for size in SIZES] for _ in range(nr)]


@pytest.mark.parametrize(
    ("cost", "shape"),
    [
        (lambda n: 40.0, Shape.FLAT),
        (lambda n: 40.0 * 1.02 ** (n > 500), Shape.FLAT),
        (lambda n: 1824.0 + 237.0 * (n - 1), Shape.LINEAR),
        (lambda n: 40.0 + 0.001 * n, Shape.LINEAR),
        (lambda n: 9000.0 - n, Shape.LINEAR),
        (lambda n: 40.0 + 3.0 * math.log2(n), Shape.LOG2),
        (lambda n: 199_500.0 * (1.0 + 0.004 * math.log2(n)), Shape.LOG2),
        (lambda n: 40.0 + n * n, Shape.CHANGES),
        (lambda n: 40.0 if n < 512 else 80.0, Shape.CHANGES),
    ],
)
def test_an_exact_curve_is_named(cost: Cost, shape: Shape) -> None:
    found = judge_curve(SIZES, passes(cost), DEFAULT)
    assert found.shape is shape
    assert found.reason == (NONE_FITS if shape is Shape.CHANGES else "")


def test_slopes_and_growth_are_those_that_were_planted() -> None:
    line = judge_curve(SIZES, [[50.0 + 2.0 * n for n in SIZES]] * 5, DEFAULT)
    assert line.per_unit.value == pytest.approx(2.0)
    assert line.growth[-1].value == pytest.approx((50 + 2 * 8192) / 52)
    assert line.cost[1].value == pytest.approx(66.0)
    log = judge_curve(SIZES, [[50.0 + 2.0 * math.log2(n) for n in SIZES]] * 5, DEFAULT)
    assert log.per_doubling.value == pytest.approx(2.0)
    assert log.growth[0].low == log.growth[0].high == 1.0


@pytest.mark.parametrize("size", range(1, 5))
def test_a_line_agrees_with_least_squares_worked_out_by_hand(size: int) -> None:
    """Weighted normal equations, solved by Cramer's rule."""
    dice = random.Random(size)
    xs = sorted(dice.sample(range(1, 100), 5))
    many = [[dice.uniform(10.0, 90.0) for _ in xs] for _ in range(3)]
    found = line_through(xs, many)
    weights = [cost**-2 for cost in found.costs]
    for slope, misses, ys in zip(found.slopes, found.misses, many, strict=True):
        s, sx, sy, sxx, sxy = (
            sum(w * f(x, y) for w, x, y in zip(weights, xs, ys, strict=True))
            for f in (
                lambda x, y: 1.0,
                lambda x, y: x,
                lambda x, y: y,
                lambda x, y: x * x,
                lambda x, y: x * y,
            )
        )
        assert slope == pytest.approx((s * sxy - sx * sy) / (s * sxx - sx * sx))
        assert sum(w * miss for w, miss in zip(weights, misses, strict=True)) == pytest.approx(0.0)


def test_drift_that_meets_whole_passes_is_in_no_growth() -> None:
    drifting = [[40.0 * 1.3**idx for _ in SIZES] for idx in range(8)]
    found = judge_curve(SIZES, drifting, DEFAULT)
    assert found.shape is Shape.FLAT
    assert found.cost[0].high > 1.5 * found.cost[0].low


def test_noise_is_undecided() -> None:
    for seed in range(20):
        found = judge_curve(SIZES, noisy(lambda n: 40.0, 0.2, seed), DEFAULT)
        assert (found.shape, found.reason) == (Shape.UNDECIDED, WIDE)


def test_noise_hides_no_large_growth_and_fakes_none() -> None:
    for seed in range(20):
        line = noisy(lambda n: 1824.0 + 237.0 * n, 0.01, seed)
        assert judge_curve(SIZES, line, DEFAULT, nr_curves=40).shape is Shape.LINEAR
        level = noisy(lambda n: 40.0, 0.01, seed)
        assert judge_curve(SIZES, level, DEFAULT, nr_curves=40).shape in (
            Shape.FLAT,
            Shape.UNDECIDED,
        )


def test_the_chance_of_a_false_word_is_held() -> None:
    """A level cost is said to change in at most 5 % of sweeps of ten curves, here in fewer."""
    wrong = 0
    for sweep in range(60):
        found = [
            judge_curve(SIZES, noisy(lambda n: 40.0, 0.05, 100 * sweep + idx, 10), DEFAULT, 10)
            for idx in range(10)
        ]
        wrong += any(each.shape not in (Shape.FLAT, Shape.UNDECIDED) for each in found)
    assert wrong <= 3


@pytest.mark.parametrize(
    ("sizes", "nr", "shape", "reason"),
    [
        (SIZES, 3, Shape.UNDECIDED, FEW),
        ((7,), 10, Shape.UNDECIDED, ONE_SIZE),
        ((1, 64), 10, Shape.CHANGES, BOTH_FIT),
    ],
)
def test_what_cannot_be_told_is_said(
    sizes: tuple[int, ...], nr: int, shape: Shape, reason: str
) -> None:
    found = judge_curve(sizes, passes(lambda n: 10.0 + n, sizes, nr), DEFAULT)
    assert (found.shape, found.reason) == (shape, reason)


@pytest.mark.parametrize(
    ("sizes", "many"),
    [
        ((), [[]]),
        ((1, 1), [[1.0, 1.0]]),
        ((8, 1), [[1.0, 1.0]]),
        ((0, 1), [[1.0, 1.0]]),
        ((1, 8), []),
        ((1, 8), [[1.0]]),
        ((1, 8), [[1.0, 0.0]]),
        ((1, 8), [[1.0, math.inf]]),
    ],
)
def test_what_is_no_curve_is_refused(sizes: tuple[int, ...], many: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"sizes must|every pass|costs must"):
        judge_curve(sizes, many, DEFAULT)


def curve(metric: str, many: list[list[float]]) -> Curve:
    rounds = tuple(map(tuple, many))
    return Curve("send", "gpa", "ns/send", metric, "slots", SIZES, "vCPUs 1", ("",) * 6, rounds)


STRICT = (CPU_TIME, INSTRUCTIONS)
"""What has the narrow limits."""


def test_wall_time_has_wider_limits_and_many_curves_wider_intervals() -> None:
    rising = passes(lambda n: 40.0 * (1.0 + 0.004 * math.log2(n)))
    cpu, wall, missing = growth_rows(
        [curve(CPU_TIME, rising), curve(WALL_TIME, rising), curve(CPU_TIME, [])]
    )
    assert cpu.growth is not None
    assert wall.growth is not None
    assert (cpu.growth.shape, wall.growth.shape) == (Shape.LOG2, Shape.FLAT)
    assert missing.growth is None
    alone, counted = (growth_rows([curve(kind, rising)])[0].growth for kind in STRICT)
    assert alone is not None
    assert alone == counted
    assert alone.cost[0].high < cpu.growth.cost[0].high
