"""The forms of the agreement: golden files, widths, and nothing that can break out of them."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.report.agreement import planted
from xenperf.report.agreement import html, json_, mail, markdown, text
from xenperf.report.agreement.build import agreement
from xenperf.report.agreement.model import Agreement
from xenperf.report.model import Report

Golden = Callable[[str, str], None]


@pytest.fixture
def found(report: Report) -> Agreement:
    return agreement(planted.differing(report))


def test_text(found: Agreement, golden: Golden) -> None:
    golden("agreement.txt", text.render(found))


def test_mail(found: Agreement, golden: Golden) -> None:
    golden("agreement.mail", mail.render(found))


def test_markdown(found: Agreement, golden: Golden) -> None:
    golden("agreement.md", markdown.render(found))


def test_html(found: Agreement, golden: Golden) -> None:
    _, _, body = html.render(found).partition("</style>")  # the style has a test of its own
    golden("agreement.html", body)


def test_json(found: Agreement, golden: Golden) -> None:
    golden("agreement.json", json_.render(found))


def test_no_line_is_wider_than_its_page(found: Agreement) -> None:
    assert max(map(len, text.render(found).splitlines())) <= 100
    assert max(map(len, mail.render(found).splitlines())) <= 72
    assert mail.render(found).isascii()


def test_text_that_would_be_markup_is_none(report: Report) -> None:
    given = planted.agreeing(report)
    assert given.live_cases is not None
    evil = planted.case("send.20_fresh", "gpa", "<script>| `x` *y*", "OK 66")
    cases = replace(given.live_cases, cases=(evil, *planted.CASES[1:]))
    found = agreement(replace(given, live_cases=cases))
    assert "<script>" not in html.render(found)
    assert "&lt;script&gt;" in html.render(found)
    assert "\\| \\`x\\` \\*y\\*" in markdown.render(found)
    assert "<script>" not in markdown.render(found)


def test_the_object_has_every_pair_and_no_number_that_json_lacks(found: Agreement) -> None:
    content = json.loads(json_.render(found))
    assert len(content["cases"]) == len(found.cases)
    assert len(content["outcomes"]) == len(found.counts)
    assert [each["reason"] is None for each in content["differences"]].count(True) == len(
        found.open_questions
    )


def test_without_an_open_question_it_says_why(report: Report, found: Agreement) -> None:
    alike = agreement(planted.agreeing(report))
    assert "OPEN QUESTIONS\n- None: no difference was found.\n" in text.render(alike)
    known = replace(found, differences=tuple(found.explained))
    assert "OPEN QUESTIONS\n- None: every difference has a known reason.\n" in text.render(known)
