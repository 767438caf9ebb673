import json
from dataclasses import replace

from xenperf.report.load import late, middle, render_json, render_text
from xenperf.report.load_model import LoadReport, LoadRow, Windows
from xenperf.report.table import WIDTH

REPORT = LoadReport(
    backend="live",
    environment={
        "cpu": "Planted CPU",
        "cpus": 2,
        "load_1min": 0.5,
        "kernel": "6.12",
        "commit": "0",
    },
    seconds=1.5,
    rows=(
        LoadRow("send", "gpa", "laid", 10, 0, 0, 0, 0.0, 0.25),
        LoadRow("send", "gpa", "delete_low", 0, 0, 0, 0),
        LoadRow("send", "gpa", "delete_overlay", 1, 3, 0, 0, 0.4, 1.0),
        LoadRow("irqfd", "gpa", "whole", 0, 0, 2, 6),
        LoadRow("send", "hva", "laid", 9, 0, 0, 0),
    ),
    windows=(
        Windows(
            "send", "gpa", True, True, 4, (100_400, 90_000, 250_000), (80_000,), (7_000, 9_400), 12
        ),
        Windows("timer", "hva", False, True, 4, (), (), (), 0),
    ),
    skipped=("hva: this kernel has no activation by HVA",),
    command="xenperf load --seconds 1.5",
)


def _lines(report: LoadReport) -> list[list[str]]:
    return [line.split() for line in render_text(report).splitlines()]


def test_each_phase_that_had_events_is_a_line() -> None:
    shown = _lines(REPORT)
    assert ["send", "gpa", "laid", "10", "0", "0", "0", "0.0%", "[0.0%,", "25.0%]"] in shown
    assert ["send", "gpa", "delete_overlay", "4", "3", "0", "0", "75.0%", "[40.0%,", "100.0%]"] in (
        shown
    )
    assert ["irqfd", "gpa", "whole", "8", "0", "2", "6", "100.0%", "[0.0%,", "100.0%]"] in shown
    assert not any("delete_low" in line for line in shown)


def test_windows_have_their_median_and_what_few_exceed() -> None:
    shown = _lines(REPORT)
    assert ["send", "gpa", "4", "100", "250", "80", "80"] in shown
    assert ["timer", "hva", "4", "-", "-", "-", "-"] in shown


def test_failing_runs_are_told_where_there_are_any() -> None:
    shown = _lines(REPORT)
    assert ["send", "gpa", "2", "8", "9", "9", "12"] in shown
    assert "FAILING RUNS" not in render_text(replace(REPORT, windows=REPORT.windows[1:]))


def test_the_median_and_the_95th_percentile_by_hand() -> None:
    assert (middle(range(1, 101)), late(range(1, 101))) == (50.5, 95)
    assert (late([5]), late([1, 2]), late(range(1, 22))) == (5, 2, 20)
    assert (middle(()), late(())) == (None, None)


def test_the_text_says_which_loops_are_compiled() -> None:
    shown = render_text(REPORT)
    assert "\nloops      compiled: memslot requests, send; interpreted: timer\n" in shown
    (last,) = (replace(each, requests_compiled=False) for each in REPORT.windows[1:])
    shown = render_text(replace(REPORT, windows=(last,)))
    assert "\nloops      interpreted: memslot requests, timer\n" in shown


def test_the_text_names_what_is_missing_and_how_to_do_it_again() -> None:
    shown = render_text(REPORT)
    assert "\nskipped    hva: this kernel has no activation by HVA\n" in shown
    assert shown.endswith("\nreproduce  xenperf load --seconds 1.5\n")
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_the_object_has_every_figure() -> None:
    found = json.loads(render_json(REPORT))
    assert (found["schema"], found["kind"], found["seconds"]) == ("xenperf/1", "load", 1.5)
    assert found["rows"][2]["returned"] == 3
    assert found["rows"][2]["share_low"] == 0.4
    assert found["windows"][0]["apart_ns"] == [100_400, 90_000, 250_000]
    assert found["windows"][0]["longest_run_events"] == 12
    assert found["bounds"][0]["holds"] is True


def _judged(row: LoadRow) -> tuple[str, bool]:
    report = LoadReport("", {}, 1, (row,), (), (), "")
    (bound,) = report.bounds
    return bound.seen, bound.holds


def test_by_hva_nothing_may_fail() -> None:
    worse = LoadRow("timer", "hva", "all", 5, 0, 1, 1)
    assert worse.nr_events == 7
    assert (
        LoadReport("", {}, 1, (worse, replace(worse, phase="x")), (), (), "").nr_failed_by_hva == 2
    )
    assert _judged(worse) == ("2 of 7", False)
    assert _judged(LoadRow("send", "hva", "all", 5, 0, 0, 0)) == ("0 of 5", True)


def test_by_gpa_some_must_be_refused_or_lost_but_not_all() -> None:
    assert _judged(LoadRow("send", "gpa", "all", 400, 90, 10, 0)) == ("100 of 500", True)
    assert _judged(LoadRow("send", "gpa", "all", 400, 0, 0, 100)) == ("0 of 500", False)
    assert _judged(LoadRow("send", "gpa", "all", 0, 500, 0, 0)) == ("500 of 500", False)
    assert _judged(LoadRow("send", "gpa", "all", 499, 0, 0, 0)) == (
        "0 of 499: too few to tell",
        True,
    )


def test_nothing_may_fail_while_the_overlay_is_laid() -> None:
    assert _judged(LoadRow("irqfd", "gpa", "laid", 9, 0, 1, 0)) == ("1 of 10", False)
    assert " NO\n" in render_text(
        replace(REPORT, rows=(LoadRow("irqfd", "gpa", "laid", 9, 0, 1, 0),))
    )
