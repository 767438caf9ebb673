from pathlib import Path

import pytest

from tests.live.fake_kernels import image_bytes, make_image
from xenperf.errors import UsageError
from xenperf.live import kernel_image


def test_the_release_is_read_from_the_header(tmp_path: Path) -> None:
    image = make_image(tmp_path, "6.12.95+deb12-amd64")
    assert kernel_image.release(image) == "6.12.95+deb12-amd64"


@pytest.mark.parametrize("size", [0, 1, 0x1FF, 0x203])
def test_what_is_cut_short_is_no_kernel(tmp_path: Path, size: int) -> None:
    path = tmp_path / "vmlinuz"
    path.write_bytes(image_bytes()[:size])
    with pytest.raises(UsageError, match="no kernel image for x86"):
        kernel_image.release(path)


def test_the_boot_flag_alone_makes_no_kernel(tmp_path: Path) -> None:
    path = tmp_path / "mbr"
    path.write_bytes(image_bytes().replace(b"HdrS", b"none"))
    with pytest.raises(UsageError, match="no kernel image for x86"):
        kernel_image.release(path)


@pytest.mark.parametrize("pointer", [b"\0\0", b"\xff\xff"])
def test_a_header_without_a_release_is_refused(tmp_path: Path, pointer: bytes) -> None:
    content = bytearray(image_bytes())
    content[0x20E:0x210] = pointer
    path = tmp_path / "vmlinuz"
    path.write_bytes(bytes(content))
    with pytest.raises(UsageError, match="does not tell its release"):
        kernel_image.release(path)


@pytest.mark.parametrize(("name", "why"), [("gone", "No such file"), (".", "Is a directory")])
def test_what_cannot_be_read_is_told_with_the_reason(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        kernel_image.release(tmp_path / name)
    assert "bzImage" in str(caught.value)
