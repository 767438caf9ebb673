"""Noise: what is measured of it, and that the detectable effect is indeed found."""

import random

import pytest

from xenperf.stats.paired import estimate
from xenperf.stats.power import POWER, detectable
from xenperf.stats.verdict import DEFAULT, Verdict, judge


def rounds(
    drawn: random.Random, shift: float, between: float, nr_workers: int = 10
) -> list[list[float]]:
    workers = []
    for _ in range(nr_workers):
        own = shift + drawn.gauss(0.0, between)
        workers.append([own + drawn.gauss(0.0, 0.01) for _ in range(16)])
    return workers


def test_spreads_are_those_that_were_planted() -> None:
    found = detectable(rounds(random.Random(1), 0.0, 0.02, nr_workers=400), 1)
    assert found.within == pytest.approx(0.01, rel=0.1)
    assert found.between == pytest.approx(0.02, rel=0.15)


def test_a_bias_beyond_the_margin_widens_it() -> None:
    assert detectable(rounds(random.Random(2), 0.03, 0.002), 1).margin == pytest.approx(
        0.03, abs=0.003
    )
    assert detectable(rounds(random.Random(2), 0.0, 0.002), 1).margin == DEFAULT.margin


def test_what_is_called_detectable_is_found_nine_times_in_ten() -> None:
    drawn, spread = random.Random(3), 0.008
    effects = [detectable(rounds(drawn, 0.0, spread), 1).effect for _ in range(200)]
    typical = sorted(effect for effect in effects if effect is not None)[100]
    found = sum(
        judge([estimate(rounds(drawn, typical, spread))]) == [Verdict.SLOWER] for _ in range(400)
    )
    assert abs(found / 400 - POWER) < 0.08


def test_more_rows_ask_for_a_larger_effect() -> None:
    workers = rounds(random.Random(4), 0.0, 0.01)
    one, many = detectable(workers, 1).effect, detectable(workers, 20).effect
    assert one is not None
    assert many is not None
    assert many > one


def test_few_workers_promise_nothing() -> None:
    assert detectable(rounds(random.Random(5), 0.0, 0.01, nr_workers=4), 1).effect is None
