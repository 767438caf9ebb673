"""A history in words: figures as people read them, many troubles in few lines, pages that hold."""

import re

import pytest

from tests.report.html.reader import read
from xenperf.report.history import RENDER
from xenperf.report.history.content import HistoryReport, doubts, figure, step_line
from xenperf.stats.changes import changes, shifts
from xenperf.stats.history import History, Kind, Point, State, Step, Track


def track(name: str, kind: Kind, unit: str, *points: Point) -> Track:
    return Track(name, "'gpa'", unit, kind, points)


def measured(*values: float) -> tuple[Point, ...]:
    return tuple(Point(State.MEASURED, value, "1") for value in values)


def report_of(*tracks: Track, remarks: tuple[str, ...] = ()) -> HistoryReport:
    nr = len(tracks[0].points)
    steps = tuple(Step(f"{at:02x}" * 20, 1_700_000_000.0, f"Step {at}") for at in range(1, nr + 1))
    found = History("results/box", "box", steps, tracks, remarks=remarks)
    return HistoryReport(found, tuple(changes(found)), tuple(shifts(found)), "xenperf series x")


@pytest.mark.parametrize(
    ("kind", "unit", "value", "shown"),
    [
        (Kind.COUNT, "events", 256.0, "256"),
        (Kind.RATIO, "ratio", 0.3756, "0.376"),
        (Kind.COST, "seconds", 2.0, "2.00s"),
        (Kind.COST, "seconds", 1.2345e-3, "1.23ms"),
        (Kind.COST, "seconds", 98.7e-6, "98.7us"),
        (Kind.COST, "seconds", 5.4e-12, "0.0054ns"),
        (Kind.COST, "bytes", 256.0 * 2**20, "256M"),
        (Kind.COST, "bytes", 1.5 * 2**10, "1.50k"),
        (Kind.INSTRUCTIONS, "instructions", 29.723, "29.723"),
    ],
)
def test_figures_have_a_unit_that_fits(kind: Kind, unit: str, value: float, shown: str) -> None:
    (point,) = measured(value)
    assert figure(track("x", kind, unit, point), point) == shown


def test_what_is_not_there_says_why() -> None:
    one = track("x", Kind.COUNT, "events", Point())
    assert [figure(one, Point(state)) for state in State if state is not State.MEASURED] == [
        "failed",
        "skip",
        "-",
    ]


def test_many_that_failed_alike_are_one_line() -> None:
    points = (*measured(1.0), Point(State.FAILED))
    found = doubts(report_of(*(track(f"b{nr}", Kind.COUNT, "", *points) for nr in range(9))))
    assert found == ["failed at 02020202: b0, b1, b2 and 6 more benchmarks"]


def test_what_moved_together_is_a_doubt_and_no_change() -> None:
    costs = [track(f"t{nr}", Kind.COST, "seconds", *measured(1e-3, 2e-3)) for nr in range(5)]
    report = report_of(*costs)
    (line,) = doubts(report)
    assert line.startswith(
        "at 02020202 5 times moved together, +100.0 % in the median: the machine"
    )
    assert report.changes == ()


def test_a_step_has_its_day_and_subject() -> None:
    assert step_line(Step("ab" * 20, 0.0, "Begin")) == ("abababab", "1970-01-01 Begin")


@pytest.mark.parametrize("form", list(RENDER))
def test_a_form_shows_remarks_changes_and_the_command(form: str) -> None:
    one = track("bench.Away.track_refused", Kind.COUNT, "events", *measured(64, 64, 65))
    shown = RENDER[form](report_of(one, remarks=("left out: some file",)))
    assert "left out: some file" in shown
    assert "xenperf series x" in shown
    assert "more" in shown


def test_no_line_of_text_is_wider_than_its_page() -> None:
    long = "bench_module.ALongClassName.track_what_becomes_of_it"
    tracks = [track(f"{long}{nr}", Kind.RATIO, "ratio", *measured(*[1.0] * 9, 2.0)) for nr in "ab"]
    report = report_of(*tracks)
    assert max(map(len, RENDER["text"](report).splitlines())) <= 100
    mail = RENDER["mail"](report)
    assert max(map(len, mail.splitlines())) <= 72
    assert mail.isascii()


def test_the_page_loads_nothing_and_draws_every_track() -> None:
    tracks = [
        track("r", Kind.RATIO, "ratio", *measured(1.0, 1.0)),
        track("t", Kind.COST, "seconds", *measured(1e-3, 2e-3)),
        track("n", Kind.RATIO, "ratio", Point(), Point(State.SKIPPED)),
    ]
    shown = RENDER["html"](report_of(*tracks))
    assert shown.count("<svg") == 1 + 3  # the marks that all share, and a picture each
    assert set(re.findall(r'href="(.)', shown)) == {"#"}  # of the page itself
    for loading in ("<script", "src=", "url("):
        assert loading not in shown
    assert read(shown).errors == []
