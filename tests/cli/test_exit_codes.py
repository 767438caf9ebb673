from collections.abc import Sequence

import pytest

from xenperf.cli.exit_codes import exit_code
from xenperf.report.model import Report
from xenperf.stats.rows import CPU_TIME, Row
from xenperf.stats.verdict import Verdict


def _row(verdict: Verdict, *, is_control: bool = False, is_count: bool = False) -> Row:
    figure = None if verdict is Verdict.INVALID else 1
    metric = "refused" if is_count else CPU_TIME
    return Row("x", metric, "", figure, figure, None, None, verdict, is_control)


def _report(rows: Sequence[Row], cut_short: str | None = None) -> Report:
    return Report(tuple(rows), "model", {}, {}, "", 1, cut_short)


SAME, SLOWER, FASTER = _row(Verdict.SAME), _row(Verdict.SLOWER), _row(Verdict.FASTER)
UNDECIDED, INVALID = _row(Verdict.UNDECIDED), _row(Verdict.INVALID)
FEWER = _row(Verdict.FEWER, is_count=True)


@pytest.mark.parametrize(
    ("rows", "strict", "code"),
    [
        ([SAME, FASTER, UNDECIDED, FEWER], False, 0),
        ([SAME, UNDECIDED], True, 3),
        ([SAME, FASTER], True, 0),
        ([SAME, SLOWER, UNDECIDED], False, 1),
        ([SLOWER, UNDECIDED], True, 3),
        ([SLOWER, INVALID], False, 3),
        ([INVALID], False, 2),
        ([], False, 2),
        ([SAME, _row(Verdict.INVALID, is_count=True)], False, 3),
        ([SAME, _row(Verdict.SLOWER, is_control=True)], False, 3),
        ([SLOWER, _row(Verdict.FASTER, is_control=True)], False, 3),
        ([SAME, _row(Verdict.UNDECIDED, is_control=True)], True, 0),
    ],
)
def test_the_code_of_a_finished_run(rows: list[Row], strict: bool, code: int) -> None:
    assert exit_code(_report(rows), strict=strict) == code


def test_an_interrupted_run_is_not_to_be_trusted_even_if_slower() -> None:
    assert exit_code(_report([SLOWER], cut_short="interrupted"), strict=False) == 3


def test_an_interrupted_run_without_figures_measured_nothing() -> None:
    assert exit_code(_report([INVALID], cut_short="interrupted"), strict=False) == 2
