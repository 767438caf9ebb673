"""A schedule as short text: who runs, up to which access, and who goes on.

``send:12 delete:40 send`` starts with the send, stops it before access 12 (the first is 0), runs
the delete up to its access 40, and lets the send go on. A turn without a number lasts until the
actor waits or is done. After the last one everybody runs on as long as he can.
"""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

Trail: TypeAlias = tuple[Any, int, int | None]
"""Turns, the last one first: those before, whose it was, where it was cut off (None: nowhere)."""

_TURN = re.compile(r"([a-z][a-z_0-9.]*)(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class Turn:
    """One actor's turn, cut off before an access or not at all."""

    actor: int
    until: int | None = None


def names_of(first: str, second: str) -> tuple[str, str]:
    """Return what the two actors are called, also where both do the same."""
    return (first, second) if first != second else (first, f"{second}.2")


def turns_of(trail: Trail | None, now: int) -> tuple[Turn, ...]:
    """Return the turns of *trail* up to the last one that was cut off, and who went on then."""
    turns = [Turn(now)]
    while trail is not None:
        trail, actor, until = trail
        turns.append(Turn(actor, until))
    turns.reverse()
    cuts = [idx for idx, turn in enumerate(turns) if turn.until is not None]
    last = cuts[-1] + 2 if cuts else 1
    return tuple(Turn(t.actor, t.until) for t in turns[:last])


def render(turns: tuple[Turn, ...], names: tuple[str, str]) -> str:
    """Return *turns* as text."""
    parts = [
        names[turn.actor]
        + ("" if turn.until is None or idx == len(turns) - 1 else f":{turn.until}")
        for idx, turn in enumerate(turns)
    ]
    return " ".join(parts)


def parse(text: str, names: tuple[str, str]) -> tuple[Turn, ...]:
    """Return the turns of *text*; ``ValueError`` says what is wrong with it."""
    turns = []
    for word in text.split():
        found = _TURN.fullmatch(word)
        if found is None or found[1] not in names:
            raise ValueError(f"schedule {text!r}: {word!r} is no turn of {' or '.join(names)}")
        turns.append(Turn(names.index(found[1]), None if found[2] is None else int(found[2])))
    if not turns or turns[-1].until is not None:
        raise ValueError(f"schedule {text!r}: must end with who goes on, without a number")
    return tuple(turns)
