from dataclasses import replace

import pytest

from tests.report.html import planted
from tests.report.html.reader import Page, read
from xenperf.report import html
from xenperf.report.figures import figures
from xenperf.report.model import Kind, Report
from xenperf.report.order import series_of
from xenperf.stats.verdict import Verdict


@pytest.fixture
def series(report: Report) -> Report:
    return planted.series(report, nr_benchmarks=3, nr_patches=4)


def _cells(page: Page) -> list[str]:
    return [node.text for node in page.with_class("cell")]


def test_patches_keep_their_order_and_their_base(series: Report) -> None:
    found = series_of(series)
    assert found.base == "base"
    assert found.patches == ("01-patch", "02-patch", "03-patch", "04-patch")
    assert dict(found.bases) == {"gpa": "base", "hva": "base"}
    assert found.has_steps
    for row in series.rows:
        if not row.is_control:
            after = row.sides == ("base", "01-patch") or row.sides[0] != "base"
            assert (found.against_previous(row) == row.sides[1]) == after
            assert (found.against_base(row) == row.sides[1]) == (row.sides[0] == "base")


def test_without_steps_there_is_one_matrix_of_costs(series: Report) -> None:
    bare = replace(series, rows=tuple(row for row in series.rows if row.sides[0] == "base"))
    assert not series_of(bare).has_steps
    assert "the one before it" not in read(html.render(bare)).text


def test_every_row_of_the_matrix_shows_ratio_interval_and_verdict(series: Report) -> None:
    page = read(html.render(series))
    cells, small = _cells(page), [node.text for node in page.named("small")]
    for row in series.costs:
        assert figures(row).ratio in cells
        assert figures(row).interval in small
    spoken = [n for n in page.named("span") if n.attributes.get("role") == "img"]
    said = [node.attributes["aria-label"] for node in spoken]
    undecided = sum(row.verdict is Verdict.UNDECIDED for row in series.costs)
    shown_twice = sum(
        row.verdict is Verdict.UNDECIDED and row.sides == ("base", "01-patch")
        for row in series.costs
    )
    assert said.count("undecided") == undecided + shown_twice


def test_a_row_that_was_counted_shows_the_change_of_its_instructions(series: Report) -> None:
    counted = replace(series.rows[0], instructions=(100.0, 97.0))
    page = read(html.render(replace(series, rows=(counted, *series.rows[1:]))))
    small = [node.text for node in page.named("small")]
    assert small.count("instr -3.0 %") == 2  # by patch, and by step: the first is both
    assert sum(text.startswith("instr") for text in small) == 2


def test_each_benchmark_has_one_small_picture_with_every_patch(series: Report) -> None:
    page = read(html.render(series))
    pictures = [
        node
        for node in page.named("svg")
        if str(node.attributes.get("aria-label")).endswith("against base, by patch")
    ]
    assert len(pictures) == 3
    assert _nr_marks(page, "filled") + _nr_marks(page, "hollow") == 3 * 2 * 4
    rows = [row for row in series.costs if row.sides[0] == "base"]
    undecided = sum(row.verdict is Verdict.UNDECIDED for row in rows)
    assert _nr_marks(page, "hollow") == undecided > 0


def _nr_marks(page: Page, kind: str) -> int:
    """Return how many marks stand in the groups of *kind*."""
    found, depth = 0, None
    for node in page.nodes:
        inside = len(node.inside)
        if depth is not None and inside <= depth:
            depth = None
        if node.name == "g" and node.attributes.get("class") == kind:
            depth = inside
        found += depth is not None and node.name == "use"
    return found


def test_a_row_without_a_ratio_is_marked_as_missing(series: Report) -> None:
    first = replace(series.rows[0], ratio=None, ci=None, verdict=Verdict.INVALID)
    page = read(html.render(replace(series, rows=(first, *series.rows[1:]))))
    assert _nr_marks(page, "missing") == 1


def test_a_row_with_one_side_shows_that_sides_figure(series: Report) -> None:
    lone = replace(series.rows[0], base=None, ratio=None, ci=None, verdict=Verdict.NEW, head=43.21)
    page = read(html.render(replace(series, rows=(lone, *series.rows[1:]))))
    assert "43 ns/send" in [node.text for node in page.named("small")]


def test_an_unbounded_interval_is_drawn_to_the_edge(series: Report) -> None:
    first = replace(series.rows[0], ci=(0.0, float("inf")), verdict=Verdict.UNDECIDED)
    page = read(html.render(replace(series, rows=(first, *series.rows[1:]))))
    assert page.errors == []
    assert "unbounded" in page.text


def test_what_each_patch_is_stands_in_a_table(series: Report) -> None:
    text = read(html.render(series)).text
    for label, said in series.about.items():
        assert label in text
        assert said in text


def test_every_count_is_there_those_that_never_move_in_short(series: Report) -> None:
    page = read(html.render(series))
    lines: dict[tuple[str, str], list[Verdict]] = {}
    for row in series.outcomes:
        if row.sides[0] == "base":
            lines.setdefault((row.benchmark, row.metric), []).append(row.verdict)
    alike = [found for found in lines.values() if set(found) == {Verdict.SAME}]
    assert 0 < len(alike) < len(lines)
    assert _cells(page).count("0") == 4 * (len(lines) - len(alike))
    (folded,) = [n.text for n in page.named("summary") if "every patch" in n.text]
    assert folded.startswith(f"{len(alike)} counts ")
    for (name, metric), found in lines.items():
        short = [n.text for n in page.named("td") if "details" in n.inside]
        if set(found) == {Verdict.SAME}:
            assert f"{name} gpa" in [n.text for n in page.named("th")]
            assert any(f"{metric} 0 of 64 sends" in text for text in short)


def _by_hva_from(series: Report, first: str) -> Report:
    """Return *series* with rows by HVA from the patch *first* on, and what it buys as a whole."""
    labels = list(series.about)
    later = labels[labels.index(first) :]
    gpa = [row for row in series.rows if row.variant != "hva"]
    hva = [
        replace(row, sides=(first, row.sides[1]))
        for row in series.rows
        if row.variant == "hva" and row.sides[0] == "base" and row.sides[1] in later[1:]
    ]
    sides = ("base gpa", f"{labels[-1]} hva")
    bought = [replace(row, sides=sides, variant="gpa to hva") for row in hva[:1]]
    bought += [replace(row, sides=sides, variant="gpa to hva") for row in series.outcomes[-8:]]
    return replace(series, rows=(*gpa, *hva, *bought))


def test_a_variant_that_begins_later_has_its_rows_too(series: Report) -> None:
    """No row is without a place: against its base, against the one before, or as a whole."""
    later = _by_hva_from(series, "02-patch")
    found = series_of(later)
    assert dict(found.bases) == {"gpa": "base", "hva": "02-patch"}
    costs = [row for row in later.costs if row not in found.elsewhere()]
    assert all(found.against_base(row) or found.against_previous(row) for row in costs)
    page = read(html.render(later))
    cells = _cells(page)
    for row in later.costs:
        shown = [node.text for node in page.named("td")]
        assert figures(row).ratio in (cells if row in costs else shown)
    assert "hva 02-patch" in page.text
    assert "What the whole series buys" in page.text
    assert "What the whole series does to them" in page.text
    assert page.text.startswith("xenperf series: base and 4 steps after it, on model")


def test_a_series_that_measured_nothing_is_still_a_page(report: Report) -> None:
    empty = replace(report, rows=(), kind=Kind.SERIES)
    assert "xenperf series" in read(html.render(empty)).text
