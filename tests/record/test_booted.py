"""What a boot brought back is read as a file from anywhere would be."""

import pytest

from tests.cli.fake_boots import CASE, SEND, Kernel, cases, recorded
from xenperf.errors import UsageError
from xenperf.record.booted import booted
from xenperf.record.images import changes_of, rows_of, unsteady_answers
from xenperf.stats.verdict import Verdict

RUN, CASES = recorded("p1", Kernel(), 0), cases(Kernel())


def test_figures_counts_and_answers_are_found() -> None:
    found = booted("p1", RUN, CASES)
    assert found.release == "6.99-p1"
    assert found.figures[SEND, "gpa"].workers_ns == (1000,)
    assert found.figures[SEND, "hva"].metric == "instructions"
    assert found.answers == {(CASE, "gpa"): ("delivered", True), (CASE, "hva"): ("delivered", True)}
    assert booted("p1", RUN, " \n").answers == {}


@pytest.mark.parametrize(
    ("run", "said", "why"),
    [
        ("{", CASES, "not JSON"),
        ("{}", CASES, "no recorded run"),
        (RUN.replace('"n": 1', '"n": -1', 1), CASES, "raw.workers"),
        (RUN.replace('"cut_short": null', '"cut_short": "stopped"'), CASES, "was cut short"),
        (RUN, "[", "not JSON"),
        (RUN, "{}", "cases"),
        (RUN, '{"cases": [{"id": "\\u001b[2J"}]}', "control characters"),
        (
            RUN,
            '{"cases": [{"id": 1, "activation": "", "observed": "", "ok": true}]}',
            r"cannot read: cases\[0\].id: not a string",
        ),
    ],
)
def test_what_xenperf_never_writes_is_refused(run: str, said: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        booted("p1", run, said)


def test_a_case_that_varies_from_boot_to_boot_is_found() -> None:
    first, other = booted("p1", RUN, CASES), booted("p1", RUN, cases(Kernel(says="lost")))
    assert unsteady_answers([first, first]) == []
    assert unsteady_answers([first, other]) == [(CASE, "gpa")]


def test_a_count_that_varies_from_boot_to_boot_is_invalid() -> None:
    steady, other = (booted("p", recorded("p", Kernel(refused=n), 0), "") for n in (0, 3))
    by_gpa = [row for row in rows_of({"a": [steady], "b": [steady, other]}) if row.is_count]
    assert by_gpa[0].verdict is Verdict.INVALID
    assert changes_of({"a": [steady], "b": [other]}) == []


def test_boots_that_lack_a_figure_leave_the_others_alone() -> None:
    whole = booted("p", RUN, "")
    partial = booted("p", RUN.replace('"kind": "cost"', '"invalid": "x", "kind": "cost"', 1), "")
    assert (SEND, "gpa") not in partial.figures
    rows = rows_of({"a": [whole, whole], "b": [partial, whole]})
    (row,) = [one for one in rows if one.benchmark == SEND and one.variant == "gpa"]
    assert (row.verdict, row.worker_ratios) == (Verdict.SAME, (1.0,))
