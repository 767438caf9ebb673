from typing import Any

import numpy as np
import pytest

from xenperf.abi.kvm import Ioctl
from xenperf.live import ioctls
from xenperf.live.ioctls import request


def test_a_refusal_is_returned_as_a_negative_errno() -> None:
    with open("/dev/null") as null:
        assert request(null.fileno(), Ioctl.GET_API_VERSION) == -25  # ENOTTY
    assert request(1 << 20, Ioctl.GET_API_VERSION) == -9  # EBADF


def test_an_array_is_passed_as_it_lies_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def kernel(fd: int, number: int, argument: Any) -> int:
        seen.append((fd, number, bytes(argument)))
        argument[0] = 9
        return 3

    monkeypatch.setattr(ioctls.fcntl, "ioctl", kernel)
    overlapping = np.zeros(
        1,
        np.dtype(
            {"names": ["a", "b"], "formats": ["<u4", "<u2"], "offsets": [0, 0], "itemsize": 6}
        ),
    )
    overlapping["a"] = 0x01020304
    assert request(5, Ioctl.RUN, overlapping) == 3
    assert seen == [(5, Ioctl.RUN, b"\x04\x03\x02\x01\x00\x00")]
    assert overlapping["b"][0] == 0x0309


def test_an_error_without_a_number_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(fd: int, number: int, argument: Any) -> int:
        raise OSError("no number")

    monkeypatch.setattr(ioctls.fcntl, "ioctl", broken)
    with pytest.raises(OSError, match="no number"):
        request(0, Ioctl.RUN)
