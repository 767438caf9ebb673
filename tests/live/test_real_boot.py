"""The verb with QEMU and a kernel: XENPERF_IMAGE names one with its modules beside it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from xenperf.live import kernel_image, qemu

pytestmark = [pytest.mark.live, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
LONGEST_S = 900


def _skip(reason: str) -> None:
    """Skip the test; fail it where a real kernel is demanded."""
    if os.environ.get("XENPERF_LIVE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def image() -> Path:
    """Return a kernel image that can be booted."""
    name = os.environ.get("XENPERF_IMAGE")
    if not name or not Path(name).is_file():
        _skip(f"XENPERF_IMAGE is {name or 'not set'}: no kernel image; see .ci/kernel")
    if shutil.which(qemu.PROGRAM) is None:
        _skip(f"{qemu.PROGRAM}: not found in PATH; apt-get install qemu-system-x86")
    return Path(str(name))


def _boot(folder: Path, image: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the verb with temporary files in *folder*; none may be left, and no emulator."""
    temporary = folder / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "xenperf", "boot", "--kernel", str(image), *words],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(temporary),
            "NUMBA_DISABLE_JIT": "1",  # what is counted needs no compiling
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S + 60,
    )
    assert list(temporary.iterdir()) == []
    assert str(temporary) not in _running()
    return done


def _running() -> str:
    commands = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(entry.read_bytes().decode(errors="replace"))
        except OSError:  # it has ended meanwhile
            continue
    return "\n".join(commands)


def test_a_result_names_the_kernel_and_equals_the_hosts(image: Path, tmp_path: Path) -> None:
    counted = ("run", "--quick", "--only", "overlay_at_once", "--seed", "1")
    words = ("--timeout", str(LONGEST_S), "--", *counted, "-o", "inside.json")
    done = _boot(tmp_path, image, *words)
    assert done.returncode == 0, done.stderr
    assert "inside.json: written; " in done.stderr
    subprocess.run(
        [sys.executable, "-m", "xenperf", *counted, "-o", "outside.json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        cwd=tmp_path,
        check=True,
    )
    inside, outside = (_result(tmp_path / f"{name}.json") for name in ("inside", "outside"))
    assert inside["environment"]["kernel"] == kernel_image.release(image)
    commit = outside["environment"]["commit"]
    assert inside["environment"]["commit"] in (commit, None)  # None: git took more than its 5 s
    assert inside["rows"] == outside["rows"]


def test_the_clock_may_count_instructions(image: Path, tmp_path: Path) -> None:
    done = _boot(tmp_path, image, "--icount", "--timeout", str(LONGEST_S), "--", "list")
    assert done.returncode == 0, done.stderr
    assert "overlay_at_once" in done.stdout


def test_a_kernel_without_its_modules_says_what_it_lacks(image: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / image.name
    alone.parent.mkdir()
    shutil.copyfile(image, alone)
    done = _boot(tmp_path, alone, "--timeout", str(LONGEST_S), "--", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot mount 9p" in done.stderr.splitlines()[-1]
    assert "--modules DIR" in done.stderr.splitlines()[-1]


def test_an_image_cut_short_is_told_from_a_kernel(image: Path, tmp_path: Path) -> None:
    cut = tmp_path / "vmlinuz"
    cut.write_bytes(image.read_bytes()[:3_000_000])
    done = _boot(tmp_path, cut, "--timeout", "60", "--", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the image may be broken" in done.stderr.splitlines()[-1]


def test_a_boot_that_takes_too_long_shows_how_far_it_came(image: Path, tmp_path: Path) -> None:
    done = _boot(tmp_path, image, "--timeout", "4", "--", "list")
    assert done.returncode == 3
    assert "no answer within 4 s, the command had not begun" in done.stderr.splitlines()[-1]


def _result(path: Path) -> Any:
    return json.loads(path.read_text())
