import re
import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from xenperf.report import text
from xenperf.report.model import Report
from xenperf.report.table import WIDTH
from xenperf.report.tallies import closing, summary
from xenperf.stats.verdict import Verdict

Golden = Callable[[str, str], None]


def _colours(rendered: str) -> list[str]:
    return re.findall(r"\x1b\[\d+m(\w+)\x1b\[0m", rendered)


def test_a_whole_run(report: Report, golden: Golden) -> None:
    golden("report.txt", text.render(report))


def test_a_run_with_everything_wrong(doubtful: Report, golden: Golden) -> None:
    golden("doubtful.txt", text.render(doubtful))


def test_costs_alone(report: Report, golden: Golden) -> None:
    golden("costs.txt", text.render(replace(report, rows=tuple(report.costs))))


def test_outcomes_alone(report: Report, golden: Golden) -> None:
    golden("outcomes.txt", text.render(replace(report, rows=tuple(report.outcomes))))


def test_no_line_is_wider_than_the_page(report: Report, doubtful: Report) -> None:
    for one in (report, doubtful):
        assert max(map(len, text.render(one).splitlines())) <= WIDTH


def test_every_row_is_shown(doubtful: Report) -> None:
    """Each row has one line that ends with its verdict."""
    tables = text.render(doubtful).partition("\nCOSTS")[2].partition("\ncosts ")[0]
    shown = [line.split()[-1] for line in tables.splitlines() if line]
    found = sorted(word for word in shown if word in tuple(Verdict))
    assert found == sorted(row.verdict for row in doubtful.rows)


def test_colour_is_for_slower_and_faster_only(doubtful: Report) -> None:
    coloured = text.render(doubtful, colour=True)
    assert set(_colours(coloured)) == {"slower", "faster"}
    assert re.sub(r"\x1b\[\d+m", "", coloured) == text.render(doubtful)


def test_without_colour_there_is_no_escape(doubtful: Report) -> None:
    assert "\x1b" not in text.render(doubtful)
    assert text.render(doubtful).isascii()


def test_the_weightiest_verdict_and_the_largest_change_come_first(doubtful: Report) -> None:
    section = text.render(doubtful).partition("COSTS")[2].partition("\n\n")[0]
    last_words = [line.split()[-1] for line in section.splitlines()]
    order = [word for word in last_words if word in tuple(Verdict)]
    assert order == ["invalid"] * 3 + ["slower"] + ["faster"] * 3 + ["undecided"] * 3


def test_the_command_can_be_pasted(doubtful: Report) -> None:
    shown = text.render(doubtful).partition("\nreproduce")[2]
    assert " \\\n" in shown
    assert shlex.split(shown.replace("\\\n", " ")) == shlex.split(doubtful.command)


def test_the_summary_counts_every_kind_of_row(report: Report) -> None:
    assert summary(report) == (
        "costs: 2 faster, 1 slower, 1 same, 2 undecided; outcomes: 2 fewer, 1 more, 1 same; "
        "controls: 0 faster, 0 slower, 1 same, 1 undecided"
    )


def test_undecided_is_named_and_never_called_the_same(report: Report) -> None:
    (line,) = [x for x in text.render(report).splitlines() if x.startswith("undecided")]
    assert line.split(": ")[-1] == "gpc.check, shinfo.off_and_on"


def test_a_machine_that_xenperf_booted_is_told_from_others(report: Report) -> None:
    booted = replace(report, environment={**report.environment, "booted": "emulation"})
    assert "booted by xenperf with emulation" in " ".join(text.render(booted).split())
    assert "booted" not in text.render(report)


def test_what_was_not_asked_is_named_by_reason(report: Report) -> None:
    reasons = {"gpc.check": "no steps", "lock.read": "no steps", "x": "no time"}
    shown = text.render(replace(report, skipped=reasons))
    assert "\nskipped    no steps: gpc.check, lock.read\nskipped    no time: x\n" in shown
    assert "skipped" not in text.render(report)


@pytest.mark.parametrize(
    ("seconds", "said"), [(30.0, "(57 s)"), (600.0, "(19 min)"), (7200.0, "(4 h)"), (1e6, "days)")]
)
def test_how_long_deciding_would_take_is_in_a_unit_that_can_be_read(
    report: Report, seconds: float, said: str
) -> None:
    """Three workers were there, and ten took so many seconds; 19 more are needed."""
    (line,) = [
        text for label, text in closing(replace(report, seconds=seconds)) if label == "noise"
    ]
    assert "with 3 workers; about" in line
    assert said in line


def test_one_worker_is_no_plural(report: Report) -> None:
    rows = tuple(replace(row, worker_ratios=row.worker_ratios[:1]) for row in report.rows)
    found = dict(closing(replace(report, rows=rows)))
    assert "with 1 worker; about" in found["noise"]
