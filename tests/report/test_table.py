from hypothesis import given
from hypothesis import strategies as st

from xenperf.report.table import WIDTH, Column, lay_out, paragraph

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=150)


def test_columns_are_aligned_and_end_without_blanks() -> None:
    columns = (Column("name"), Column("gpa", right=True), Column("verdict"))
    assert lay_out(columns, [("a", "1", "same"), ("bcdef", "1234", "")]) == [
        "name    gpa  verdict",
        "a         1  same",
        "bcdef  1234",
    ]


def test_what_does_not_fit_goes_on_below() -> None:
    columns = (Column("name", wraps=True), Column("gpa", right=True))
    assert lay_out(columns, [("a_very_long_name", "12")], width=15) == [
        "name        gpa",
        "a_very_      12",
        "long_name",
    ]


def test_a_name_goes_on_after_a_dot_or_an_underscore_if_it_has_one() -> None:
    columns = (Column("name", wraps=True), Column("n", right=True))
    cells = ["event_sources.timer.stale gpa", "averyveryverylongname"]
    assert lay_out(columns, [(cell, "1") for cell in cells], width=17) == [
        "name            n",
        "event_sources.  1",
        "timer.stale",
        "gpa",
        "averyveryveryl  1",
        "ongname",
    ]


def test_paint_takes_no_room() -> None:
    columns = (Column("verdict", paint=lambda text: f"<{text}>"), Column("x"))
    assert lay_out(columns, [("same", "1"), ("", "2")]) == [
        "verdict  x",
        "<same>     1",
        "         2",
    ]


@given(rows=st.lists(st.tuples(TEXT, TEXT, st.integers(0, 10**12)), max_size=5))
def test_a_table_is_never_wider_than_the_page_and_loses_nothing(
    rows: list[tuple[str, str, int]],
) -> None:
    columns = (Column("name", wraps=True), Column("unit", wraps=True), Column("n", right=True))
    lines = lay_out(columns, [(name, unit, str(n)) for name, unit, n in rows])
    assert max(map(len, lines)) <= WIDTH
    shown = sorted("".join(lines[1:]).replace(" ", ""))
    assert shown == sorted("".join(f"{a}{b}{n}" for a, b, n in rows).replace(" ", ""))


@given(text=TEXT, indent=st.integers(0, 20))
def test_a_paragraph_is_never_wider_than_the_page(text: str, indent: int) -> None:
    lines = paragraph("label", text, max(indent, 6))
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("label")


def test_a_label_may_be_longer_than_the_indent() -> None:
    assert paragraph("a long label: ", "word " * 30, 2)[1].startswith("  word")
