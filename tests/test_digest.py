import os
from pathlib import Path

import pytest

from xenperf import digest

HEX = "0123456789abcdef"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a folder of sources to digest."""
    folder = tmp_path / "package"
    (folder / "inner").mkdir(parents=True)
    (folder / "first.py").write_text("A = 1\n")
    (folder / "inner" / "second.py").write_text("B = 2\n")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the digests of this test go to."""
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_digest_is_sixteen_hex_digits_and_stays(package: Path) -> None:
    first = digest.source_digest(package)
    assert len(first) == 16
    assert set(first) <= set(HEX)
    assert digest.source_digest(package) == first


def test_a_digest_does_not_depend_on_where_the_sources_are(package: Path, tmp_path: Path) -> None:
    before = digest.source_digest(package)
    moved = package.rename(tmp_path / "elsewhere")
    assert digest.source_digest(moved) == before


@pytest.mark.parametrize("name", ["first.py", "inner/second.py", "inner/new.py"])
def test_every_source_file_counts(package: Path, name: str) -> None:
    before = digest.source_digest(package)
    path = package / name
    kept = path.read_text() if path.exists() else None
    path.write_text("B = 3\n")
    assert digest.source_digest(package) != before
    if kept is None:
        path.unlink()
    else:
        path.write_text(kept)
    assert digest.source_digest(package) == before


def test_a_renamed_file_counts(package: Path) -> None:
    before = digest.source_digest(package)
    (package / "first.py").rename(package / "third.py")
    assert digest.source_digest(package) != before


def test_what_is_no_source_does_not_count(package: Path) -> None:
    before = digest.source_digest(package)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "first.cpython-311.pyc").write_bytes(b"code")
    (package / "py.typed").touch()
    assert digest.source_digest(package) == before


@pytest.mark.parametrize("key", digest.ENVIRONMENT_KEYS)
def test_every_compiler_setting_counts(
    package: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.delenv(key, raising=False)
    before = digest.source_digest(package)
    monkeypatch.setenv(key, "1")
    assert digest.source_digest(package) != before


def test_versions_and_switches_count(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest.source_digest(package)
    assert digest.source_digest(package, "READ_LOCK_FIRST=False") != before
    monkeypatch.setattr(digest.metadata, "version", lambda name: "0.1")
    assert digest.source_digest(package) != before


def test_the_cache_is_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("XENPERF_CACHE_DIR", "/asked/for")
    assert digest.cache_root() == Path("/asked/for")
    monkeypatch.setenv("XENPERF_CACHE_DIR", "")
    assert digest.cache_root() == Path("/xdg/xenperf")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert digest.cache_root() == Path("/home/somebody/.cache/xenperf")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert digest.cache_root() == Path("/home/somebody/.cache/xenperf")


def test_a_relative_cache_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XENPERF_CACHE_DIR", "cache")
    assert digest.usable_cache("0" * 16) == tmp_path / "cache" / ("0" * 16)


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XENPERF_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(digest.Path, "home", no_home)
    assert digest.cache_root() is None
    assert digest.usable_cache("0" * 16) is None


def test_a_usable_cache_is_made_with_all_above_it(root: Path) -> None:
    folder = digest.usable_cache("0" * 16)
    assert folder == root / ("0" * 16)
    assert folder.is_dir()
    assert digest.usable_cache("0" * 16) == folder


def test_a_cache_that_cannot_be_made_is_none(root: Path) -> None:
    root.write_text("a file where the folder should be")
    assert digest.usable_cache("0" * 16) is None


def test_a_cache_that_cannot_be_written_is_none(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert digest.usable_cache("0" * 16)
    monkeypatch.setattr(digest.os, "access", lambda path, mode: not mode & os.W_OK)
    assert digest.usable_cache("0" * 16) is None


def _aged(root: Path, name: str, age: int) -> Path:
    """Make the folder of a digest that was used *age* seconds ago."""
    folder = root / name
    (folder / "kernels").mkdir(parents=True)
    (folder / "kernels" / "code.nbc").write_bytes(b"code")
    when = (root.stat().st_mtime_ns // 10**9) - age
    os.utime(folder, (when, when))
    return folder


def test_a_new_digest_removes_those_used_longest_ago(root: Path) -> None:
    kept = [_aged(root, f"{age:016x}", 1000 + age) for age in range(digest.KEPT_DIGESTS - 1)]
    old = [_aged(root, f"{age:016x}", 1000 + age) for age in (100, 101, 102)]
    current = digest.usable_cache("f" * 16)
    assert sorted(root.iterdir()) == sorted([*kept, root / ("f" * 16)])
    assert current == root / ("f" * 16)
    assert not any(folder.exists() for folder in old)


def test_the_current_digest_is_never_removed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for age in range(digest.KEPT_DIGESTS + 8):
        _aged(root, f"{age:016x}", -1000)  # all of them newer than anything made now
    current = digest.usable_cache("f" * 16)
    assert current is not None
    assert current.is_dir()
    assert len(list(root.iterdir())) == digest.KEPT_DIGESTS


def test_using_a_digest_keeps_it(root: Path) -> None:
    used = _aged(root, "a" * 16, 5000)
    for age in range(digest.KEPT_DIGESTS):
        _aged(root, f"{age:016x}", 1000)
    assert digest.usable_cache("a" * 16) == used
    digest.usable_cache("f" * 16)
    assert used.is_dir()


def test_what_is_no_digest_is_never_removed(root: Path) -> None:
    others = [_aged(root, name, 9000) for name in ("photos", "F" * 16, "0" * 15, "0" * 17)]
    for age in range(digest.KEPT_DIGESTS + 8):
        _aged(root, f"{age:016x}", age)
    digest.usable_cache("f" * 16)
    assert all((folder / "kernels" / "code.nbc").exists() for folder in others)


def test_a_digest_that_another_process_removes_meanwhile_is_no_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: Path) -> os.stat_result:
        raise FileNotFoundError(path)

    for age in range(digest.KEPT_DIGESTS + 8):
        _aged(root, f"{age:016x}", age)
    with monkeypatch.context() as patched:
        patched.setattr(digest.Path, "stat", gone)
        patched.setattr(digest.Path, "is_dir", os.path.isdir)
        assert digest.usable_cache("f" * 16) == root / ("f" * 16)
