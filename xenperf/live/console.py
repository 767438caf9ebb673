"""Run a program, such as an emulator, until it ends or time is up, and keep its last lines."""

import ctypes
import os
import re
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Final

from xenperf.errors import UnavailableError
from xenperf.live.guest_init import BEAT, MARK

LAST_LINES: Final = 12
_CHUNK: Final = 65536
_LONGEST_LINE: Final = 4096
_CAUSE: Final = re.compile(r"(BUG: |kernel BUG at |Oops: |Kernel panic - not syncing: ).*")
_PLACE: Final = re.compile(r"RIP: \S+")
_UNPRINTABLE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^ -~]")
_DIE_WITH_PARENT: Final = 1  # PR_SET_PDEATHSIG, linux/prctl.h
_LIBC: Final = ctypes.CDLL(None)


@dataclass(slots=True)
class Console:
    """What a program has written, as far as it is of use afterwards."""

    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    cause: str | None = None
    """The kernel's first word for why it dies."""

    place: str | None = None
    """Where it was at that moment."""

    told: str | None = None
    """Why the first process ran nothing."""

    ended: bool = False
    """Whether the program ended by itself; else it was killed, since time was up or it hung."""

    status: int = 0
    """Its exit status then."""

    silent_s: float | None = None
    """For how many seconds it had given no sign of life, if it was killed for that."""

    sign: float | None = None
    """When, on ``time.monotonic()``, its last sign of life came; None: it has given none yet."""

    _beats: bool = False
    _partial: bytes = b""

    def take(self, written: bytes) -> None:
        """Add what has been *written*, which may end inside a line.

        Any word is a sign of life until the first beat. From then on only beats are: a kernel with
        a CPU that hangs still has words about it.
        """
        self._beats = self._beats or BEAT in written
        if BEAT in written or not self._beats:
            self.sign = time.monotonic()
        *lines, self._partial = (self._partial + written).split(b"\n")
        for line in lines:
            self._take_line(line)
        if len(self._partial) > _LONGEST_LINE:
            self.finish()

    def finish(self) -> None:
        """Count what has no line end yet as a line."""
        line, self._partial = self._partial, b""
        self._take_line(line)

    def _take_line(self, raw: bytes) -> None:
        line = _UNPRINTABLE.sub("", raw.decode("ascii", "replace")).rstrip()
        if not line:
            return
        self.last.append(line)
        cause, place = _CAUSE.search(line), _PLACE.search(line)
        if cause and self.cause is None:
            self.cause = cause[0]
        if place and self.cause and self.place is None:
            self.place = place[0]
        if line.startswith(MARK) and self.told is None:
            self.told = line.removeprefix(MARK)


def run(
    command: Sequence[str],
    deadline: float,
    environment: Mapping[str, str] | None = None,
    longest_silence_s: float | None = None,
) -> Console:
    """Run *command* until it ends, or ``time.monotonic()`` reaches *deadline*; then kill it.

    environment
        Its own; None: that of this process.
    longest_silence_s
        Kill it also if that many seconds pass without a sign of life, once it has given any. None:
        it may be silent.

    It dies with this process and gets none of the terminal's signals. Raise ``UnavailableError``
    if it cannot be started.
    """
    console = Console()
    with _started(command, environment) as process:
        assert process.stdout is not None  # asked for below
        while _has_words(process.stdout, _patience(console, deadline, longest_silence_s)):
            written = os.read(process.stdout.fileno(), _CHUNK)
            if not written:
                console.ended = True
                console.status = process.wait()
                break
            console.take(written)
        if not console.ended and time.monotonic() < deadline:
            console.silent_s = longest_silence_s
    console.finish()
    return console


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Have *command* run while the block does, and not a moment longer."""
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    except OSError as error:
        reason = f"cannot be started: {error.strerror}"
        raise UnavailableError(command[0], reason, "install it again") from error
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _die_with_parent() -> None:
    _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)


def _patience(console: Console, deadline: float, longest_silence_s: float | None) -> float:
    """Return until when the next words are waited for."""
    if longest_silence_s is None or console.sign is None:
        return deadline
    return min(deadline, console.sign + longest_silence_s)


def _has_words(stream: IO[bytes], deadline: float) -> bool:
    """Wait until *stream* can be read or has ended; False: time is up."""
    left = deadline - time.monotonic()
    return left > 0 and bool(select.select([stream], [], [], left)[0])
