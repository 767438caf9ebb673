"""Where a verb writes: a reader who went away is no error, a full disk is one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from xenperf.errors import XenperfError


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard output and standard error, or what a test puts in their place."""

    out: TextIO
    err: TextIO

    def write(self, text: str) -> None:
        """Write *text* to standard output, now; ``head`` may close it after a line."""
        encoding = self.out.encoding or "utf-8"
        try:
            self.out.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self.out.flush()
        except BrokenPipeError:
            _silence(self.out)
        except OSError as error:
            _silence(self.out)
            reason = f"cannot write: {error.strerror}"
            raise XenperfError("standard output", reason, "choose a file with -o") from error

    def say(self, line: str) -> None:
        """Write one line to standard error."""
        try:
            self.err.write(f"{line}\n")
            self.err.flush()
        except OSError:
            _silence(self.err)

    def wants_colour(self, environ: Mapping[str, str]) -> bool:
        """Tell whether standard output shows colour and nobody asked for none (no-color.org)."""
        wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        return wanted and self.out.isatty()


def _silence(stream: TextIO) -> None:
    """Send what *stream* still holds nowhere: Python flushes it once more when it exits.

    This is what the documentation of ``signal`` advises under "Note on SIGPIPE".
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
