from dataclasses import replace

from xenperf.report import distrust
from xenperf.report.model import Report
from xenperf.stats.verdict import Verdict


def test_a_good_run_gives_no_reason(report: Report) -> None:
    assert distrust.reasons(report) == []


def test_the_worst_comes_first_and_a_common_note_is_said_once(doubtful: Report) -> None:
    found = distrust.reasons(doubtful)
    assert [reason.split(":")[0] for reason in found[:4]] == [
        "interrupted",
        "controls off",
        "invalid",
        "invalid",
    ]
    assert "lock.srcu slower" in found[1]
    assert found[3] == "invalid: vcpu.merge, vcpu.has_interrupt: no worker finished it"
    assert sum("one worker" in reason for reason in found) == 1


def test_a_note_on_every_cost_names_none(report: Report) -> None:
    rows = tuple(row if row.is_count else replace(row, notes=("odd",)) for row in report.rows)
    assert distrust.reasons(replace(report, rows=rows)) == ["every cost: odd"]


def test_a_note_on_one_cost_names_it(report: Report) -> None:
    rows = (replace(report.rows[0], notes=("odd",)), *report.rows[1:])
    assert distrust.reasons(replace(report, rows=rows)) == ["send.delivered: odd"]


def test_a_count_that_varied_is_named_with_its_metric(report: Report) -> None:
    row = replace(report.outcomes[0], verdict=Verdict.INVALID, notes=("varied",))
    found = distrust.reasons(replace(report, rows=(row,)))
    assert found == ["invalid: break_apart.delete_low refused: varied"]


def test_an_interrupted_run_says_how_far_it_came(report: Report) -> None:
    found = distrust.reasons(replace(report, cut_short="interrupted", nr_finished=3))
    assert found == ["interrupted: 3 of 10 workers finished; the table shows what they measured"]
