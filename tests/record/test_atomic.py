import errno
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest

from xenperf.errors import UsageError
from xenperf.record.atomic import ensure_writable, write_text


def refuse_with(number: int) -> Any:
    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return refuse


def interrupt(*_args: object, **_kwargs: object) -> NoReturn:
    raise KeyboardInterrupt


def test_the_text_arrives_as_utf8_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_text(tmp_path / "new.json", "ratio 1.05 \u00b1 0.01\n")
    assert (tmp_path / "new.json").read_bytes() == b"ratio 1.05 \xc2\xb1 0.01\n"
    write_text(str(tmp_path / "new.json"), "shorter")
    assert (tmp_path / "new.json").read_text() == "shorter"
    assert os.listdir(tmp_path) == ["new.json"]


def test_a_new_file_follows_the_umask_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "a")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    (tmp_path / "file").chmod(0o604)
    write_text(tmp_path / "file", "b")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o604


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    for text in ("created", "replaced"):
        write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "file").read_text() == text


def test_a_relative_path_is_meant_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ensure_writable("file")
    write_text("file", "text")
    assert (tmp_path / "file").read_text() == "text"


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "close"])
@pytest.mark.parametrize("kind", ["interrupt", "full"])
def test_a_failure_leaves_the_old_content_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, kind: str
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    fail = interrupt if kind == "interrupt" else refuse_with(errno.ENOSPC)
    if call == "replace":
        monkeypatch.setattr(os, "replace", fail)
        monkeypatch.setattr(Path, "replace", fail)
    elif call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        real = os.fdopen

        def fdopen(*args: Any) -> Any:
            file = real(*args)
            return FailingFile(file, call, fail)

        monkeypatch.setattr(os, "fdopen", fdopen)
    with pytest.raises(KeyboardInterrupt if kind == "interrupt" else UsageError):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


class FailingFile:
    """A file of which one call fails."""

    def __init__(self, file: Any, call: str, fail: Any) -> None:
        self.file, self.call, self.fail = file, call, fail

    def __enter__(self) -> "FailingFile":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.file.close()
        if self.call == "close":
            self.fail()

    def write(self, content: bytes) -> None:
        self.file.write(content[:1])
        if self.call == "write":
            self.fail()

    def flush(self) -> None:
        self.file.flush()


def test_text_that_utf8_cannot_hold_touches_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "file", "\ud800")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("writes", [True, False])
def test_a_refusal_is_one_line_with_path_reason_and_remedy(tmp_path: Path, writes: bool) -> None:
    (tmp_path / "plain").write_text("")
    os.mkfifo(tmp_path / "fifo")
    cases = {
        tmp_path / "absent" / "file": ("no such file or directory", "create the directory"),
        tmp_path / "plain" / "file": ("not a directory", "choose another path"),
        tmp_path: ("it is a directory", "the name of a file"),
        tmp_path / "fifo": ("not a regular file", "choose another file"),
        tmp_path / ("n" * 300): ("name too long", "shorter"),
    }
    for path, (reason, remedy) in cases.items():
        with pytest.raises(UsageError) as caught:
            write_text(path, "x") if writes else ensure_writable(path)
        line = str(caught.value)
        assert "\n" not in line
        for part in (str(path), reason, remedy):
            assert part in line
    assert sorted(os.listdir(tmp_path)) == ["fifo", "plain"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "that you may write to"),
        (errno.EROFS, "not mounted read-only"),
        (errno.EIO, "choose another file"),
    ],
)
def test_a_directory_that_takes_no_file_is_found_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    monkeypatch.setattr(os, "open", refuse_with(number))
    with pytest.raises(UsageError, match=remedy):
        ensure_writable(tmp_path / "file")
    with pytest.raises(UsageError, match=remedy):
        write_text(tmp_path / "file", "x")


def test_a_read_only_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    monkeypatch.setattr(os, "access", lambda *_args: False)
    for act in (ensure_writable, lambda p: write_text(p, "x")):
        with pytest.raises(UsageError, match="read-only"):
            act(path)
    assert path.read_text() == "kept"


def test_trying_creates_and_changes_nothing(tmp_path: Path) -> None:
    ensure_writable(tmp_path / "absent")
    assert os.listdir(tmp_path) == []
    path = tmp_path / "file"
    path.write_text("old")
    before = path.stat()
    ensure_writable(path)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_system_that_cannot_flush_a_directory_still_takes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "file", "x")
    assert (tmp_path / "file").read_text() == "x"
