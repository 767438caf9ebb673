import os
import subprocess
from pathlib import Path

import pytest

from xenperf.live import guest_init
from xenperf.live.boot import BOOTED, Job, _environment, _told_inside
from xenperf.live.outputs import redirect
from xenperf.live.qemu import Machine
from xenperf.measure import environment as measured

PATH = {"PATH": os.environ["PATH"]}
EMULATED = Machine(1, 512, hardware=False)
HARDWARE = Machine(1, 512, hardware=True)


def test_the_vm_learns_what_shapes_a_result_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SECRET_TOKEN", "NUMBA_OPT", "LC_ALL", "XENPERF_X"):
        monkeypatch.setenv(name, name)
    known = _environment(HARDWARE)
    assert {"NUMBA_OPT", "LC_ALL", "XENPERF_X", "PATH"} <= known.keys()
    assert "SECRET_TOKEN" not in known


def test_the_package_that_runs_here_comes_first_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/else/where")
    package, rest = _environment(EMULATED)["PYTHONPATH"].split(":")
    assert rest == "/else/where"
    assert guest_init.__file__.startswith(f"{package}/xenperf/")


def test_emulated_code_is_compiled_for_any_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CPU_NAME", raising=False)
    assert _environment(EMULATED)["NUMBA_CPU_NAME"] == "generic"
    assert "NUMBA_CPU_NAME" not in _environment(HARDWARE)
    monkeypatch.setenv("NUMBA_CPU_NAME", "znver3")
    assert _environment(EMULATED)["NUMBA_CPU_NAME"] == "znver3"  # the user's word counts


def test_inside_the_cache_and_temporary_files_are_where_the_vm_may_write() -> None:
    machine = Machine(1, 512, hardware=False, counts_instructions=True)
    job = Job(Path("vmlinuz"), redirect(["list"]), machine, timeout_s=1)
    told = _told_inside(job, machine, {"XENPERF_CACHE_DIR": "/x", "A": "b", **PATH})
    environment = told["environment"]
    assert isinstance(environment, dict)
    assert environment["XENPERF_CACHE_DIR"] == guest_init.CACHE
    assert environment["TMPDIR"] == guest_init.TEMPORARY
    assert environment["A"] == "b"
    assert environment[BOOTED] == "emulation, a clock that counts instructions"
    assert BOOTED == measured.BOOTED
    git = ["git", "config", "--get", "core.checkStat"]
    assert subprocess.run(git, env=environment, capture_output=True).stdout == b"minimal\n"
    command = told["command"]
    assert isinstance(command, list)
    assert command[1:] == ["-m", "xenperf", "list"]
