import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf.stats.paired import Estimate, estimate
from xenperf.stats.verdict import Judgement, Verdict, holm, judge, judge_count, simultaneous

P_VALUES = st.lists(st.floats(min_value=0.0, max_value=1.0), max_size=20)


def row(
    rng: random.Random,
    effect: float = 0.0,
    spread: float = 0.01,
    other_mode: tuple[int, ...] = (),
    nr_workers: int = 10,
) -> Estimate:
    """One benchmark; the workers of *other_mode* have side b 20 % slower all their life."""
    rounds = []
    for worker_idx in range(nr_workers):
        centre = effect + rng.gauss(0.0, spread) + (0.18 if worker_idx in other_mode else 0.0)
        rounds.append([centre + rng.gauss(0.0, 0.03) for _ in range(16)])
    return estimate(rounds)


# Ratios of workers, half of which had a tenth more to do on side b; recorded on a benchmark whose
# own spread hides the two modes.
HIDDEN_MODES = (
    (-0.025, 0.106, -0.016, 0.070, -0.011, 0.008, -0.029, 0.004, -0.041, 0.015),
    (-0.015, 0.060, -0.012, 0.057, -0.004, 0.022, 0.014, -0.004, -0.003, 0.012),
)


@pytest.mark.parametrize("ratios", HIDDEN_MODES)
def test_two_modes_that_the_spread_hides_are_not_the_same(ratios: tuple[float, ...]) -> None:
    found = estimate([[ratio] * 16 for ratio in ratios])
    assert found.interval(0.95).lies_inside(-math.log1p(0.03), math.log1p(0.03))
    assert judge([found]) == [Verdict.UNDECIDED]


def test_holm_agrees_with_the_example_done_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@given(p_values=P_VALUES)
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    for plain, adjusted in zip(p_values, holm(p_values), strict=True):
        assert plain <= adjusted <= min(1.0, len(p_values) * plain + 1e-12) or plain == 1.0


@given(p_values=P_VALUES, seed=st.integers(0, 99))
def test_holm_keeps_the_order_and_does_not_depend_on_it(p_values: list[float], seed: int) -> None:
    adjusted = holm(p_values)
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [p for _, p in pairs] == sorted(adjusted)
    shuffled = random.Random(seed).sample(range(len(p_values)), len(p_values))
    again = holm([p_values[i] for i in shuffled])
    assert again == [adjusted[i] for i in shuffled]


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_holm_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, p])


def test_equal_sides_are_almost_never_called_different() -> None:
    rng = random.Random(11)
    verdicts = [judge([row(rng)])[0] for _ in range(600)]
    assert verdicts.count(Verdict.SLOWER) + verdicts.count(Verdict.FASTER) <= 3
    assert verdicts.count(Verdict.SAME) >= 0.95 * len(verdicts)


def test_a_report_of_twenty_equal_rows_is_almost_never_wrong() -> None:
    rng = random.Random(12)
    nr_wrong = sum(
        not {Verdict.SLOWER, Verdict.FASTER}.isdisjoint(judge([row(rng) for _ in range(20)]))
        for _ in range(50)
    )
    assert nr_wrong <= 1


def test_noise_at_the_edge_of_the_margin_is_called_at_most_as_often_as_alpha() -> None:
    rng = random.Random(13)
    verdicts = [judge([row(rng, math.log(1.01))])[0] for _ in range(600)]
    assert verdicts.count(Verdict.SLOWER) + verdicts.count(Verdict.FASTER) <= 0.05 * 600


def test_a_planted_5_percent_is_found_with_its_sign() -> None:
    rng = random.Random(14)
    slower = [judge([row(rng, math.log(1.05))])[0] for _ in range(200)]
    faster = [judge([row(rng, -math.log(1.05))])[0] for _ in range(200)]
    assert slower.count(Verdict.SLOWER) >= 190
    assert faster.count(Verdict.FASTER) >= 190
    assert Verdict.FASTER not in slower
    assert Verdict.SLOWER not in faster


def test_a_planted_5_percent_is_found_among_twenty_rows_of_twenty_workers() -> None:
    rng = random.Random(15)
    nr_found = 0
    for _ in range(30):
        planted = row(rng, math.log(1.05), nr_workers=20)
        others = [row(rng, nr_workers=20) for _ in range(19)]
        nr_found += judge([planted, *others])[0] is Verdict.SLOWER
    assert nr_found >= 29


@pytest.mark.parametrize("nr_slow", range(2, 9))
def test_workers_in_two_modes_are_never_the_same_and_nearly_always_undecided(nr_slow: int) -> None:
    rng = random.Random(16)
    verdicts = [judge([row(rng, other_mode=tuple(range(nr_slow)))])[0] for _ in range(200)]
    assert verdicts.count(Verdict.UNDECIDED) >= 0.9 * len(verdicts)
    assert Verdict.SAME not in verdicts
    assert Verdict.FASTER not in verdicts


@pytest.mark.parametrize("nr_slow", [4, 5, 6, 7, 8, 9, 10, 11, 12])
@pytest.mark.parametrize("nr_workers", [1, 10, 20])
def test_rounds_in_two_modes_are_never_the_same(nr_slow: int, nr_workers: int) -> None:
    rng = random.Random(17)
    for _ in range(20):
        rounds = [
            [0.18 * (idx < nr_slow) + rng.gauss(0.0, 0.03) for idx in range(16)]
            for _ in range(nr_workers)
        ]
        assert judge([estimate(rounds)])[0] in (Verdict.UNDECIDED, Verdict.SLOWER)


def test_an_overloaded_machine_is_undecided() -> None:
    rng = random.Random(18)
    verdicts = [judge([row(rng, spread=0.15)])[0] for _ in range(200)]
    assert Verdict.SAME not in verdicts
    assert verdicts.count(Verdict.UNDECIDED) >= 190


def test_too_few_rounds_decide_nothing() -> None:
    assert judge([estimate([[0.0, 0.0, 0.0, 0.0, 0.0]])]) == [Verdict.UNDECIDED]
    assert judge([estimate([[0.5, 0.5, 0.5, 0.5, 0.5]])]) == [Verdict.UNDECIDED]


def test_one_worker_can_be_the_same_only_if_its_rounds_reach_the_simultaneous_level() -> None:
    single = estimate([[0.001 * idx for idx in range(-3, 4)]])
    assert judge([single]) == [Verdict.SAME]
    assert judge([single] * 20) == [Verdict.UNDECIDED] * 20


@given(shift=st.floats(min_value=-0.2, max_value=0.2), seed=st.integers(0, 999))
def test_swapping_the_sides_swaps_slower_and_faster(shift: float, seed: int) -> None:
    one = row(random.Random(seed), shift)
    other = estimate([[-value for value in worker] for worker in one.rounds])
    swapped = {Verdict.SLOWER: Verdict.FASTER, Verdict.FASTER: Verdict.SLOWER}
    assert judge([other])[0] is swapped.get(judge([one])[0], judge([one])[0])


@given(seed=st.integers(0, 999), step=st.floats(min_value=0.0, max_value=0.3))
def test_a_larger_effect_is_never_less_slower(seed: int, step: float) -> None:
    small = row(random.Random(seed), 0.04)
    large = estimate([[value + step for value in worker] for worker in small.rounds])
    if judge([small])[0] is Verdict.SLOWER:
        assert judge([large])[0] is Verdict.SLOWER


def test_each_row_may_have_its_own_margin() -> None:
    rng = random.Random(19)
    rows = [row(rng, 0.05), row(rng, 0.05)]
    verdicts = judge(rows, [Judgement(), Judgement(margin=0.1, band=0.1)])
    assert verdicts == [Verdict.SLOWER, Verdict.SAME]


def test_simultaneous_intervals_widen_with_the_rows() -> None:
    one = row(random.Random(20))
    alone, among = simultaneous([one])[0], simultaneous([one] * 20)[0]
    assert (alone.low, alone.high) == (one.low, one.high)
    assert among.low < alone.low < alone.high < among.high
    assert among.coverage == pytest.approx(0.9975)


def test_no_rows_have_no_verdicts() -> None:
    assert judge([]) == []
    assert simultaneous([]) == []


def test_settings_that_do_not_fit_are_refused() -> None:
    one = row(random.Random(21))
    with pytest.raises(ValueError, match="as many settings"):
        judge([one], [Judgement(), Judgement()])
    with pytest.raises(ValueError, match="one alpha"):
        judge([one, one], [Judgement(), Judgement(alpha=0.01)])


@pytest.mark.parametrize(
    ("margin", "band", "alpha"),
    [(0.05, 0.03, 0.05), (-0.01, 0.03, 0.05), (0.01, math.inf, 0.05), (0.01, 0.03, 0.0)],
)
def test_impossible_settings_are_refused(margin: float, band: float, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"margin|alpha"):
        Judgement(margin, band, alpha)


@pytest.mark.parametrize(
    ("gpa", "hva", "verdict"), [(3, 3, "same"), (3, 2, "fewer"), (0, 1, "more")]
)
def test_exact_counts_need_no_statistics(gpa: int, hva: int, verdict: str) -> None:
    assert judge_count(gpa, hva) == verdict


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        judge_count(-1, 0)
