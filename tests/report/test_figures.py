import math
from dataclasses import replace

import pytest

from xenperf.report.figures import UNBOUNDED, Figures, figures
from xenperf.stats.rows import CPU_TIME, Row
from xenperf.stats.verdict import Verdict

ROW = Row("send", CPU_TIME, "ns/send", 108.6498, 41.8509, 0.38502, (0.3842, 0.3864), Verdict.FASTER)


def test_a_ratio_has_the_digits_of_its_interval() -> None:
    assert figures(ROW) == Figures("109", "41.9", "0.3850", "[0.3842, 0.3864]", "[-61.6, -61.4] %")


def test_a_wide_interval_takes_digits_from_the_times_too() -> None:
    shown = figures(replace(ROW, base=108.6498, head=86.9, ratio=0.8, ci=(0.6, 1.0)))
    assert shown == Figures("109", "87", "0.80", "[0.60, 1.00]", "[-40.0, +0.0] %")
    assert figures(replace(ROW, base=1086.498, ci=(0.2, 0.6))).base == "1100"


@pytest.mark.parametrize(
    ("counted", "change"),
    [
        (None, "-"),
        ((100.0, 100.0), "+0.0 %"),
        ((100.0, 99.96), "+0.0 %"),
        ((122.15, 112.15), "-8.2 %"),
        ((100.0, 103.0), "+3.0 %"),
    ],
)
def test_a_change_of_the_instructions_is_never_minus_nothing(
    counted: tuple[float, float] | None, change: str
) -> None:
    assert figures(replace(ROW, instructions=counted)).instructions == change


@pytest.mark.parametrize(
    ("gpa", "expected"),
    [(0.00123456, "0.00123"), (0.94623, "0.946"), (9.996, "10.00"), (12345.6, "12300")],
)
def test_a_time_has_three_digits_at_most(gpa: float, expected: str) -> None:
    assert figures(replace(ROW, base=gpa)).base == expected


def test_without_an_interval_there_are_two_digits_and_no_ratio() -> None:
    shown = figures(replace(ROW, ci=(0.0, math.inf)))
    assert shown == Figures("110", "42", "?", UNBOUNDED, UNBOUNDED)


def test_an_interval_without_width_is_exact() -> None:
    shown = figures(replace(ROW, ratio=1.0, ci=(1.0, 1.0)))
    assert (shown.ratio, shown.interval) == ("1", "[1, 1]")


def test_counts_are_exact() -> None:
    row = Row("all", "refused", "of 9 sends", 12345678, 0, None, None, Verdict.FEWER)
    assert figures(row) == Figures("12345678", "0", "-", "-")


def test_what_was_not_measured_is_a_dash() -> None:
    row = replace(ROW, base=None, head=None, ratio=None, ci=None, verdict=Verdict.INVALID)
    assert figures(row) == Figures("-", "-", "-", "-")
