import base64
import gzip
import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from tests.report.html import planted
from tests.report.html.reader import read
from xenperf.report import distrust, html, json_
from xenperf.report.figures import figures
from xenperf.report.html.page import POLICY
from xenperf.report.model import Kind, Report
from xenperf.stats.answers import AnswerChange
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

UNFIT = "\x00\x1b\u202e"
HOSTILE = (
    f"<script>alert(1)</script>\"'&amp;</style><img src=http://evil.test/x onerror=a()>{UNFIT}"
)
DATA = "data:application/gzip;base64,"


def _small(report: Report) -> Report:
    """Return two costs, one control and a few phases, with slices."""
    rows = (report.costs[0], report.costs[3], report.controls[0], *planted.broken_apart()[:8])
    return planted.with_slices(replace(report, rows=rows), nr_workers=2, nr_rounds=3)


def test_a_small_report(report: Report, golden: Callable[[str, str], None]) -> None:
    """The style and the data are left out: the style is a file, the data has its own test."""
    page = re.sub(r"<style>.*?</style>", "<style></style>", html.render(_small(report)), flags=re.S)
    golden("page.html", re.sub(rf'"{DATA}[^"]*"', f'"{DATA}"', page))


@pytest.fixture(params=["run", "doubtful", "slices", "series", "selfcheck", "nothing"])
def any_report(
    request: pytest.FixtureRequest, report: Report, doubtful: Report, checked: Report
) -> Report:
    return {
        "run": report,
        "doubtful": planted.with_slices(doubtful),
        "slices": planted.with_slices(report),
        "series": planted.with_slices(planted.series(report), 2, 4),
        "selfcheck": planted.with_slices(checked),
        "nothing": replace(report, rows=()),
    }[request.param]


def test_nothing_is_left_for_a_browser_to_guess(any_report: Report) -> None:
    page = read(html.render(any_report))
    assert page.errors == []
    anchors = [node.attributes["id"] for node in page.nodes if "id" in node.attributes]
    assert len(anchors) == len(set(anchors))
    linked = {node.attributes["href"] for node in page.named("a")} - {None}
    assert {link for link in linked if link.startswith("#")} <= {f"#{name}" for name in anchors}


def test_nothing_comes_from_elsewhere_and_nothing_runs(any_report: Report) -> None:
    rendered = html.render(any_report)
    page = read(rendered)
    assert "://" not in rendered
    assert page.named("script") == []
    for node in page.nodes:
        assert not [name for name in node.attributes if name.startswith("on") or name == "src"]
        assert (node.attributes.get("href") or "#").startswith(("#", "data:"))
    policies = [
        node.attributes["content"] for node in page.named("meta") if len(node.attributes) == 2
    ]
    assert POLICY in policies
    assert "url(" not in rendered
    assert "@import" not in rendered


def test_every_picture_is_announced_or_repeats_what_is_beside_it(any_report: Report) -> None:
    for picture in read(html.render(any_report)).named("svg"):
        hidden = picture.attributes.get("aria-hidden") == "true"
        assert hidden or picture.attributes["aria-label"]


def test_every_row_is_there_with_its_figures_and_its_verdict(doubtful: Report) -> None:
    page = read(html.render(doubtful))
    titles = {node.text for node in (*page.with_class("name"), *page.named("a"))}
    for row in doubtful.rows:
        assert row.benchmark in titles
    cells = [node.text for node in page.nodes if node.inside[-2:] == ("tbody", "tr")]
    for row in doubtful.costs:
        assert {figures(row).ratio, figures(row).interval} <= set(cells)
    verdicts = [node for node in page.with_class("verdict") if "tbody" in node.inside]
    assert sorted(node.text.strip() for node in verdicts) == sorted(
        str(row.verdict) for row in doubtful.rows
    )


def test_undecided_rows_are_named_above_everything(doubtful: Report) -> None:
    (shown,) = read(html.render(doubtful)).with_class("undecided-list")
    for name in doubtful.named(Verdict.UNDECIDED):
        assert name in shown.text


def test_every_reason_and_remark_is_shown_once(doubtful: Report) -> None:
    remarked = replace(doubtful, remarks=("the tree is dirty",))
    page = read(html.render(remarked))
    reasons = [node.text for node in page.named("li")]
    for reason in [*distrust.reasons(remarked), "the tree is dirty"]:
        assert reasons.count(reason) == 1


def test_a_report_without_faults_still_says_when_not_to_trust_it(report: Report) -> None:
    text = read(html.render(report)).text
    assert "Nothing was found that speaks against this report." in text
    assert "Undecided is never to be read as unchanged" in text


def test_the_command_and_the_conditions_are_there(report: Report) -> None:
    text = read(html.render(report)).text
    for value in (report.command, *report.environment.values(), report.settings["seed"]):
        assert str(value) in text


def test_the_data_within_is_the_json_of_the_report(report: Report) -> None:
    links = [node.attributes["href"] or "" for node in read(html.render(report)).named("a")]
    (data,) = [link for link in links if link.startswith(DATA)]
    packed = base64.b64decode(data.removeprefix(DATA))
    assert gzip.decompress(packed).decode() == json_.render(report)


def test_the_change_of_the_instructions_is_a_column(counted: Report) -> None:
    page = read(html.render(counted))
    assert "instructions" in [node.text for node in page.named("th")]
    assert {"+0.0 %", "+7.2 %"} <= {node.text for node in page.named("td")}
    assert "counted by callgrind in 3 processes a build, in code for x86-64-v2" in page.text


def _hostile(report: Report) -> Report:
    """Return *report* with the hostile text wherever there is text at all."""

    def worsen(value: Any) -> Any:
        return f"{value}{HOSTILE}" if isinstance(value, str) else value

    def row(one: Row, idx: int) -> Row:
        return replace(
            one,
            benchmark=f"{one.benchmark}{HOSTILE}{idx}",
            unit=one.unit if one.is_count else worsen(one.unit),
            variant=HOSTILE,
            notes=(HOSTILE,),
            sides=(f"base{HOSTILE}", f"head{HOSTILE}"),
        )

    return replace(
        report,
        rows=tuple(row(one, idx) for idx, one in enumerate(report.rows)),
        backend=HOSTILE,
        environment={worsen(name): worsen(value) for name, value in report.environment.items()},
        settings={
            **report.settings,
            **{"patches": (HOSTILE,), "kernel": HOSTILE, "grid": HOSTILE, HOSTILE: HOSTILE},
        },
        command=f"xenperf run --only '{HOSTILE}'".replace("\x00", ""),
        cut_short=HOSTILE,
        about={f"base{HOSTILE}": HOSTILE, f"head{HOSTILE}": HOSTILE},
        remarks=(HOSTILE,),
        skipped={HOSTILE: HOSTILE},
        answers=(AnswerChange(*[HOSTILE] * 2, (HOSTILE,) * 2, *[HOSTILE] * 2, True, False),),
        uncounted={HOSTILE: HOSTILE},
    )


def test_the_hostile_report_leaves_no_text_out(report: Report) -> None:
    texts = {"backend", "environment", "settings", "command", "cut_short", "about", "remarks"}
    texts |= {"skipped", "answers", "uncounted"}
    others = {"rows", "nr_finished", "kind", "grade", "seconds", "slices", "moved", "growth"}
    others |= {"noise"}
    assert {one.name for one in fields(Report)} == texts | others


@pytest.mark.parametrize("kind", list(Kind))
def test_no_text_becomes_markup(report: Report, kind: Kind) -> None:
    hostile = planted.with_slices(_hostile(replace(report, kind=kind)))
    rendered = html.render(hostile)
    page = read(rendered)
    assert page.errors == []
    assert page.named("script") == page.named("img") == []
    assert "<script>alert(1)</script>" in page.text
    assert rendered.count("</style>") == 1
    assert not re.search("[\x00\x1b\u202e]", rendered)
    rendered.encode()


def test_a_lone_surrogate_can_be_written(report: Report) -> None:
    html.render(replace(report, remarks=("\udc80 from a file name",))).encode()


def test_a_full_run_stays_small_enough_to_be_mailed(report: Report) -> None:
    costs = [
        replace(row, benchmark=f"{row.benchmark}_{i}") for i in range(8) for row in report.costs
    ]
    counts = [
        replace(row, benchmark=f"{row.benchmark}_{i}") for i in range(30) for row in report.outcomes
    ]
    run = planted.with_slices(replace(report, rows=(*costs, *counts)), nr_workers=10)
    assert len(html.render(run).encode()) < 500_000


def test_a_series_of_twelve_steps_stays_under_a_megabyte(report: Report) -> None:
    """Thirty benchmarks by both activations, ten workers of sixteen rounds."""
    whole = planted.with_slices(planted.series(report, 30, 11), nr_workers=10)
    page = html.render(whole)
    assert len(whole.costs) == 30 * 2 * 21
    assert len(page.encode()) < 900_000
