"""A temporary folder that is gone in the end, also when the process is told to end."""

import contextlib
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from xenperf.errors import UnavailableError

_PREFIX: Final = "xenperf-boot-"
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def workspace() -> Iterator[Path]:
    """Make a folder for the block that only this user may open; ``UnavailableError`` if none."""
    with _orderly_end():
        try:
            folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        except OSError as error:
            raise _no_room(tempfile.gettempdir(), error) from error
        with folder as name:
            yield Path(name)


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """Turn a refusal to write in *folder*, such as a full disk, into ``UnavailableError``."""
    try:
        yield
    except OSError as error:
        raise _no_room(str(folder.parent), error) from error


def _no_room(place: str, error: OSError) -> UnavailableError:
    reason = f"no temporary files: {error.strerror or error}"
    return UnavailableError(place, reason, "free some space, or set TMPDIR to another folder")


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Have a signal to end treated like Ctrl-C while the block runs, so that it cleans up."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread may handle signals
        return
    with contextlib.ExitStack() as stack:
        for number in _ENDING:
            stack.callback(signal.signal, number, signal.signal(number, _interrupt))
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
