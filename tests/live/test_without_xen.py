"""A kernel whose KVM has no Xen support: XENPERF_IMAGE_WITHOUT_XEN names one."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live.booting import LONGEST_S, ROOT, boot, image_of
from xenperf.live import boot as live
from xenperf.live import qemu
from xenperf.live.outputs import redirect

pytestmark = [pytest.mark.live, pytest.mark.slow]
MEMSLOTS = "tests/live/test_memslots.py"


@pytest.fixture
def image() -> Path:
    """Return the image of such a kernel."""
    return image_of("XENPERF_IMAGE_WITHOUT_XEN")


def test_the_cases_end_with_why_and_what_to_do(image: Path, tmp_path: Path) -> None:
    words = ("--timeout", str(LONGEST_S), "--", "cases", "--backend", "live")
    done = boot(tmp_path, image, *words)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1] == (
        "xenperf: backend live: the running kernel's KVM has no Xen support (KVM_CAP_XEN_HVM is "
        "0x0); boot a kernel with CONFIG_KVM_XEN=y, in a VM with xenperf boot"
    )


def test_its_memslots_are_changed_all_the_same(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run the tests of memslots inside, where the verb would run ``xenperf``."""
    told_inside = live._told_inside

    def told(*arguments: Any) -> dict[str, object]:
        pytest_inside = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", MEMSLOTS]
        return {**told_inside(*arguments), "command": pytest_inside, "folder": str(ROOT)}

    monkeypatch.setattr(live, "_told_inside", told)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.setenv("XENPERF_LIVE", "1")  # none may be skipped
    job = live.Job(image, redirect(["list"]), qemu.Machine(2, 2048, False), LONGEST_S)
    said: list[str] = []
    answer = live.boot(job, said.append)
    assert answer.code == 0, (answer.out, answer.err, said)
    assert " passed" in answer.out.splitlines()[-1]
    assert "skipped" not in answer.out.splitlines()[-1]
    assert os.uname().release not in "".join(said)
