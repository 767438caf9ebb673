"""Options of verbs that have forms of their own: which one, and to which file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Generic, TypeVar

import click

from xenperf.cli.streams import Streams
from xenperf.errors import UsageError
from xenperf.record.atomic import ensure_writable, write_text

Found = TypeVar("Found")
STANDARD_OUTPUT: Final = "-"
TEXT: Final = "text"


def options(forms: Mapping[str, object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a verb ``output_path`` and ``form``, one of *forms*."""
    path = click.option(
        *("-o", "--output", "output_path"),
        metavar="FILE",
        help="Write the report there, whole or not at all.",
    )
    form = click.option(
        *("--format", "form"),
        type=click.Choice(list(forms)),
        help="[default: by the suffix of FILE, else text]",
    )
    return lambda verb: path(form(verb))


@dataclass(frozen=True, slots=True)
class Output(Generic[Found]):
    """Where a report goes and in which form, checked before any work is done."""

    path: str | None
    """None or ``-``: standard output."""

    form: str | None
    """None: by the suffix of the path."""

    render: Mapping[str, Callable[[Found], str]]

    def __post_init__(self) -> None:
        """Raise ``UsageError`` now if the report could not be written afterwards."""
        if self.path == "":
            raise UsageError("output", "the name is empty", "give the name of a file")
        if self.path not in (None, STANDARD_OUTPUT):
            ensure_writable(self.path)

    def hand_over(self, found: Found, summary: str, streams: Streams) -> None:
        """Write *found*; *summary* is said where it went to a file."""
        text = self.render[self.form or self._by_suffix()](found)
        if self.path is None or self.path == STANDARD_OUTPUT:
            streams.write(text)
            return
        write_text(self.path, text)
        streams.say(f"{self.path}: written; {summary}")

    def _by_suffix(self) -> str:
        suffix = PurePath(self.path or "").suffix.removeprefix(".")
        return suffix if suffix in self.render else TEXT
