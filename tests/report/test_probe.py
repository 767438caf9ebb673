"""The probe's report: every fact, the marks, and one object."""

import json
from dataclasses import replace

import pytest

from xenperf.report.probe import ProbeReport, ShownFact, render_json, render_text, render_tsv

FINE = ShownFact("aslr", "on", "2", "addresses decide", "leave it on", "ok")
MISSING = ShownFact("governor", "not visible", None, "frequencies change", "ask", "note")
BAD = ShownFact("steal", "31.0 % while probing", 0.31, "it is gone", "come back", "untrusted")
REPORT = ProbeReport((FINE, MISSING, BAD), {"cpu": "A processor"})


@pytest.mark.parametrize(
    ("fact", "mark"), [(FINE, ""), (MISSING, "!"), (BAD, "!!")], ids=lambda x: str(x)[:9]
)
def test_what_is_worth_knowing_is_marked(fact: ShownFact, mark: str) -> None:
    (line,) = [x for x in render_text(REPORT).splitlines() if f" {fact.name} " in x]
    assert line.startswith(f"{mark.ljust(2)}  {fact.name}")
    assert fact.found in line
    assert fact.matters in line
    assert line.endswith(fact.advice)


def test_the_text_stays_within_the_page_and_ends_with_what_it_comes_to() -> None:
    long = replace(FINE, name="long", matters="because " * 30)
    lines = render_text(replace(REPORT, facts=(long, BAD))).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-1].startswith("times      not to be trusted now: steal; ")
    calm = render_text(replace(REPORT, facts=(FINE,))).splitlines()
    assert calm[-1] == "times      nothing found that forbids to trust them"


def test_tsv_has_a_line_for_each_fact() -> None:
    rows = [line.split("\t") for line in render_tsv(REPORT).splitlines()]
    assert [row[0] for row in rows] == ["aslr", "governor", "steal"]
    assert rows[1] == ["governor", "not visible", "", "frequencies change", "ask", "note"]


def test_json_is_one_object() -> None:
    content = json.loads(render_json(REPORT))
    assert (content["schema"], content["kind"]) == ("xenperf/1", "probe")
    assert content["untrusted"] == ["steal"]
    assert content["facts"][2]["value"] == 0.31
    assert content["environment"] == {"cpu": "A processor"}
