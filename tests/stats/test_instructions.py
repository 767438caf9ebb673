"""Instruction counts: the arithmetic, and when two counts differ."""

import pytest

from xenperf.stats.instructions import (
    MARGIN,
    SPREADS,
    InstructionRow,
    Tally,
    judge_instructions,
    named,
    per_operation,
)
from xenperf.stats.verdict import Verdict


def row(gpa: Tally | None, hva: Tally | None, **more: object) -> InstructionRow:
    return InstructionRow("send.delivered", "send", gpa, hva, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("overhead", [0, 17, 10_000])
def test_what_a_call_costs_whatever_its_size_drops_out(overhead: int) -> None:
    assert per_operation(overhead + 100 * 7, overhead + 200 * 7, 100) == 7.0


@pytest.mark.parametrize(("at_n", "at_twice_n", "n"), [(100, 99, 10), (1, 2, 0)])
def test_totals_that_cannot_be_of_the_same_work_are_refused(
    at_n: int, at_twice_n: int, n: int
) -> None:
    with pytest.raises(ValueError, match="instructions for"):
        per_operation(at_n, at_twice_n, n)


def test_a_tally_keeps_its_runs() -> None:
    tally = Tally((10.0, 13.0, 10.0))
    assert (tally.mean, tally.spread) == (11.0, 3.0)
    with pytest.raises(ValueError, match="no run"):
        Tally(())


@pytest.mark.parametrize(
    ("hva", "verdict"),
    [
        (1000.0 * (1 + 0.99 * MARGIN), Verdict.SAME),
        (1000.0 * (1 - 0.99 * MARGIN), Verdict.SAME),
        (1000.0 * (1 + 1.01 * MARGIN), Verdict.MORE),
        (1000.0 * (1 - 1.01 * MARGIN), Verdict.FEWER),
    ],
)
def test_without_a_spread_the_margin_decides(hva: float, verdict: Verdict) -> None:
    assert judge_instructions(Tally((1000.0,) * 3), Tally((hva,) * 3)) is verdict


@pytest.mark.parametrize("noisy_first", [True, False])
def test_the_larger_spread_decides_where_it_exceeds_the_margin(noisy_first: bool) -> None:
    noisy = Tally((1000.0, 1002.0, 1004.0))
    tolerated = SPREADS * noisy.spread
    near, far = (Tally((noisy.mean + factor * tolerated,) * 3) for factor in (0.99, 1.01))
    pairs = [(noisy, near), (noisy, far)] if noisy_first else [(near, noisy), (far, noisy)]
    verdicts = [judge_instructions(*pair) for pair in pairs]
    assert verdicts == [Verdict.SAME, Verdict.MORE if noisy_first else Verdict.FEWER]


def test_a_row_says_what_is_missing() -> None:
    some = Tally((4.0,))
    assert row(some, None).verdict is Verdict.GONE
    assert row(None, None, invalid="3 sends were refused").verdict is Verdict.INVALID
    assert row(None, some).verdict is Verdict.INVALID
    assert (row(some, None).difference, row(some, Tally((5.0,))).difference) == (None, 0.25)


def test_rows_are_named_by_verdict() -> None:
    rows = [row(Tally((4.0,)), Tally((5.0,))), row(Tally((4.0,)), Tally((4.0,)))]
    assert named(rows, Verdict.MORE) == ["send.delivered"]
