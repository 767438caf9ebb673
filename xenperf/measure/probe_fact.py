"""One thing that the probe looked at."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

Read: TypeAlias = Callable[[str], str | None]
"""Returns what a file holds, stripped; None where there is none to be read."""

Plain: TypeAlias = str | int | float | None


class Grade(StrEnum):
    """What a fact means for figures measured here."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing: something is missing, or costs precision."""

    UNTRUSTED = "untrusted"
    """Times measured now should not be believed."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What was found, why it matters, and what its reader can do; nobody else does anything."""

    name: str
    found: str
    value: Plain
    """The same for a program; None where this machine does not tell."""

    matters: str
    advice: str
    grade: Grade = Grade.OK


NOT_VISIBLE: Final = "not visible"


def read_file(path: str) -> str | None:
    """Return the text of *path*; None where it cannot be read."""
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return None
