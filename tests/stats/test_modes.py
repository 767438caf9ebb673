import math
import random

from xenperf.stats.modes import Claim, rounds_dissent, workers_dissent, workers_outside

SAME = Claim(-0.03, 0.03, 0.03)
SLOWER = Claim(0.03, math.inf, 0.03)
QUIET = [-0.01, -0.006, -0.003, -0.001, 0.0, 0.002, 0.004, 0.007]


def noisy_rounds(rng: random.Random, nr_workers: int = 10) -> list[list[float]]:
    return [[rng.gauss(0.0, 0.02) for _ in range(16)] for _ in range(nr_workers)]


def test_one_wild_worker_is_an_accident_and_two_are_a_group() -> None:
    assert not workers_dissent([*QUIET, 0.001, 0.19], SAME)
    assert workers_dissent([*QUIET, 0.18, 0.19], SAME)
    assert workers_dissent([*QUIET, -0.18, 0.19], SAME)


def test_a_group_that_fits_the_claim_does_not_speak_against_it() -> None:
    points = [0.1 + value for value in QUIET]
    assert not workers_dissent([*points, 0.3, 0.31], SLOWER)
    assert workers_dissent([*points, 0.0, 0.001], SLOWER)


def test_a_normal_spread_rarely_looks_like_groups() -> None:
    rng = random.Random(2)
    dissents = [workers_dissent([rng.gauss(0, 0.03) for _ in range(10)], SAME) for _ in range(500)]
    assert sum(dissents) <= 40


def test_workers_outside_count_whether_apart_or_not() -> None:
    spread = [-0.025, -0.016, -0.011, -0.004, 0.0, 0.004, 0.008, 0.015]
    assert not workers_outside([*spread, 0.02, 0.07], SAME)
    assert workers_outside([*spread, 0.05, 0.07], SAME)
    assert workers_outside([*spread, -0.05, 0.07], SAME)
    assert not workers_dissent([*spread, -0.05, 0.07], SAME)


def test_more_workers_may_have_more_outside() -> None:
    assert not workers_outside([*[0.0] * 37, 0.1, 0.1, 0.1], SAME)
    assert workers_outside([*[0.0] * 36, 0.1, 0.1, 0.1, 0.1], SAME)


def test_rounds_apart_on_both_sides_are_set_off() -> None:
    rounds = noisy_rounds(random.Random(3))
    for worker in rounds:
        worker[0] += 0.4
        worker[1] -= 0.4
        worker[2] += 0.4
        worker[3] -= 0.4
    assert not rounds_dissent(rounds, SAME)


def test_a_fifth_of_the_rounds_on_one_side_speaks_against_same() -> None:
    rounds = noisy_rounds(random.Random(4))
    for worker in rounds:
        for idx in range(3):
            worker[idx] += 0.2
    assert rounds_dissent(rounds, SAME)
    assert rounds_dissent([[-value for value in worker] for worker in rounds], SAME)
    raised = [[value + 0.1 for value in worker] for worker in rounds]
    assert not rounds_dissent(raised, SLOWER)


def test_rounds_without_spread_do_not_dissent() -> None:
    assert not rounds_dissent([[0.0] * 4], SAME)
