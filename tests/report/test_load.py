import json

from xenperf.report.load import Gaps, LoadReport, LoadRow, render_json, render_text
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
        LoadRow("send", "gpa", "laid", 10, 0, 0, 0),
        LoadRow("send", "gpa", "delete_low", 0, 0, 0, 0),
        LoadRow("send", "gpa", "delete_overlay", 1, 3, 0, 0),
        LoadRow("irqfd", "gpa", "whole", 0, 0, 2, 6),
        LoadRow("send", "hva", "laid", 9, 0, 0, 0),
    ),
    gaps=(
        Gaps("send", "gpa", 4, (100_400, 90_000, 250_000)),
        Gaps("send", "hva", 4, ()),
    ),
    skipped=("hva: this kernel has no activation by HVA",),
    command="xenperf load --seconds 1.5",
)


def test_each_phase_that_had_events_is_a_line() -> None:
    shown = [line.split() for line in render_text(REPORT).splitlines()]
    assert ["send", "gpa", "laid", "10", "0", "0", "0", "0.0%"] in shown
    assert ["send", "gpa", "delete_overlay", "4", "3", "0", "0", "75.0%"] in shown
    assert ["irqfd", "gpa", "whole", "8", "0", "2", "6", "100.0%"] in shown
    assert not any("delete_low" in line for line in shown)


def test_gaps_have_their_median_and_the_longest() -> None:
    shown = [line.split() for line in render_text(REPORT).splitlines()]
    assert ["send", "gpa", "4", "3", "100", "250"] in shown
    assert ["send", "hva", "4", "0", "-", "-"] in shown


def test_the_text_names_what_is_missing_and_how_to_do_it_again() -> None:
    shown = render_text(REPORT)
    assert "\nskipped    hva: this kernel has no activation by HVA\n" in shown
    assert shown.endswith("\nreproduce  xenperf load --seconds 1.5\n")
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_the_object_has_every_figure() -> None:
    found = json.loads(render_json(REPORT))
    assert (found["schema"], found["kind"], found["seconds"]) == ("xenperf/1", "load", 1.5)
    assert found["rows"][2]["returned"] == 3
    assert found["gaps"][0]["lengths_ns"] == [100_400, 90_000, 250_000]


def test_only_what_failed_by_hva_counts_against_it() -> None:
    assert REPORT.nr_failed_by_hva == 0
    worse = LoadRow("timer", "hva", "whole", 5, 0, 1, 1)
    assert worse.nr_events == 7
    assert LoadReport("", {}, 1, (worse,), (), (), "").nr_failed_by_hva == 2
