"""Slices that went from one CPU to another while they ran, as far as the workers say."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]


def moves(workers: Iterable[Sequence[Message]]) -> tuple[int, int] | None:
    """Return how many slices moved, and of how many that is known; None if of none."""
    known = [
        moved
        for said in workers
        for message in said
        if message["kind"] == "cost" and "invalid" not in message
        for slices in message["sides"].values()
        if slices is not None
        for moved in moved_in(slices)
    ]
    return (sum(known), len(known)) if known else None


def moved_in(slices: Message) -> list[bool]:
    """Return whether each slice of one side moved, those left out of which it is not known.

    A slice may have gone and come back meanwhile: that is not seen.
    """
    pairs = zip(slices.get("first_cpu", ()), slices.get("last_cpu", ()), strict=True)
    return [first != last for first, last in pairs if None not in (first, last)]
