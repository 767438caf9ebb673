"""Files from anywhere: one line for each way in which they cannot be used."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xenperf.errors import UsageError
from xenperf.record import untrusted

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "not JSON from line 1, column 1 on"),
        (b'{"a": [1, 2', "not JSON from line 1, column 12 on"),
        (b'{"a": "\xff"}', "not UTF-8 text"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 40 + b"]" * 40, "nested too deeply"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "a number is too large"),
        (b'{"a": 99999999999999999999}', "a number is too large"),
        (b"9" * 5000, "Exceeds the limit"),
        (b'{"a": 1, "b": 2, "a": 3}', "the key a is there twice"),
        (b'{"a": "\\u001b[31m"}', "a text holds control characters: '\\x1b[31m'"),
        (b'{"\\ud800": 1}', "a text holds control characters"),
    ],
)
def test_what_is_wrong_is_one_line(content: bytes, named: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        untrusted.load(path)
    assert str(refused.value).startswith(f"{path}: cannot read: ")
    assert named in str(refused.value)
    assert len(str(refused.value)) < len(str(path)) + 300


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no such file"):
        untrusted.load(tmp_path / "none")
    for path in (tmp_path, tmp_path / "pipe", "/dev/null"):
        with pytest.raises(UsageError, match=r"is a directory|not a regular file"):
            untrusted.load(path)
    with pytest.raises(UsageError, match="its name cannot be one"):
        untrusted.load("a\0b")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(untrusted.MAX_BYTES + 1)  # a hole: takes no space
    with pytest.raises(UsageError, match="larger than 256 MiB"):
        untrusted.load(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary() | ANY.map(lambda value: repr(value).encode(errors="replace")))
def test_whatever_the_bytes_are_nothing_else_is_raised(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(content)
    with contextlib.suppress(UsageError):
        untrusted.load(path)
