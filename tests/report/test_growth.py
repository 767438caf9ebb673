"""A sweep in every form: golden files, widths, words, and figures that programs read back."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.report.html.reader import read
from xenperf.cli.formats import SWEEP_FORMATS
from xenperf.report import growth, html, mail, text
from xenperf.report.model import Kind, Report
from xenperf.stats.curves import Curve, growth_rows
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict

Golden = Callable[[str, str], None]
SLOTS = (1, 64, 1024, 8192)
VCPUS = (1, 4, 16, 64)
SUFFIX = {"text": "txt", "markdown": "md", "html": "html"} | {k: k for k in ("mail", "json", "tsv")}
HOSTILE = "<script>alert('x')</script>|`&"


def curve(name: str, side: str, axis: str, costs: list[float], nr: int = 8, **more: Any) -> Curve:
    sizes, other = (SLOTS, "vCPUs") if axis == "slots" else (VCPUS, "slots")
    cells = [f"slots {n}, vCPUs 1" if axis == "slots" else f"slots 1, vCPUs {n}" for n in sizes]
    waver = [(1.0 + 0.002 * (idx % 3 - 1)) for idx in range(nr)]
    return Curve(
        *(name, side, "ns/send", "cpu_time", axis, sizes, f"{other} 1", tuple(cells)),
        passes=tuple(
            tuple(c * w * (1.0 + 0.001 * ((i + k * k) % 5 - 2)) for k, c in enumerate(costs))
            for i, w in enumerate(waver)
        ),
        **more,
    )


CURVES = [
    *(curve("send.delivered", side, "slots", [41.5] * 4) for side in ("gpa", "hva")),
    curve("shinfo.activate", "gpa", "vCPUs", [1824.0 + 237.0 * (n - 1) for n in VCPUS]),
    curve("shinfo.activate", "hva", "vCPUs", [1825.0 + 237.0 * (n - 1) for n in VCPUS]),
    curve("slots.search", "gpa", "slots", [5.0 + 1.5 * math.log2(n) for n in SLOTS]),
    curve("slots.search", "hva", "slots", [5.0, 5.0, 90.0, 91.0]),
    curve("notifier", "gpa", "vCPUs", [50.0, 90.0, 200.0, 680.0], nr=2),
    replace(curve("notifier", "hva", "vCPUs", [50.0] * 4), passes=()),
]


def judged(one: Curve, idx: int) -> Row:
    ratio = 0.99 + 0.001 * idx
    return Row(
        *(one.benchmark, "cpu_time", one.unit, 40.0, 40.0 * ratio, ratio),
        ci=(ratio - 0.006, ratio + 0.006),
        verdict=Verdict.SAME,
        worker_ratios=(ratio,) * 8,
        variant=one.cells[idx],
    )


def counted(cell: str, value: int) -> Row:
    counts = ("remap.send", "refused", "of 16 sends", value, 0, None, None)
    return Row(*counts, Verdict.FEWER if value else Verdict.SAME, variant=cell)


@pytest.fixture
def sweep(report: Report) -> Report:
    """A sweep of four costs, of which one has every kind of end, and two counts."""
    cells = CURVES[0].cells
    rows = [judged(one, idx) for one in CURVES[::2] for idx in range(4)]
    rows += [counted(cell, 4 if cell == cells[3] else 0) for cell in cells]
    rows += [replace(counted(cell, 7), metric="swaps") for cell in cells]
    return replace(
        report,
        kind=Kind.SWEEP,
        rows=tuple(rows),
        growth=growth_rows(CURVES),
        settings={
            **report.settings,
            "slots": tuple(map(str, SLOTS)),
            "vcpus": tuple(map(str, VCPUS)),
            "grid": "one axis at a time",
        },
        command="xenperf sweep --seed 4711",
        skipped={"gpc.check": "live does not offer steps"},
    )


@pytest.mark.parametrize("form", SWEEP_FORMATS)
def test_every_form_of_a_sweep(form: str, sweep: Report, golden: Golden) -> None:
    golden(f"sweep.{SUFFIX[form]}", SWEEP_FORMATS[form].render(sweep))


@pytest.mark.parametrize(("render", "width"), [(text.render, 100), (mail.render, 72)])
def test_no_line_is_wider_than_its_page(
    render: Callable[[Report], str], width: int, sweep: Report
) -> None:
    assert max(map(len, render(sweep).splitlines())) <= width


def test_each_curve_is_told_in_words(sweep: Report) -> None:
    said = [growth.verdict(row) for row in sweep.growth]
    assert said[:2] == ["flat", "flat"]
    assert said[2].startswith("linear: +23")
    assert said[2].endswith(" ns per vCPU")
    assert said[4].startswith("log2: +1.499 ")
    assert said[4].endswith(" ns per doubling")
    assert said[5:] == [
        "grows: neither a line nor log2 fits",
        "undecided: fewer than 4 workers measured every size",
        growth.NOBODY,
    ]


def test_counted_instructions_are_not_called_time(sweep: Report) -> None:
    curves = [replace(row.curve, unit="instr/activation") for row in sweep.growth[2:5]]
    settings = {**sweep.settings, "counted": "single requests"}
    counted = replace(sweep, growth=growth_rows(curves), settings=settings)
    said = [growth.verdict(row) for row in counted.growth]
    assert said[0].endswith(" instr per vCPU")
    assert said[2].endswith(" instr per doubling")
    assert all(
        "ns" not in column.split() for table in growth.tables(counted) for column in table[2]
    )
    head = " ".join(text.render(counted).partition("GROWTH")[0].split())
    assert "flat: at every size within 3 % of the smallest" in head
    assert "of hva/gpa: slower or faster: more or fewer instructions" in head
    assert " instr</title>" in html.render(counted)


def test_counts_that_are_the_same_in_every_cell_are_said_once(sweep: Report) -> None:
    shown = " ".join(text.render(sweep).partition("OUTCOMES")[2].split())
    assert "in 4 cells" in shown
    assert "swaps of 16 sends 7 0" in shown
    lines = growth.tables(sweep)[-1][-1]
    cells = " / ".join(CURVES[0].cells[:3])
    assert lines[0][3] == f"0 ({cells}); 4 ({CURVES[0].cells[3]})"


def test_a_program_reads_the_figures_back(sweep: Report) -> None:
    content = json.loads(SWEEP_FORMATS["json"].render(sweep))
    found = content["growth"]
    assert [one["shape"] for one in found] == [
        *("flat", "flat", "linear", "linear", "log2", "changes", "undecided", None)
    ]
    assert found[2]["sizes"] == list(VCPUS)
    assert found[2]["per_unit"][0] == pytest.approx(237.0, rel=1e-3)
    assert found[6]["growth"][3][1:] == [0.0, None]
    lines = list(csv.DictReader(SWEEP_FORMATS["tsv"].render(sweep).splitlines(), delimiter="\t"))
    assert len(lines) == 4 * 7
    assert {len(line) for line in lines} == {23}
    assert float(lines[11]["growth"]) == pytest.approx(found[2]["growth"][3][0], rel=1e-5)
    assert lines[3]["hva_over_gpa"] == "0.993"


def test_a_page_has_a_picture_of_each_cost_and_no_script(sweep: Report) -> None:
    page = html.render(sweep)
    assert page.count("<figure") == 4
    assert page.count("<polyline") == 7
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert read(page).errors == []


def test_hostile_names_stay_text(sweep: Report) -> None:
    curves = [replace(one, benchmark=HOSTILE, machine=HOSTILE) for one in CURVES[:2]]
    hostile = replace(sweep, growth=growth_rows(curves))
    assert "<script" not in SWEEP_FORMATS["markdown"].render(hostile)
    page = read(html.render(hostile))
    assert page.errors == []
    assert page.named("script") == []
    assert "alert('x')" in page.text


def test_wall_time_has_its_own_limits_and_they_are_said(sweep: Report) -> None:
    assert "wall time" not in text.render(sweep)
    slept = [replace(one, metric="wall_time") for one in CURVES[:2]]
    found = " ".join(text.render(replace(sweep, growth=growth_rows(slept))).split())
    assert "; wall time: flat within 10 %, changed beyond 3 %" in found


def test_machines_are_told_apart(sweep: Report) -> None:
    curves = [replace(one, machine=name) for name in ("node-a", "node-b") for one in CURVES[:2]]
    rows = tuple(
        replace(row, variant=f"{row.variant}, {name}")
        for name in ("node-a", "node-b")
        for row in sweep.rows[:4]
    )
    found = replace(sweep, growth=growth_rows(curves), rows=rows)
    titles = [table[1] for table in growth.tables(found) if table[0] == "sizes"]
    assert [title.split(", ")[-1] for title in titles] == ["node-a: ns/send", "node-b: ns/send"]
    assert "same" in growth.tables(found)[1][-1][0]
