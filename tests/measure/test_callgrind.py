"""Callgrind from outside: its files, and one line where something is missing."""

from pathlib import Path

import pytest

from xenperf.errors import MeasurementError, UnavailableError
from xenperf.measure import callgrind

WRITTEN = """# callgrind format
version: 1
desc: I1 cache:
desc: Timerange: Basic block 5 - 9
desc: Trigger: Client Request: send.delivered gpa 32768

positions: line
events: Ir
summary: 12

totals: 12
"""


def test_totals_are_found_by_their_label(tmp_path: Path) -> None:
    (tmp_path / "counts.1").write_text(WRITTEN)
    (tmp_path / "counts.2").write_text(WRITTEN.replace(" gpa 32768", " hva 32768"))
    (tmp_path / "counts").write_text("desc: Trigger: Program termination\ntotals: 0\n")
    assert callgrind.totals(tmp_path) == {
        "send.delivered gpa 32768": 12,
        "send.delivered hva 32768": 12,
    }


@pytest.mark.parametrize("missing", ["totals: 12\n", "desc: Trigger: Client Request"])
def test_a_file_that_is_not_understood_is_named(tmp_path: Path, missing: str) -> None:
    (tmp_path / "counts.1").write_text(WRITTEN.replace(missing, "other: 12\n"))
    with pytest.raises(MeasurementError, match=r"callgrind's counts\.1"):
        callgrind.totals(tmp_path)


def test_a_machine_without_valgrind_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"valgrind: not on the PATH, .*; install it"):
        callgrind.program()


def test_a_cache_that_cannot_be_kept_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "file" / "folder"))
    with pytest.raises(UnavailableError, match="set XENPERF_CACHE_DIR"):
        callgrind.check_cache()
    monkeypatch.setenv("XENPERF_CACHE_DIR", str(tmp_path / "new"))
    callgrind.check_cache()
    assert (tmp_path / "new").is_dir()


def test_workers_compile_for_the_same_processor_whatever_was_set_outside() -> None:
    outside = {"HOME": "/root", "NUMBA_CPU_NAME": "znver5", "NUMBA_DISABLE_JIT": "1"}
    made = callgrind.environment(outside, 2)
    assert made["NUMBA_CPU_NAME"] == callgrind.CPU_NAME
    assert "NUMBA_DISABLE_JIT" not in made
    assert (made["HOME"], made["PYTHONHASHSEED"], made["NUMBA_CPU_FEATURES"]) == ("/root", "2", "")


def test_the_last_words_are_valgrinds_own(tmp_path: Path) -> None:
    assert callgrind.last_words(tmp_path) is None
    (tmp_path / "log").write_text("==12== \n==12== FATAL: no such tool\n==12== \n")
    assert callgrind.last_words(tmp_path) == "FATAL: no such tool"
