"""What a report says where instructions were counted."""

from dataclasses import replace

import pytest

from xenperf.cli.formats import FORMATS
from xenperf.report.boots import COUNTED
from xenperf.report.header import judgement, method
from xenperf.report.model import Kind, Report
from xenperf.report.sections import sections
from xenperf.report.tallies import closing
from xenperf.stats.rows import Row
from xenperf.stats.samples import INSTRUCTIONS
from xenperf.stats.verdict import Verdict

SEND = Row(
    *("send.delivered", INSTRUCTIONS, "instr/send", 11116.0, 11110.0, 11110 / 11116),
    ci=(11110 / 11116, 11110 / 11116),
    verdict=Verdict.SAME,
)


@pytest.fixture
def counted(report: Report) -> Report:
    settings = {name: value for name, value in report.settings.items() if name != "slice_ns"}
    return replace(report, rows=(SEND,), settings={**settings, COUNTED: "single requests"})


def test_the_header_says_that_the_clock_counts(counted: Report) -> None:
    assert "instructions, by a clock that counts them: medians of single" in method(counted)
    assert "CPU time" not in method(counted)
    assert "three times what the rounds of one side lie apart" in judgement(counted)


def test_times_are_told_as_before(report: Report) -> None:
    assert "thread CPU time" in method(report)
    assert "instructions" not in judgement(report)


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_form_shows_all_digits_of_a_count(counted: Report, name: str) -> None:
    shown = FORMATS[name].render(counted)
    assert "11116" in shown or name in ("mail", "html")
    assert "instr/send" in shown or name == "mail"
    assert "0.999460237" not in shown or name == "json"


def test_a_table_of_counts_claims_no_interval_and_no_wall_time(counted: Report) -> None:
    (section,) = sections(counted)
    assert section.columns == ("benchmark", "unit", "gpa", "hva", "hva/gpa", "range", "verdict")
    ((*_, ratio, bounds, _),) = section.cells
    assert (ratio, bounds) == ("0.9995", "[0.9995, 0.9995]")


def test_one_instruction_more_shows_in_a_series(counted: Report) -> None:
    more = replace(SEND, head=11117.0, ratio=11117 / 11116, sides=("base", "p1"), ci=(1.0, 1.0))
    (section,) = sections(replace(counted, rows=(more,), kind=Kind.SERIES))
    assert section.columns[1] == "count"
    assert section.cells[1] == (
        *("p1", "11117", "-", "-"),
        *("+0.01 %", "[+0.00, +0.00] %", "same"),
    )


def test_no_count_asks_for_more_workers_to_be_decided(counted: Report) -> None:
    wide = replace(SEND, verdict=Verdict.UNDECIDED, ci=(0.5, 1.5), worker_ratios=(1.0,))
    told = dict(closing(replace(counted, rows=(wide,))))
    assert "undecided" in told
    assert "noise" not in told
