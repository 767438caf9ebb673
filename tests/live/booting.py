"""Booting kernel images in tests: where they come from, and what must not be left behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xenperf.live import boot as live
from xenperf.live import qemu
from xenperf.live.outputs import redirect

ROOT = Path(__file__).parents[2]
LONGEST_S = 400


def image_of(variable: str) -> Path:
    """Return the image that an environment variable names; skip the test where there is none.

    Where a real kernel is demanded, that is a failure.
    """
    name = os.environ.get(variable)
    if not name or not Path(name).is_file():
        _skip(f"{variable} is {name or 'not set'}: no kernel image; see .ci/kernel")
    if shutil.which(qemu.PROGRAM) is None:
        _skip(f"{qemu.PROGRAM}: not found in PATH; apt-get install qemu-system-x86")
    return Path(str(name))


def _skip(reason: str) -> None:
    if os.environ.get("XENPERF_LIVE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def boot(
    folder: Path, image: Path, *words: str, compiled: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the verb with temporary files in *folder*; none may be left, and no emulator."""
    temporary = folder / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "xenperf", "boot", "--kernel", str(image), *words],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(temporary),
            "NUMBA_DISABLE_JIT": "0" if compiled else "1",  # what is counted needs no compiling
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S + 60,
    )
    assert list(temporary.iterdir()) == []
    assert str(temporary) not in running()
    return done


def pytest_inside(image: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """Boot *image* and run pytest inside, where the verb would run ``xenperf``.

    None of its tests may fail or skip for want of a kernel. Returns the last line it wrote.
    """
    told_inside = live._told_inside

    def told(*arguments: Any) -> dict[str, object]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
        return {**told_inside(*arguments), "command": command, "folder": str(ROOT)}

    monkeypatch.setattr(live, "_told_inside", told)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("XENPERF_LIVE", "1")
    job = live.Job(image, redirect(["list"]), qemu.Machine(2, 2048, hardware=False), LONGEST_S)
    answer = live.boot(job, print)  # shown if the test fails
    assert answer.code == 0, (answer.out, answer.err)
    return answer.out.splitlines()[-1]


def running() -> str:
    """Return the command lines of all processes."""
    commands = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(entry.read_bytes().decode(errors="replace"))
        except OSError:  # it has ended meanwhile
            continue
    return "\n".join(commands)
