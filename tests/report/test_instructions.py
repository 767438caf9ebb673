"""The report of instruction counts: every row, within the page, and as one object."""

import json
from dataclasses import replace

import pytest

from xenperf.report.instructions import (
    InstructionReport,
    render_json,
    render_text,
    summary,
)
from xenperf.stats.instructions import InstructionRow, Tally
from xenperf.stats.samples import NO_HVA

ROWS = (
    InstructionRow("send.delivered", "send", Tally((122.0,) * 3), Tally((112.0,) * 3)),
    InstructionRow("gpc.refresh_failing", "refresh", Tally((119.0,) * 3), Tally((126.0,) * 3)),
    InstructionRow("gpc.check", "check", None, None, invalid="by gpa: 3 went wrong"),
    InstructionRow("lock.read", "pair", Tally((8.0, 8.0, 8.008)), Tally((8.0,) * 3), True),
)
REPORT = InstructionReport(
    rows=ROWS,
    runs=3,
    cpu_name="x86-64-v2",
    environment={"cpu": "A processor", "machine": "x86_64", "load_1min": 9.5, "xenperf": "0.1.0"},
    settings={"kernel": "gpa-hva", "patches": ("one", "two"), "guest_bits": 64, "slots": 1},
    command="xenperf run --count instructions",
)


@pytest.fixture
def lines() -> list[str]:
    return render_text(REPORT).splitlines()


def test_every_row_is_shown_with_its_verdict(lines: list[str]) -> None:
    cells = {words[0]: words[1:] for words in map(str.split, lines) if words}
    expected = ["send", "122.00", "112.00", "-10.00", "-8.20", "%", "0.000", "%", "fewer"]
    assert cells["send.delivered"] == expected
    assert cells["gpc.refresh_failing"][-1] == "more"
    assert cells["gpc.check"] == ["check", "-", "-", "-", "-", "-", "invalid"]
    assert cells["lock.read"][-3:] == ["0.100", "%", "same"]


def test_the_text_stays_within_the_page_and_says_how_to_repeat_it(lines: list[str]) -> None:
    assert max(map(len, lines)) <= 100
    assert lines[-1] == "again      xenperf run --count instructions"
    assert "controls   0 fewer, 0 more, 1 same" in lines
    assert summary(REPORT) == (
        "costs: 1 fewer, 1 more, 0 same, 1 invalid; controls: 0 fewer, 0 more, 1 same"
    )


def test_what_is_wrong_stands_above_the_table(lines: list[str]) -> None:
    start = lines.index("DISTRUST")
    assert lines[start + 1] == "- invalid: gpc.check: by gpa: 3 went wrong"
    assert start < next(i for i, line in enumerate(lines) if line.startswith("INSTRUCTIONS"))


def test_what_rounds_to_zero_has_no_sign_of_its_own() -> None:
    tiny = replace(ROWS[0], hva=Tally((121.9999,) * 3))
    assert " +0.00  +0.00 %  " in render_text(replace(REPORT, rows=(tiny,)))


def test_a_control_that_differs_is_named() -> None:
    off = replace(REPORT, rows=(replace(ROWS[0], is_control=True),))
    assert "controls off: send.delivered fewer" in render_text(off)


def test_a_kernel_without_hva_says_so() -> None:
    one_sided = replace(REPORT, rows=(replace(ROWS[0], hva=None),))
    assert NO_HVA in render_text(one_sided)
    (row,) = json.loads(render_json(one_sided))["rows"]
    assert row["instructions"] == {"gpa": 122.0, "hva": None, "spread": 0.0}
    assert (row["difference"], row["verdict"]) == (None, "gone")


def test_json_is_one_object_with_every_run() -> None:
    content = json.loads(render_json(REPORT))
    assert (content["schema"], content["kind"]) == ("xenperf/1", "instructions")
    assert content["settings"]["cpu_name"] == "x86-64-v2"
    send, _, check, read = content["rows"]
    assert send["instructions"] == {"gpa": 122.0, "hva": 112.0, "spread": 0.0}
    assert check["invalid"] == "by gpa: 3 went wrong"
    assert read["runs"]["gpa"] == [8.0, 8.0, 8.008]
    assert content["distrust"] == ["invalid: gpc.check: by gpa: 3 went wrong"]
