from xml.etree.ElementTree import Element

import pytest

from xenperf.report.html.tags import document, tag


def _html(element: Element) -> str:
    return document(element).removeprefix("<!DOCTYPE html>\n")


def test_text_is_escaped_in_content_and_in_attributes() -> None:
    found = _html(tag("b", "<i>&", class_='"><i>'))
    assert found == '<b class="&quot;&gt;<i&gt;">&lt;i&gt;&amp;</b>'


def test_children_may_be_lists_text_and_nothing() -> None:
    assert _html(tag("b", "a", [tag("i", "b"), None, "c"], "d")) == "<b>a<i>b</i>cd</b>"


def test_attributes_without_a_value_are_left_out() -> None:
    assert (
        _html(tag("b", aria_label="x", title=None, width=1.25))
        == '<b aria-label="x" width="1.2"></b>'
    )


@pytest.mark.parametrize(
    "unfit", ["\x00", "\x0b", "\x1b", "\x85", "\ud800", "\u202e", "\u2066", "\uffff"]
)
def test_what_no_page_may_hold_is_replaced(unfit: str) -> None:
    assert _html(tag("b", f"a{unfit}b", title=unfit)) == '<b title="\ufffd">a\ufffdb</b>'


def test_line_breaks_and_other_writings_stay() -> None:
    assert _html(tag("b", "a\n\tb \u05d0 \U0001f40d")) == "<b>a\n\tb \u05d0 \U0001f40d</b>"
