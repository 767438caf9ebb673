"""Files that are there in full or not at all."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from xenperf.errors import UsageError

_OTHER_FILE: Final = "choose another file"
_REMEDIES: Final = {
    errno.ENOENT: "create the directory first",
    errno.ENOTDIR: "a part of the path is a file; choose another path",
    errno.EACCES: "choose a directory that you may write to",
    errno.EPERM: "choose a directory that you may write to",
    errno.EROFS: "choose a directory that is not mounted read-only",
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some space or choose another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replace *path* by *text* in UTF-8, in one step that a crash cannot cut in two.

    The text goes to a new file in the same directory, is flushed to the disk and renamed.
    The mode of an existing file is kept and a symbolic link stays one. Whatever goes wrong,
    the old content remains and no temporary file does. Raise ``UsageError`` where the
    destination cannot be written.
    """
    content = text.encode()
    with _as_usage_error(path):
        target, mode = _destination(path)
        temporary = _temporary_beside(target)
        try:
            _write_new(temporary, content, mode)
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _flush_directory(target.parent)


def ensure_writable(path: str | os.PathLike[str]) -> None:
    """Raise ``UsageError`` now if ``write_text`` could not write *path* after a long run.

    The destination is neither created nor touched: a temporary file is tried beside it.
    """
    with _as_usage_error(path):
        target, mode = _destination(path)
        temporary = _temporary_beside(target)
        try:
            _write_new(temporary, b"", mode)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _destination(path: str | os.PathLike[str]) -> tuple[Path, int | None]:
    """Return the file behind *path* and the mode of what is there, if anything is.

    Renaming over a device would destroy it, and over a file without write permission would
    go around its owner's wish; both are refused.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return target, None
    if stat.S_ISDIR(mode):
        raise _refusal(path, "it is a directory", "give the name of a file in it")
    if not stat.S_ISREG(mode):
        raise _refusal(path, "it is not a regular file", _OTHER_FILE)
    if not os.access(target, os.W_OK):
        raise _refusal(path, "the file is read-only", _OTHER_FILE)
    return target, stat.S_IMODE(mode)


def _temporary_beside(target: Path) -> Path:
    """Return a fresh name in the directory of *target*: a rename cannot leave a disk."""
    return target.parent / f".xenperf-{secrets.token_hex(8)}.tmp"


def _write_new(path: Path, content: bytes, mode: int | None) -> None:
    """Create *path* with *content* on the disk; without *mode* the umask decides."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _flush_directory(directory: Path) -> None:
    """Make the rename itself durable, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _as_usage_error(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn a refusal of the file system into one line with path, reason and remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0, _OTHER_FILE)
        raise _refusal(path, reason[:1].lower() + reason[1:], remedy) from error


def _refusal(path: str | os.PathLike[str], reason: str, remedy: str) -> UsageError:
    """Return the error that names path, reason and remedy."""
    return UsageError(os.fspath(path), f"cannot write: {reason}", remedy)
