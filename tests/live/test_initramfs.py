import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from xenperf.errors import UnavailableError
from xenperf.live import initramfs

JOB = {"command": ["/bin/true"], "folder": "/", "environment": {"A": "ü"}}
Entry = tuple[int, bytes, int, tuple[int, int]]


def _read(archive: bytes) -> dict[str, Entry]:
    """Return mode, content, time and device by name, in order: a slow reader of "newc"."""
    found, at = {}, 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        name = archive[at + 110 : at + 110 + fields[11]]
        assert name.endswith(b"\0")
        start = -(-(at + 110 + fields[11]) // 4) * 4
        at = -(-(start + fields[6]) // 4) * 4
        if name == b"TRAILER!!!\0":
            assert at == len(archive)
            return found
        content = archive[start : start + fields[6]]
        found[name[:-1].decode()] = (fields[1], content, fields[5], (fields[9], fields[10]))


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    """Return a whole initramfs, read again."""
    file = io.BytesIO()
    initramfs.write(file, {"b.ko": b"second", "a.ko": b"first"}, JOB)
    return _read(file.getvalue())


def test_modules_are_listed_in_the_order_given(entries: dict[str, Entry]) -> None:
    job = json.loads(entries["job.json"][1])
    assert job == {**JOB, "modules": ["b.ko", "a.ko"]}
    assert entries["modules/a.ko"][1] == b"first"


def test_every_folder_comes_before_what_is_in_it(entries: dict[str, Entry]) -> None:
    seen: set[str] = {"."}
    for name, (mode, *_) in entries.items():
        assert str(Path(name).parent) in seen, name
        if stat.S_ISDIR(mode):
            seen.add(name)


def test_the_first_process_is_run_by_the_interpreter_inside(entries: dict[str, Entry]) -> None:
    mode, content, *_ = entries["init"]
    line = content.partition(b"\n")[0].decode()
    assert mode == stat.S_IFREG | 0o755
    assert line.startswith("#!/")
    interpreter = line[2:].split()[0]
    assert entries[interpreter[1:]][1] == Path(interpreter).read_bytes()
    assert b"def mount_one" in content


def test_files_keep_their_times_so_that_bytecode_stays_valid(entries: dict[str, Entry]) -> None:
    path = json.__file__
    assert entries[path[1:]][2] == int(os.stat(path).st_mtime)


def test_what_an_interpreter_needs_to_start_is_there(entries: dict[str, Entry]) -> None:
    assert entries["dev/urandom"][0] == stat.S_IFCHR | 0o600
    assert entries["dev/urandom"][3] == (1, 9)
    assert entries["dev/console"][3] == (5, 1)
    assert os.__file__[1:] in entries  # the landmark of the library
    names = {Path(name).name.partition(".")[0] for name in entries}
    assert {"libc", "_ctypes", "encodings", "ld-linux-x86-64"} <= names


def test_an_interpreter_that_cannot_tell_its_files_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(initramfs, "_PYTHON", "/bin/false")
    with pytest.raises(UnavailableError, match="which files it needs"):
        initramfs.write(io.BytesIO(), {}, JOB)


def test_the_real_interpreter_is_taken_not_a_link_of_a_virtual_environment() -> None:
    assert Path(initramfs._PYTHON).samefile(os.path.realpath(sys.executable))
