"""The folder that a guest writes its answer to."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xenperf.live.guest_init import EXIT, STDERR, STDOUT
from xenperf.live.outputs import Redirected

LAST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command inside a VM."""

    code: int
    """Its exit code; negative: the signal that killed it."""

    out: str
    err: str
    files: dict[str, str]
    """Texts by the path at which the user wants them; a file that was not written is missing."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is on the host's side of it."""

    folder: Path
    command: Redirected

    def empty(self) -> None:
        """Make it as the next boot needs it; ``OSError`` if there is no room."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        for place, _ in self.command.places():
            (self.folder / place).parent.mkdir(parents=True)

    @property
    def has_begun(self) -> bool:
        """Tell whether the command was started."""
        return (self.folder / STDOUT).exists()

    def last_words(self) -> list[str]:
        """Return the last lines that the command has said so far."""
        if not self.has_begun:
            return []
        return f"{self._text(STDOUT)}\n{self._text(STDERR)}".split("\n")[-LAST_WORDS:]

    def answer(self) -> Answer | None:
        """Return what came of the command; None if it did not end."""
        if not (self.folder / EXIT).exists():
            return None
        found = {
            path: self._text(place)
            for place, path in self.command.places()
            if (self.folder / place).is_file()
        }
        out, err = (self.command.as_wanted(self._text(name)) for name in (STDOUT, STDERR))
        return Answer(int(self._text(EXIT)), out, err, found)

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8", errors="replace")
