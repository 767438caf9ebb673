import errno

import pytest

from xenperf.abi.status import Delivery, Status, errno_name, outcome_of


@pytest.mark.parametrize(
    ("status", "number"),
    [
        (Status.OK, 0),
        (Status.EPERM, -1),
        (Status.ENOENT, -2),
        (Status.EIO, -5),
        (Status.ENXIO, -6),
        (Status.EAGAIN, -11),
        (Status.EWOULDBLOCK, -11),
        (Status.ENOMEM, -12),
        (Status.EFAULT, -14),
        (Status.EEXIST, -17),
        (Status.EINVAL, -22),
        (Status.ENOSYS, -38),
        (Status.ENOTCONN, -107),
    ],
)
def test_a_status_carries_the_kernels_number(status: Status, number: int) -> None:
    assert status == number


def test_every_status_agrees_with_this_machines_errno() -> None:
    failures = {name: status for name, status in Status.__members__.items() if name != "OK"}
    assert {name: -getattr(errno, name) for name in failures} == failures


@pytest.mark.parametrize(
    ("delivery", "number"),
    [
        (Delivery.DELIVERED, 1),
        (Delivery.MERGED, 0),
        (Delivery.MASKED, -107),
        (Delivery.WOULD_BLOCK, -11),
    ],
)
def test_a_delivery_carries_the_kernels_number(delivery: Delivery, number: int) -> None:
    assert delivery == number


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0, "OK"),
        (-14, "EFAULT"),
        (-11, "EAGAIN"),
        (-107, "ENOTCONN"),
        (Status.EINVAL, "EINVAL"),
        (-16, "EBUSY"),
        (-4000, "errno 4000"),
    ],
)
def test_a_status_is_named_as_the_kernel_names_it(status: int, name: str) -> None:
    assert errno_name(status) == name


def test_a_positive_status_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="status 14"):
        errno_name(14)


def test_outcomes_are_read_as_signed_words() -> None:
    assert [outcome_of(word) for word in (0, 1, 2**64 - 14)] == [0, 1, -14]
