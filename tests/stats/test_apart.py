"""Samples taken apart, against the definitions: all splits of the values, all shifts tried."""

import itertools
import math
import random

import pytest

from xenperf.stats.apart import _normal_p, shift, u_p_value


def obvious_p(a: list[float], b: list[float]) -> float:
    """Return p by splitting the values in every way."""

    def u(first: list[float], second: list[float]) -> float:
        pairs = itertools.product(first, second)
        return sum((x > y) + 0.5 * (x == y) for x, y in pairs)

    values, centre = [*a, *b], len(a) * len(b) / 2
    off, far, nr_ways = abs(u(a, b) - centre), 0, 0
    for chosen in itertools.combinations(range(len(values)), len(a)):
        first = [values[i] for i in chosen]
        second = [values[i] for i in range(len(values)) if i not in chosen]
        far += abs(u(first, second) - centre) >= off - 1e-9
        nr_ways += 1
    return far / nr_ways


def test_p_is_the_share_of_splits_as_far_off_ties_included() -> None:
    dice = random.Random(5)
    for _ in range(60):
        a = [float(dice.randrange(6)) for _ in range(dice.randrange(1, 5))]
        b = [float(dice.randrange(8)) for _ in range(dice.randrange(1, 5))]
        assert u_p_value(a, b) == pytest.approx(obvious_p(a, b), abs=1e-12)
        assert u_p_value(b, a) == pytest.approx(u_p_value(a, b), abs=1e-12)


def test_ten_against_ten_apart_is_the_least_that_is_possible() -> None:
    a, b = [float(i) for i in range(10)], [float(i) for i in range(20, 30)]
    assert u_p_value(a, b) == pytest.approx(2 / math.comb(20, 10), rel=1e-12)


def test_equal_values_have_p_1() -> None:
    assert u_p_value([1.0] * 5, [1.0] * 6) == 1.0
    assert u_p_value([1.0] * 50, [1.0] * 60) == 1.0


def test_the_normal_form_agrees_where_both_can_be_had() -> None:
    dice = random.Random(6)
    for _ in range(20):
        a = [round(dice.gauss(0.0, 1.0), 1) for _ in range(20)]
        b = [round(dice.gauss(0.5, 1.0), 1) for _ in range(18)]
        ranks = [sum(v < x for v in a + b) * 2 + sum(v == x for v in a + b) + 1 for x in [*a, *b]]
        off = abs(sum(ranks[:20]) - 20 * 39)
        assert _normal_p(ranks, 20, off) == pytest.approx(u_p_value(a, b), abs=0.01)


def test_the_interval_holds_the_shifts_that_the_test_does_not_reject() -> None:
    dice = random.Random(7)
    for nr_a, nr_b in ((5, 6), (8, 4), (10, 10), (25, 22)):
        a = [dice.gauss(0.0, 1.0) for _ in range(nr_a)]
        b = [dice.gauss(1.0, 1.0) for _ in range(nr_b)]
        centre, bounds = shift(a, b, 0.95)
        assert bounds.low < centre < bounds.high
        for inside, by in ((True, 1e-9), (False, -1e-9)):
            for moved in (bounds.low + by, bounds.high - by):
                p = u_p_value(a, [y - moved for y in b])
                assert (p > 0.05) is inside


def test_too_few_values_leave_the_shift_open() -> None:
    centre, bounds = shift([1.0, 2.0], [4.0, 5.0], 0.95)
    assert (centre, bounds.low, bounds.high) == (3.0, -math.inf, math.inf)


@pytest.mark.parametrize("bad", [[], [math.nan], [math.inf]])
def test_a_sample_of_nothing_or_without_end_is_refused(bad: list[float]) -> None:
    for pair in ((bad, [1.0]), ([1.0], bad)):
        with pytest.raises(ValueError, match="sample"):
            u_p_value(*pair)
        with pytest.raises(ValueError, match="sample"):
            shift(*pair, 0.95)
