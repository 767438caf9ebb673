from dataclasses import replace

from tests.report.html import planted
from tests.report.html.reader import read
from xenperf.backends import backend
from xenperf.hypervisor import Activation
from xenperf.report import html
from xenperf.report.html.fates import OTHER, drawn
from xenperf.report.model import Report
from xenperf.scenarios import catalogue
from xenperf.stats.rows import Row
from xenperf.stats.verdict import Verdict
from xenperf.vmm.machine import Shape


def _count(name: str, metric: str, base: int | None, unit: str = "of 16 events") -> Row:
    return Row(name, metric, unit, base, 0, None, None, Verdict.SAME)


def test_what_no_row_counts_of_a_break_apart_was_delivered() -> None:
    (found,) = drawn(planted.broken_apart())
    gpa, hva = found.strips
    assert (gpa.label, hva.label) == ("gpa", "hva")
    assert [phase.name for phase in gpa.phases] == list(planted.PHASES)
    fates = [phase.fates for phase in gpa.phases]
    assert fates[:4] == [(("delivered", 64),)] * 2 + [(("refused", 64),)] * 2
    assert fates[4] == (("wrong_page", 64),)
    assert {phase.fates for phase in hva.phases} == {(("delivered", 64),)}


def test_the_phases_shaded_are_those_in_which_the_model_refuses_by_gpa() -> None:
    shape = Shape()
    with backend("model").open_to_count(shape.vm_size) as host:
        counts = catalogue.scenario("break_apart").run(host, shape, Activation.GPA)
    refused = {count.subject: count.value for count in counts if count.metric == "refused"}
    (found,) = drawn(
        [_count(f"break_apart.{c.subject}", c.metric, c.value, c.unit) for c in counts]
    )
    assert found.is_break_apart
    names = [phase.name for phase in found.strips[0].phases]
    shaded = {name for name, absent in zip(names, found.absent, strict=True) if absent}
    assert shaded == {name for name, nr in refused.items() if nr} == set(planted.ABSENT)


def test_where_deliveries_are_counted_the_rest_is_not_taken_for_one() -> None:
    rows = [_count("s.a.stale", "delivered", 12), _count("s.a.off", "lost", 16)]
    (found,) = drawn(rows)
    assert not found.is_break_apart
    assert found.strips[0].phases[0].fates == (("delivered", 12), (OTHER, 4))


def test_figures_that_are_missing_wrong_or_invalid_are_not_drawn() -> None:
    rows = [
        _count("s.gone", "lost", None),
        _count("s.too_many", "lost", 17),
        replace(_count("s.varied", "lost", 1), verdict=Verdict.INVALID),
        _count("s.fine", "lost", 16),
    ]
    (found,) = drawn(rows)
    fates = {phase.name: phase.fates for phase in found.strips[0].phases}
    assert fates == {"gone": None, "too_many": None, "varied": None, "fine": (("lost", 16),)}


def test_what_is_no_fate_of_an_event_is_left_to_the_table() -> None:
    rows = [_count("s.a", "swaps", 3, "in 16 rounds"), _count("s.b", "left_behind", 1)]
    assert drawn(rows) == []
    assert drawn([_count("s.one_situation_only", "lost", 1)]) == []


def test_sides_of_a_series_that_do_not_differ_share_a_strip() -> None:
    pairs = [("base", "p1"), ("base", "p2")]
    rows = [row for pair in pairs for row in planted.broken_apart(pair, "gpa")]
    (found,) = drawn(rows)
    assert [strip.label for strip in found.strips] == ["gpa: base", "gpa: p1, p2"]


def test_many_steps_that_are_alike_have_a_short_name() -> None:
    pairs = [("base", f"p{idx}") for idx in range(1, 7)]
    rows = [row for pair in pairs for row in planted.broken_apart(pair, "gpa")]
    moved = [
        replace(row, head=1) if row.sides[1] == "p4" and row.metric == "refused" else row
        for row in rows
    ]
    (found,) = drawn(moved)
    labels = ["gpa: base", "gpa: p1 to p3, p5, p6", "gpa: p4"]
    assert [strip.label for strip in found.strips] == labels


def test_the_picture_says_in_words_what_it_shows(report: Report) -> None:
    page = read(html.render(replace(report, rows=tuple(planted.broken_apart()))))
    labels = [str(picture.attributes.get("aria-label")) for picture in page.named("svg")]
    assert sum("delete_overlay: 64 refused of 64" in label for label in labels) == 1
    assert sum("delete_overlay: 64 delivered of 64" in label for label in labels) == 1
    shown = [node.text for node in page.named("text")]
    assert shown.count("GPA absent") == 2 * len(planted.ABSENT)
    assert shown.count("64 wrong page") == 1
