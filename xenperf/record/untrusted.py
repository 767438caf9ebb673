"""JSON from anywhere: refused in one line unless it is small, shallow and made of plain values."""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from xenperf.errors import UsageError
from xenperf.record.checks import MisshapenError

MAX_BYTES: Final = 256 << 20
"""A run of the whole catalogue takes half a megabyte; a series of 16 commits about 20."""

MAX_DEPTH: Final = 32
MAX_NUMBER: Final = 1 << 63
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SHOWN: Final = 60


def refuse_constant(word: str) -> Any:
    """Raise ``ValueError``: JSON has no NaN and no Infinity."""
    raise ValueError(f"{word} is not JSON")


def load(path: str | os.PathLike[str], constant: Callable[[str], Any] = refuse_constant) -> Any:
    """Return the JSON value in the file *path*.

    ``UsageError`` if it cannot be read, is no regular file, larger than ``MAX_BYTES``, not UTF-8,
    not JSON, deeper than ``MAX_DEPTH``, names a key twice, or holds a number beyond
    ``MAX_NUMBER`` or a character that would steer a terminal.

    constant
        What stands for ``NaN``, ``Infinity`` and ``-Infinity``, which asv writes and JSON has not.
    """
    return parse(_content(path), path, constant)


def parse(
    content: bytes,
    path: str | os.PathLike[str],
    constant: Callable[[str], Any] = refuse_constant,
) -> Any:
    """Return the JSON value that *content*, which came from *path*, holds; errors as ``load``."""
    try:
        value = json.loads(content.decode(), object_pairs_hook=_object, parse_constant=constant)
        _check(value)
    except RecursionError:
        raise refusal(path, "nested too deeply") from None
    except UnicodeDecodeError:
        raise refusal(path, "not UTF-8 text") from None
    except json.JSONDecodeError as error:
        what = f"not JSON from line {error.lineno}, column {error.colno} on: {error.msg}"
        raise refusal(path, what) from None
    except ValueError as error:  # ours, and Python's own on numbers of thousands of digits
        raise refusal(path, str(error)) from None
    return value


def printable(shown: str) -> str:
    """Return *shown* without what would steer a terminal: a file may be called anything."""
    return _CONTROL.sub("?", shown)


def refusal(path: str | os.PathLike[str], reason: str, remedy: str | None = None) -> UsageError:
    """Return the error that names the file and why it is not read, cut where it is very long."""
    shown = printable(reason)
    shown = shown if len(shown) <= 4 * _SHOWN else f"{shown[: 4 * _SHOWN]}..."
    return UsageError(os.fspath(path), f"cannot read: {shown}", remedy)


@contextmanager
def refusing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Refuse the file at *path*, by ``UsageError``, if what the block checks is misshapen."""
    try:
        yield
    except MisshapenError as error:
        raise refusal(path, str(error).lstrip(".")) from None


def _content(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a regular file, never more than ``MAX_BYTES``, never waiting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise refusal(path, "it is not a regular file", "give the name of a result file")
            if found.st_size <= MAX_BYTES:
                content = file.read(MAX_BYTES + 1)
                if len(content) <= MAX_BYTES:
                    return content
            raise refusal(path, f"larger than {MAX_BYTES >> 20} MiB")
    except OSError as error:
        reason = error.strerror or str(error)
        raise refusal(path, reason[:1].lower() + reason[1:]) from None
    except ValueError:  # a name with a null character
        raise refusal("file", "its name cannot be one") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {_cut(twice)} is there twice")
    return found


def _check(whole: Any) -> None:
    """Raise ``ValueError`` for what is too deep, too large, or would steer a terminal."""
    waiting = [(whole, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        if isinstance(value, int | float) and not -MAX_NUMBER < value < MAX_NUMBER:
            raise ValueError("a number is too large")
        if isinstance(value, str) and _CONTROL.search(value):
            raise ValueError(f"a text holds control characters: {_cut(ascii(value))}")
        waiting += [(each, depth + 1) for each in _inside(value)]


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _cut(word: str) -> str:
    return word if len(word) <= _SHOWN else f"{word[:_SHOWN]}..."
