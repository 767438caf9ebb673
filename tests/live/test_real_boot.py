"""The verb with QEMU and a kernel: XENPERF_IMAGE names one with its modules beside it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live.booting import LONGEST_S, ROOT, boot, image_of, pytest_inside
from xenperf.live import kernel_image

pytestmark = [pytest.mark.live, pytest.mark.slow]

COUNTED = ("send.delivered", "send.masked", "shinfo.activate_again", "shinfo.off_and_on")


@pytest.fixture
def image() -> Path:
    """Return a kernel image that can be booted."""
    return image_of("XENPERF_IMAGE")


def test_a_result_names_the_kernel_and_equals_the_hosts(image: Path, tmp_path: Path) -> None:
    counted = ("run", "--quick", "--only", "overlay_at_once", "--seed", "1")
    words = ("--timeout", str(LONGEST_S), "--", *counted, "-o", "inside.json")
    done = boot(tmp_path, image, *words)
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


def test_what_is_tested_on_a_real_kernel_holds_inside(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("races", "loops", "vcpu", "polls", "steady_clock", "memslots")
    modules = [f"tests/live/test_{name}.py" for name in names]
    every_scenario = "tests/conformance/test_scenarios.py"
    assert " passed" in pytest_inside(image, monkeypatch, *modules, every_scenario)


def test_under_load_the_bounds_hold_and_the_loops_are_compiled(image: Path, tmp_path: Path) -> None:
    chosen = ("--seconds", "1", "--source", "send", "--source", "irqfd", "--format", "json")
    words = ("--timeout", str(LONGEST_S), "--", "load", *chosen)
    done = boot(tmp_path, image, *words, compiled=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert all(each["compiled"] and each["nr_cycles"] for each in found["windows"])
    assert all(each["holds"] for each in found["bounds"])
    total = {
        (row["source"], row["activation"]): row for row in found["rows"] if row["phase"] == "all"
    }
    assert total["send", "gpa"]["returned"] > 0
    assert total["irqfd", "gpa"]["lost"] > 0
    assert total["send", "hva"]["delivered"] > 0


def test_the_clock_may_count_instructions(image: Path, tmp_path: Path) -> None:
    done = boot(tmp_path, image, "--icount", "--timeout", str(LONGEST_S), "--", "list")
    assert done.returncode == 0, done.stderr
    assert "overlay_at_once" in done.stdout


def test_counts_of_sends_and_activations_repeat_from_boot_to_boot(
    image: Path, tmp_path: Path
) -> None:
    words = ["series", "--icount", "--boots", "1", "--no-cases", "--timeout", str(LONGEST_S)]
    words += [word for label in "ab" for word in ("--kernel", f"{label}={image}")]
    words += [word for name in COUNTED for word in ("--only", name)]
    done = subprocess.run(
        [sys.executable, "-m", "xenperf", *words, "-o", "counts.json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * LONGEST_S + 60,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: some cost takes more by HVA than by GPA
    report = _result(tmp_path / "counts.json")
    assert "emulation, a clock that counts instructions" in report["environment"]["booted"]
    rows = [row for row in report["rows"] if row["sides"] == ["a", "b"]]
    assert {row["benchmark"] for row in rows} == {*COUNTED}
    assert {(row["unit"].partition("/")[0], row["metric"]) for row in rows} == {
        ("instr", "instructions")
    }
    assert [row["a"] for row in rows] == [row["b"] for row in rows]  # to the instruction


def test_a_kernel_without_its_modules_says_what_it_lacks(image: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone" / image.name
    alone.parent.mkdir()
    shutil.copyfile(image, alone)
    done = boot(tmp_path, alone, "--timeout", str(LONGEST_S), "--", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot mount 9p" in done.stderr.splitlines()[-1]
    assert "--modules DIR" in done.stderr.splitlines()[-1]


def test_an_image_cut_short_is_told_from_a_kernel(image: Path, tmp_path: Path) -> None:
    cut = tmp_path / "vmlinuz"
    cut.write_bytes(image.read_bytes()[:3_000_000])
    done = boot(tmp_path, cut, "--timeout", "60", "--", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the image may be broken" in done.stderr.splitlines()[-1]


def test_a_boot_that_takes_too_long_shows_how_far_it_came(image: Path, tmp_path: Path) -> None:
    done = boot(tmp_path, image, "--timeout", "4", "--", "list")
    assert done.returncode == 3
    assert "no answer within 4 s, the command had not begun" in done.stderr.splitlines()[-1]


def _result(path: Path) -> Any:
    return json.loads(path.read_text())
