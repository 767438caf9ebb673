import pytest

from xenperf.explore.schedule import Trail, Turn, names_of, parse, render, turns_of

NAMES = ("send", "delete")


def test_a_schedule_is_text_and_back() -> None:
    text = "send:12 delete:40 send"
    turns = parse(text, NAMES)
    assert turns == (Turn(0, 12), Turn(1, 40), Turn(0))
    assert render(turns, NAMES) == text


def test_turns_that_nobody_chose_are_left_out_at_the_end() -> None:
    trail: Trail = (((None, 0, 12), 1, None), 0, None)  # preempted, then waited, then done
    assert turns_of(trail, 1) == (Turn(0, 12), Turn(1))
    assert turns_of(None, 1) == (Turn(1),)


def test_turns_before_a_preemption_are_kept() -> None:
    trail: Trail = (((None, 0, 3), 1, None), 0, 9)  # the delete waited between two preemptions
    assert render(turns_of(trail, 1), NAMES) == "send:3 delete send:9 delete"


def test_two_of_the_same_are_told_apart() -> None:
    names = names_of("send", "send")
    assert names == ("send", "send.2")
    assert parse("send.2:5 send", names) == (Turn(1, 5), Turn(0))


@pytest.mark.parametrize("text", ["", "send:12", "poke", "send:x delete", "send delete:4", "Send"])
def test_what_is_no_schedule_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="schedule '"):
        parse(text, NAMES)
