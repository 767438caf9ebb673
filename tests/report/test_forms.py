"""Every form of every kind of report: golden files, widths, and hostile texts."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xenperf.cli.formats import FORMATS, chosen
from xenperf.report import mail, markdown, text
from xenperf.report.model import EVERY_COST, Kind, Report
from xenperf.report.sections import sections
from xenperf.report.tallies import closing
from xenperf.report.undecided import undecided

Golden = Callable[[str, str], None]
FORMS = ("text", "markdown", "mail")
KINDS = ("report", "doubtful", "compared", "counted", "series", "checked")
SUFFIX = {"text": "txt", "markdown": "md", "mail": "mail"}


@pytest.fixture(params=KINDS)
def named(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each kind of report with its name."""
    return request.param, request.getfixturevalue(request.param)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_every_kind(form: str, named: tuple[str, Report], golden: Golden) -> None:
    name, report = named
    golden(f"{name}.{SUFFIX[form]}", FORMATS[form].render(report))


@pytest.mark.parametrize(("form", "width"), [("text", 100), ("mail", 72)])
def test_no_line_is_wider_than_its_page(form: str, width: int, named: tuple[str, Report]) -> None:
    assert max(map(len, FORMATS[form].render(named[1]).splitlines())) <= width


@pytest.mark.parametrize("form", FORMS)
def test_every_undecided_row_is_named(form: str, named: tuple[str, Report]) -> None:
    report = named[1]
    plain = FORMATS[form].render(report).replace("\\", "")
    joined = " ".join(plain.split())
    if report.kind is Kind.SELFCHECK:
        assert "undecided 1: gpc.check hva" in joined or "undecided**: 1: gpc.check hva" in joined
        return
    said, lines = undecided(report)
    assert said in joined
    assert all(line in joined for line in lines)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_slices_that_changed_their_cpu_are_told_where_there_are_some(
    form: str, report: Report
) -> None:
    told = "12 of 640 slices ended on another CPU than they began on"
    shown = FORMATS[form].render(replace(report, moved=(12, 640)))
    assert told in " ".join(shown.split())
    for none_moved in ((0, 640), None):
        shown = FORMATS[form].render(replace(report, moved=none_moved))
        assert "another CPU" not in " ".join(shown.split())


@pytest.mark.parametrize("form", ["text", "markdown", "mail", "html"])
def test_what_could_not_be_counted_is_told_with_the_reason(form: str, report: Report) -> None:
    reason = "valgrind: not on the PATH; install it"
    shown = FORMATS[form].render(replace(report, uncounted={EVERY_COST: reason}))
    assert f"not counted: {reason}" in " ".join(shown.split())
    assert "callgrind" not in shown
    assert f"({EVERY_COST})" not in shown


def test_a_time_that_differs_by_as_many_instructions_is_named(counted: Report) -> None:
    said = dict(closing(counted)[::-1])["instr"]
    assert said == "times differ, instructions do not (layout, or what waits): gpc.check gpa"
    slower = replace(counted.rows[0], instructions=(29.0, 29.03))
    assert "gpc.check" not in str(closing(replace(counted, rows=(slower, *counted.rows[1:]))))


def test_a_series_shows_the_instructions_against_its_base(series: Report) -> None:
    rows = tuple(replace(row, instructions=(100.0, 97.0)) for row in series.rows)
    shown = replace(series, rows=rows)
    steps = sections(shown)[0]
    assert [line[steps.columns.index("instr")] for line in steps.cells] == ["-", "-3.0 %", "-3.0 %"]
    for form, width in (("text", 100), ("mail", 72)):
        assert max(map(len, FORMATS[form].render(shown).splitlines())) <= width


def test_a_mail_is_plain_ascii_and_says_machine_method_and_command(report: Report) -> None:
    shown = mail.render(replace(report, command="xenperf run --only \u2192"))
    assert shown.isascii()
    assert [line for line in shown.splitlines() if line.startswith(("machine", "method"))]
    assert "reproduce" in shown


HOSTILE = "<img src=x onerror=alert(1)> | `a` *b* _c_ [d](e) & \\ # \x1b[31m \n- f"


def test_markdown_shows_hostile_texts_as_they_are(compared: Report) -> None:
    rows = (replace(compared.rows[0], benchmark=HOSTILE), *compared.rows[1:])
    shown = markdown.render(replace(compared, rows=rows, about={"base": HOSTILE, "head": HOSTILE}))
    assert "<img" not in shown
    unescaped = re.sub(r"\\(.)", "", shown)
    assert not re.search(r"[`*_\[\]]a|\[d\]\(e\)", unescaped)
    tables = [line for line in shown.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert len(widths) <= 3  # one for each kind of table: no cell has grown a column


def test_a_fence_cannot_be_closed_by_the_command(compared: Report) -> None:
    shown = markdown.render(replace(compared, command="xenperf `" + "`" * 4 + " run"))
    assert shown.rstrip().endswith("`" * 6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=120)
)
def test_no_name_makes_a_mail_wider(compared: Report, name: str) -> None:
    rows = tuple(replace(row, benchmark=f"b{name}") for row in compared.rows)
    shown = mail.render(replace(compared, rows=rows))
    for line in shown.splitlines():
        assert len(line) <= 72 or re.search(r"\\[xuU]", line)


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        (None, None, "text"),
        (None, "r.md", "markdown"),
        (None, "r.mail", "mail"),
        (None, "r.json", "json"),
        (None, "r.unknown", "text"),
        ("text", "r.json", "text"),
    ],
)
def test_the_suffix_chooses_unless_a_form_is_named(
    name: str | None, path: str | None, found: str
) -> None:
    assert chosen(name, path).name == found


def test_a_series_shows_each_step_against_the_base_and_the_one_before(series: Report) -> None:
    lines: list[Any] = [line.split() for line in text.render(series).splitlines()]
    (two,) = [line for line in lines if line[:2] == ["2", "two"] and "+2.0" in line]
    assert two.count("+2.0") == 2
    assert two.count("undecided") == 2
