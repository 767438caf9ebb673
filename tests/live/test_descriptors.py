import os
from pathlib import Path

import pytest

from tests.holdings import holdings
from xenperf.abi.kvm import Ioctl
from xenperf.errors import UnavailableError
from xenperf.live import descriptors
from xenperf.live.descriptors import Descriptor, made, new_eventfd, open_device


def test_a_descriptor_is_closed_once_and_with_its_owner() -> None:
    before = holdings()
    told, dropped = new_eventfd(), new_eventfd()
    told.close()
    told.close()
    assert told.fd == -1
    del dropped
    assert holdings() == before


def test_an_eventfd_never_blocks() -> None:
    with new_eventfd() as eventfd, pytest.raises(BlockingIOError):
        os.eventfd_read(eventfd.fd)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("absent", "absent: is not there: no KVM module is loaded, or this machine has no virt"),
        ("folder", "folder: Is a directory; see that it opens"),
        ("file", "file: its API answers ENOTTY instead of version 12; use Linux v2.6.22 or later"),
    ],
)
def test_a_device_that_is_none_says_why_and_leaves_nothing_open(
    path: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(descriptors, "DEVICE", tmp_path / path)
    before = holdings()
    with pytest.raises(UnavailableError) as refused:
        open_device()
    assert told in str(refused.value)
    assert refused.value.remedy
    assert holdings() == before


def test_permission_has_its_own_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(descriptors.os, "open", denied)
    with pytest.raises(UnavailableError, match="permission denied; join the group kvm, or run"):
        open_device()


def test_what_kvm_does_not_make_is_named() -> None:
    before = holdings()
    null = Descriptor(os.open("/dev/null", os.O_RDONLY))
    with pytest.raises(UnavailableError, match=r"^VM: KVM refuses it with ENOTTY$"):
        made("VM", null, Ioctl.CREATE_VM)
    null.close()
    assert holdings() == before
