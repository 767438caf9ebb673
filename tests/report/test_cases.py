import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from xenperf.report import cases
from xenperf.report.cases import CasesReport, PlayedCase, SkippedCase

Golden = Callable[[str, str], None]


@pytest.fixture
def played() -> CasesReport:
    def case(name: str, by: str, observed: str, kernel: str = "gpa-hva") -> PlayedCase:
        expected = "OK 66 sel=0x2 up=1"
        return PlayedCase(name, kernel, by, "active", "send 66", expected, observed, "observed")

    return CasesReport(
        backend="model",
        starts={"whole": "RAM whole, nothing active", "active": "overlay laid, all active"},
        environment={"python": "3.12.0", "load_1min": 0.5},
        cases=(
            case("send.20_fresh", "gpa", "OK 66 sel=0x2 up=1"),
            case("send.20_fresh", "hva", "EFAULT none sel=0x0 up=0, and so on and on"),
            case("send.20_fresh", "gpa", "OK 66 sel=0x2 up=1", kernel="gpa-only"),
        ),
        skipped=(
            SkippedCase("timer.46_window_get", "no timers"),
            SkippedCase("process.78_forked", "one process"),
            SkippedCase("timer.51_fresh", "no timers"),
        ),
    )


def test_the_table(played: CasesReport, golden: Golden) -> None:
    golden("cases.txt", cases.render_text(played))


def test_an_expectation_of_some_releases_only_says_so(played: CasesReport) -> None:
    older = replace(played.cases[0], basis="before v6.7")
    shown = cases.render_text(replace(played, cases=(older,)))
    assert "OK 66 sel=0x2 up=1 (before v6.7)  OK 66 sel=0x2 up=1  ok" in shown
    assert "(usual)" not in cases.render_text(played)
    content = json.loads(cases.render_json(replace(played, cases=(older,))))
    assert content["cases"][0]["basis"] == "before v6.7"


def test_the_object(played: CasesReport, golden: Golden) -> None:
    golden("cases.json", cases.render_json(played))


def test_the_lines(played: CasesReport, golden: Golden) -> None:
    golden("cases.tsv", cases.render_tsv(played))


def test_the_object_has_every_case_and_its_verdict(played: CasesReport) -> None:
    content = json.loads(cases.render_json(played))
    assert [case["ok"] for case in content["cases"]] == [True, False, True]
    assert len(content["skipped"]) == 3


def test_the_summary_counts(played: CasesReport) -> None:
    assert cases.summary(played) == "2 right, 1 wrong, 3 skipped"
    assert [case.activation for case in played.failed] == ["hva"]


def test_nothing_played_leaves_no_table(played: CasesReport) -> None:
    bare = CasesReport("model", played.starts, {}, (), played.skipped[:1])
    assert cases.render_text(bare) == (
        "skipped: no timers: timer.46_window_get\n\n0 right, 0 wrong, 1 skipped\n"
    )
