"""Files that a command inside a VM is told to write with ``-o``: written aside, then fetched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xenperf.live import guest_init

FOLDER: Final = "files"
_SHORT: Final = "-o"
_LONG: Final = "--output"
_STANDARD_OUTPUT: Final = "-"


@dataclass(frozen=True, slots=True)
class Redirected:
    """A command whose files go where a guest may write."""

    args: tuple[str, ...]
    paths: tuple[str, ...]
    """Where the user wants them, one for each ``-o``."""

    def places(self) -> Iterator[tuple[str, str]]:
        """Yield each file's place below the folder that is fetched, and where it is wanted."""
        for idx, path in enumerate(self.paths):
            yield _place(idx, path), path

    def as_wanted(self, text: str) -> str:
        """Return *text* with the names of the files as the user gave them."""
        for place, path in self.places():
            text = text.replace(f"{guest_init.OUT}/{place}", path)
        return text


def redirect(args: Sequence[str]) -> Redirected:
    """Return *args* with every file after ``-o`` or ``--output`` replaced by one inside the VM."""
    made: list[str] = []
    paths: list[str] = []

    def aside(path: str) -> str:
        if path in ("", _STANDARD_OUTPUT):
            return path  # no file
        paths.append(path)
        return f"{guest_init.OUT}/{_place(len(paths) - 1, path)}"

    words = iter(args)
    for word in words:
        if word == "--":
            made += [word, *words]
        elif word in (_SHORT, _LONG):
            made += [word, *(aside(path) for path in (next(words, None),) if path is not None)]
        elif word.startswith(f"{_LONG}="):
            made.append(f"{_LONG}={aside(word.removeprefix(f'{_LONG}='))}")
        elif word.startswith(_SHORT) and not word.startswith("--"):
            made.append(f"{_SHORT}{aside(word.removeprefix(_SHORT))}")
        else:
            made.append(word)
    return Redirected(tuple(made), tuple(paths))


def _place(idx: int, path: str) -> str:
    """Return a place of its own for each file; its name is kept, since it may tell the format."""
    name = Path(path).name
    return f"{FOLDER}/{idx}/{name if name not in ('', '..') else 'file'}"
