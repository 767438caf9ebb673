import json

from xenperf.report.explored import (
    ExploredPair,
    ExploreReport,
    ShownViolation,
    render_json,
    render_replay,
    render_text,
)

LOST = ShownViolation("a bit is lost", 11, "send:18 send.2", "xenperf explore send send --replay x")
CLEAN = ExploredPair(
    "send", "delete", "gpa", 1345, {"EFAULT + ok": 1127, "1 + ok": 218}, 1127, 0, ()
)
BY_HVA = ExploredPair("send", "delete", "hva", 93, {"1 + ok": 93}, 0, 0, ())
WRONG = ExploredPair("send", "send", "gpa", 198, {"1 + 1": 198}, 0, 4, (LOST,))
REPORT = ExploreReport((CLEAN, BY_HVA, WRONG), 2, 3, None, "xenperf explore", "gpa-hva")


def test_text_is_this() -> None:
    assert render_text(REPORT) == (
        "xenperf explore: every schedule of two operations with at most 2 preemptions\n"
        "kernel     gpa-hva\n"
        "\n"
        "pair         activation  schedules  violations  outcomes, and in how many schedules\n"
        "send+delete  gpa             1,345           -  EFAULT + ok 1,127; 1 + ok 218\n"
        "             hva                93           -  1 + ok 93\n"
        "send+send    gpa               198           1  1 + 1 198\n"
        "\n"
        "VIOLATION  send+send by gpa: a bit is lost; in 11 of 198 schedules\n"
        "replay     xenperf explore send send --replay x\n"
        "\n"
        "total      1,636 schedules of 3 pairs; 1 violations\n"
        "events     by gpa a send is refused (EFAULT) in 1,127 schedules, an event lost in 4\n"
        "events     by hva a send is refused (EFAULT) in 0 schedules, an event lost in 0\n"
        "again      xenperf explore\n"
    )


def test_what_is_missing_is_told() -> None:
    cut = ExploreReport((BY_HVA,), 2, 9, "interrupted", "xenperf explore", "gpa-hva")
    assert "cut short  interrupted; 1 of 9 are finished\n" in render_text(cut)


def test_a_kernel_without_hva_says_so() -> None:
    alone = ExploreReport((CLEAN,), 2, 1, None, "xenperf explore", "gpa-only", has_hva=False)
    assert "kernel     gpa-only; it has no activation by HVA\n" in render_text(alone)


def test_json_has_every_figure() -> None:
    content = json.loads(render_json(REPORT))
    assert (content["schema"], content["kind"]) == ("xenperf/1", "explore")
    assert content["nr_preemptions"] == 2
    assert (content["kernel"], content["has_hva"]) == ("gpa-hva", True)
    assert content["pairs"][0]["outcomes"] == {"EFAULT + ok": 1127, "1 + ok": 218}
    assert content["pairs"][2]["violations"][0]["schedule"] == "send:18 send.2"


def test_a_replay_tells_outcome_and_violations() -> None:
    assert render_replay("send:1 merge", "delivered + quiet", []) == (
        "schedule   send:1 merge\noutcome    delivered + quiet\nviolation  none\n"
    )
    assert render_replay("send", "x + y", ["a", "b"]).endswith("violation  a\nviolation  b\n")
