"""A kernel whose KVM has no Xen support: XENPERF_IMAGE_WITHOUT_XEN names one."""

from pathlib import Path

import pytest

from tests.live.booting import LONGEST_S, boot, image_of, pytest_inside

pytestmark = [pytest.mark.live, pytest.mark.slow]


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
    last = pytest_inside(image, monkeypatch, "tests/live/test_memslots.py")
    assert " passed" in last
    assert "skipped" not in last
