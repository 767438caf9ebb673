"""The undecided are named, however many: what is said can be read back, row by row."""

import re
from dataclasses import replace

import pytest

from tests.report.html import planted
from xenperf.cli.formats import FORMATS
from xenperf.report import html
from xenperf.report.model import Report, RowKey
from xenperf.report.order import Series, series_of
from xenperf.report.tallies import GOES_ON, closing
from xenperf.report.undecided import EVERY, ranges, undecided
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict


def _keys(rows: list[Row]) -> set[RowKey]:
    return {row.key for row in rows if row.verdict is Verdict.UNDECIDED}


def _read_back(report: Report, lines: list[str]) -> set[RowKey]:
    """Return the rows that *lines* speak of, by nothing but their words."""
    series, found = series_of(report), set()
    for line in lines:
        names, _, said = line.partition(": ")
        for name in names.split(", "):
            rows = [row for row in report.costs if row.benchmark == name]
            found |= {row.key for row in rows if _is_meant(series, row, said)}
    return found


def _is_meant(series: Series, row: Row, said: str) -> bool:
    if said == EVERY:
        return True
    for part in said.split("; "):
        if part in (row.variant, f"{row.variant} {EVERY}"):
            return True
        if part.startswith(f"{row.variant} vs "):
            of = dict(re.findall(r"vs (base|previous) ((?:\d+(?:-\d+)?(?:, )?)+)", part))
            base, previous = series.against_base(row), series.against_previous(row)
            if base is not None:
                return series.number(base) in _numbers(of.get("base", ""))
            return previous is not None and series.number(previous) in _numbers(
                of.get("previous", "")
            )
    return False


def _numbers(text: str) -> set[int]:
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        found |= set(range(int(first), int(last or first) + 1))
    return found


@pytest.fixture
def large(report: Report) -> Report:
    """Twelve steps of ten benchmarks; one benchmark is wholly undecided, one wholly decided."""
    made = planted.series(report, nr_benchmarks=10, nr_patches=11)
    fixed = {"send.benchmark_3": Verdict.UNDECIDED, "send.benchmark_5": Verdict.SAME}
    rows = [
        replace(row, verdict=fixed.get(row.benchmark, row.verdict)) if row.ratio else row
        for row in made.rows
    ]
    bought = replace(rows[0], sides=("base gpa", "11-patch hva"), variant="gpa to hva")
    return replace(made, rows=(*rows, replace(bought, verdict=Verdict.UNDECIDED)))


def test_every_undecided_row_can_be_read_back_and_no_other(large: Report) -> None:
    said, lines = undecided(large)
    expected = _keys(large.costs)
    assert _read_back(large, lines) == expected
    assert said.startswith(f"{len(expected)} of {len(large.costs)}, ")


def test_what_is_alike_is_said_once(large: Report) -> None:
    rows = [
        replace(row, verdict=Verdict.UNDECIDED) if row.benchmark == "send.benchmark_4" else row
        for row in large.rows
    ]
    _, lines = undecided(replace(large, rows=tuple(rows)))
    assert f"send.benchmark_3, send.benchmark_4: {EVERY}" in lines
    assert not [line for line in lines if "send.benchmark_5" in line]


@pytest.mark.parametrize(("form", "width"), [("text", 100), ("mail", 72), ("markdown", None)])
def test_every_form_says_all_of_it(large: Report, form: str, width: int | None) -> None:
    shown = FORMATS[form].render(large)
    if width is not None:
        assert max(map(len, shown.splitlines())) <= width
    joined = " ".join(shown.replace("\\", "").split())
    for line in undecided(large)[1]:
        assert line in joined
    for number, label in enumerate(large.about):
        assert f"{number} {label}" in joined


def test_the_page_says_all_of_it(large: Report) -> None:
    page = html.render(large)
    for line in undecided(large)[1]:
        assert f"<li>{line}</li>" in page


def test_lines_that_go_on_have_no_label(large: Report) -> None:
    labels = [label for label, _ in closing(large)]
    first = labels.index("undecided")
    assert set(labels[first + 1 : first + 1 + len(undecided(large)[1])]) == {GOES_ON}


def test_nothing_is_said_where_all_is_decided(report: Report) -> None:
    decided = tuple(replace(row, verdict=Verdict.SAME) for row in report.rows)
    assert undecided(replace(report, rows=decided)) == ("", [])


def test_without_steps_there_is_one_list(report: Report) -> None:
    said, lines = undecided(report)
    assert said == "2 of 6, not the same and not known to differ: gpc.check, shinfo.off_and_on"
    assert lines == []


@pytest.mark.parametrize(
    ("numbers", "said"), [([3], "3"), ([5, 1, 4, 6], "1, 4-6"), ([1, 2], "1-2"), ([], "")]
)
def test_numbers_that_follow_each_other_are_one(numbers: list[int], said: str) -> None:
    assert ranges(numbers) == said
