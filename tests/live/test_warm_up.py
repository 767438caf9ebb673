import os
import time
from pathlib import Path

import pytest

from xenperf.live import warm_up
from xenperf.live.warm_up import guests_cache


def _soon() -> float:
    return time.monotonic() + 60


def test_guests_have_a_place_of_their_own_beside_the_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "cache"))
    assert guests_cache(otherwise=tmp_path) == tmp_path / "cache/guests"
    assert (tmp_path / "cache/guests").is_dir()


def test_without_a_home_the_cache_lasts_as_long_as_the_vm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "file/cache"))
    assert guests_cache(otherwise=tmp_path / "work") == tmp_path / "work"


def test_compiling_beforehand_uses_the_guests_cache_and_tells_how_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os, sys; open(os.environ['XENPERF_CACHE_DIR'] + '/' + sys.argv[1], 'w').close()"
    monkeypatch.setattr(warm_up, "_COMPILE", code)
    assert warm_up.warm_up(tmp_path, "name", os.environ, _soon())
    assert (tmp_path / "name").exists()
    monkeypatch.setattr(warm_up, "_COMPILE", "raise SystemExit(1)")
    assert not warm_up.warm_up(tmp_path, "name", os.environ, _soon())


def test_the_command_that_compiles_is_one_that_runs(tmp_path: Path) -> None:
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert warm_up.warm_up(tmp_path, "live", here, _soon())  # it has nothing to compile
    assert not warm_up.warm_up(tmp_path, "nonsense", here, _soon())


def test_compiling_ends_with_the_time_that_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "_COMPILE", "import time; time.sleep(99)")
    start = time.monotonic()
    assert not warm_up.warm_up(tmp_path, "name", os.environ, start + 0.5)
    assert time.monotonic() - start < 60
