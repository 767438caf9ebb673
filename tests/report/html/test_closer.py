"""The pictures of single rows: their workers, slices and load."""

import re
from dataclasses import replace

import pytest

from tests.report.html import planted
from tests.report.html.reader import Page, read
from xenperf.report import html
from xenperf.report.html import closer, histogram, workers
from xenperf.report.html.marks import specks
from xenperf.report.html.tags import document
from xenperf.report.model import Report, WorkerSlices
from xenperf.stats.rows import Row


def _page(report: Report, row: Row) -> Page:
    return read(html.render(replace(report, rows=(row,))))


def _taken(base_first: bool = True, load: float | None = 1.0) -> WorkerSlices:
    return WorkerSlices((10.0, 10.0, 10.0), (5.0, 6.0, 5.5), base_first, load, 2.0)


def test_a_workers_ratio_is_the_median_of_its_rounds(report: Report) -> None:
    row = report.costs[0]
    given = replace(report, slices={row.key: (_taken(),)})
    (found,) = workers.found(given, row)
    assert found.ratio == pytest.approx(0.55)
    assert found.rounds == pytest.approx((0.5, 0.6, 0.55))
    assert found.title == "0.55, at 2 s, load 1.00"
    moved = replace(report, slices={row.key: (replace(_taken(), nr_moved=1),)})
    assert workers.found(moved, row)[0].title.endswith("load 1.00, 1 slice changed CPU")


def test_the_shape_of_a_mark_says_who_went_first(report: Report) -> None:
    row = report.costs[0]
    taken = (_taken(), _taken(), _taken(base_first=False))
    drawing = document(workers.ratios(report, row, _found(report, row, taken)))
    page = read(drawing)
    assert _shapes(page) == ["#o", "#o", "#d"]
    assert [str(one.attributes["d"]).count("M") for one in page.with_class("stroke")] == [2, 1]
    signs = [one for one in page.with_class("worker") if one.name == "use"]
    assert [one.attributes["href"] for one in signs] == ["#o", "#d"]
    given = replace(report, rows=(row,), slices={row.key: taken})
    assert "○ gpa went first, ◇ hva did" in read(html.render(given)).text


def _shapes(page: Page) -> list[str | None]:
    """Return the shapes of the workers in the order of time: those that have a title."""
    titled = {node.text for node in page.named("title")}
    assert titled
    uses = [node for node in page.named("use") if "g" in node.inside]
    return [one.attributes["href"] for one in uses if one.attributes.get("class") is None]


def _found(report: Report, row: Row, taken: tuple[WorkerSlices, ...]) -> list[workers.Found]:
    return workers.found(replace(report, slices={row.key: taken}), row)


def test_without_slices_there_are_the_ratios_alone(report: Report) -> None:
    row = report.costs[0]
    page = _page(report, row)
    assert len(page.named("figure")) == 1
    assert _shapes(page) == ["#s"] * len(row.worker_ratios)
    assert "who went first was not kept" in page.text


def test_every_round_is_a_speck_until_there_are_too_many(report: Report) -> None:
    row = report.costs[0]
    few = _found(report, row, planted.slices(row, 10, 16))
    many = _found(report, row, planted.slices(row, 40, 32))
    assert (workers.thinned(few, 1), workers.thinned(many, 1)) == (1, 4)
    for who, every, expected in ((few, 1, 160), (many, 4, 320)):
        drawing = document(workers.ratios(report, row, who, every))
        (path,) = read(drawing).with_class("speck")
        assert str(path.attributes["d"]).count("h0") == expected
    given = replace(report, rows=(row,), slices={row.key: planted.slices(row, 40, 32)})
    assert "one round of 4 drawn" in read(html.render(given)).text


def test_a_page_of_many_rows_draws_fewer_rounds_of_each(report: Report) -> None:
    who = _found(report, report.costs[0], planted.slices(report.costs[0], 10, 16))
    assert [workers.thinned(who, nr_rows) for nr_rows in (60, 120, 400)] == [1, 2, 7]


def test_specks_are_where_they_were_put() -> None:
    """Told by distances, they may not drift: the sum of what was rounded is rounded once."""
    places = [(0.4 * idx, 50.0 - 0.3 * idx) for idx in range(200)]
    drawn = str(specks(places, "speck").get("d"))
    x, y = 0, 0
    for step, (at_x, at_y) in zip(re.findall(r"m(\d+) ?(-?\d+)h0", drawn), places, strict=True):
        x, y = x + int(step[0]), y + int(step[1])
        assert (x, y) == (round(at_x), round(at_y))


def test_the_load_is_a_bar_a_worker_or_said_to_be_unknown(report: Report) -> None:
    row = report.costs[0]
    with_load = _found(report, row, (_taken(load=0.5), _taken(load=2.0)))
    (bars,) = read(document(workers.ratios(report, row, with_load))).with_class("load")
    tops = re.findall(r"156V([\d.]+)", str(bars.attributes["d"]))
    assert [156 - float(top) for top in tops] == [pytest.approx(7.5), pytest.approx(30.0)]
    without = _found(report, row, (_taken(load=None),))
    assert "load not recorded" in read(document(workers.ratios(report, row, without))).text


def test_two_modes_of_the_base_are_two_humps() -> None:
    slow, fast = [1.0 + i / 10000 for i in range(40)], [1.04 + i / 10000 for i in range(40)]
    counts = histogram.binned([*slow, *fast], 0.99, 1.06)
    shape = re.sub("1+", "1", "".join("1" if count else "0" for count in counts))
    assert shape.strip("0").count("1") == 2
    assert sum(counts) == 80


def test_slices_outside_the_axis_are_counted_not_hidden(report: Report) -> None:
    row = report.costs[0]
    wild = WorkerSlices((10.0,) * 98 + (40.0, 50.0), (10.0,) * 100, True, 1.0, 0.0)
    page = read(document(histogram.distributions(row, (wild,))))
    assert "2 outside" in {text.text for text in page.named("text")}
    assert histogram.binned([1.0, 2.0, 3.0, -5.0], 0.0, 2.5)[-1] == 0


def test_rows_that_are_not_drawn_are_announced(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closer, "MOST_ROWS", 3)
    page = read(html.render(report))
    assert "Drawn are 3 of 8 rows" in page.text
    assert len(page.with_class("pictures")) == 3
    names = [node.text for node in page.named("b") if "summary" in node.inside]
    assert names == ["gpc.refresh_failing", "send.after_slot_change", "send.delivered"]


def test_notes_stand_beside_the_pictures(doubtful: Report) -> None:
    notes = [node.text for node in read(html.render(doubtful)).with_class("note")]
    assert "Note: one worker: the spread between processes was not measured" in notes
