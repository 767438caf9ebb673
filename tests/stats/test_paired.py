import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf.stats.paired import Method, estimate, round_log_ratios, worker_estimate

TIMES = st.lists(
    st.tuples(st.floats(min_value=1.0, max_value=1e9), st.floats(min_value=1.0, max_value=1e9)),
    min_size=1,
    max_size=20,
)
WORKERS = st.integers(min_value=1, max_value=12).flatmap(
    lambda nr_rounds: st.lists(
        st.lists(st.floats(min_value=-2.0, max_value=2.0), min_size=nr_rounds, max_size=nr_rounds),
        min_size=1,
        max_size=12,
    )
)


def workers(nr_workers: int, effect: float = 0.0, seed: int = 1) -> list[list[float]]:
    rng = random.Random(seed)
    return [
        [effect + lucky + rng.gauss(0.0, 0.03) for _ in range(16)]
        for lucky in [rng.gauss(0.0, 0.01) for _ in range(nr_workers)]
    ]


def test_a_worker_gives_the_median_log_ratio() -> None:
    assert worker_estimate([100.0, 200.0, 100.0], [110.0, 230.0, 900.0]) == pytest.approx(
        math.log(1.15)
    )


@given(pairs=TIMES)
def test_swapping_the_sides_turns_the_sign(pairs: list[tuple[float, float]]) -> None:
    a_ns, b_ns = zip(*pairs, strict=True)
    assert worker_estimate(a_ns, b_ns) == pytest.approx(-worker_estimate(b_ns, a_ns), abs=1e-9)


@given(pairs=TIMES, factor=st.floats(min_value=1e-3, max_value=1e3))
def test_a_faster_clock_changes_nothing(pairs: list[tuple[float, float]], factor: float) -> None:
    a_ns, b_ns = zip(*pairs, strict=True)
    scaled = worker_estimate([factor * a for a in a_ns], [factor * b for b in b_ns])
    assert scaled == pytest.approx(worker_estimate(a_ns, b_ns), abs=1e-9)


@pytest.mark.parametrize(
    ("a_ns", "b_ns"),
    [
        ([1.0, 2.0], [1.0]),
        ([], []),
        ([1.0], [0.0]),
        ([-1.0], [1.0]),
        ([1.0], [math.inf]),
        ([math.nan], [1.0]),
    ],
)
def test_times_that_cannot_be_paired_are_refused(a_ns: list[float], b_ns: list[float]) -> None:
    with pytest.raises(ValueError, match=r"equally|rounds|positive"):
        round_log_ratios(a_ns, b_ns)


@pytest.mark.parametrize("rounds", [[], [[]], [[0.1, 0.2], [0.1]]])
def test_workers_with_unequal_or_no_rounds_are_refused(rounds: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="same number of rounds"):
        estimate(rounds)


def test_a_round_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        estimate([[0.0, math.nan]])


def test_four_workers_are_judged_by_their_medians() -> None:
    row = estimate(workers(4))
    assert row.method is Method.TRIMMED
    assert (row.nr_workers, row.nr_rounds, len(row.points)) == (4, 16, 4)
    assert "fewer than the 8" in row.warnings[0]
    assert estimate(workers(10)).warnings == ()


@pytest.mark.parametrize("nr_workers", [1, 2, 3])
def test_fewer_workers_warn_that_the_spread_between_processes_is_unknown(nr_workers: int) -> None:
    row = estimate(workers(nr_workers))
    assert row.method is Method.SIGN
    assert len(row.points) == 16 * nr_workers
    assert row.low < row.log_ratio < row.high
    assert "spread between processes was not measured" in row.warnings[0]


def test_too_few_rounds_have_no_interval() -> None:
    row = estimate([[0.01, 0.02, 0.03]])
    assert (row.ratio_low, row.ratio_high, row.half_width) == (0.0, math.inf, math.inf)
    assert "too few rounds" in row.warnings[1]


def test_no_spread_at_all_is_suspicious() -> None:
    assert "clock" in estimate([[0.0] * 16] * 10).warnings[0]


def test_the_ratio_and_its_noise_are_relative() -> None:
    row = estimate(workers(10, effect=math.log(1.05)))
    assert row.ratio == pytest.approx(1.05, abs=0.02)
    assert row.ratio_low < row.ratio < row.ratio_high
    assert (1.0 + row.half_width) ** 2 == pytest.approx(row.ratio_high / row.ratio_low)


@given(rounds=WORKERS)
def test_an_estimate_turns_with_its_sides(rounds: list[list[float]]) -> None:
    row = estimate(rounds)
    turned = estimate([[-value for value in worker] for worker in rounds])
    assert turned.log_ratio == pytest.approx(-row.log_ratio, abs=1e-9)
    assert turned.low == pytest.approx(-row.high, abs=1e-9)
    assert turned.high == pytest.approx(-row.low, abs=1e-9)


@given(rounds=WORKERS, shift=st.floats(min_value=-1.0, max_value=1.0))
def test_an_estimate_moves_with_its_rounds(rounds: list[list[float]], shift: float) -> None:
    row = estimate(rounds)
    moved = estimate([[value + shift for value in worker] for worker in rounds])
    assert moved.log_ratio == pytest.approx(row.log_ratio + shift, abs=1e-9)
    assert moved.high == pytest.approx(row.high + shift, abs=1e-9)


@given(rounds=WORKERS)
def test_more_confidence_is_wider_and_its_own_interval_is_repeated(
    rounds: list[list[float]],
) -> None:
    row = estimate(rounds, 0.9)
    assert (row.interval(0.9).low, row.interval(0.9).high) == (row.low, row.high)
    wider = row.interval(0.99)
    assert wider.low <= row.low
    assert wider.high >= row.high
    assert 0.0 <= row.p_beyond(0.01) <= 1.0
