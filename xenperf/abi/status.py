"""What KVM answers, with the kernel's own values: data to count, never an exception."""

import errno
from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """What an operation returned: 0 or a negative errno.

    Source: Linux v6.12, ``include/uapi/asm-generic/errno-base.h`` and ``errno.h``.
    """

    OK = 0
    EPERM = -1
    ENOENT = -2
    EIO = -5
    ENXIO = -6
    EAGAIN = -11
    EWOULDBLOCK = -11
    ENOMEM = -12
    EFAULT = -14
    EEXIST = -17
    EINVAL = -22
    ENOSYS = -38
    ENOTCONN = -107


class Delivery(IntEnum):
    """What became of one event on the path that never sleeps.

    Source: ``kvm_xen_set_evtchn_fast()``, Linux v6.12, ``arch/x86/kvm/xen.c``. The send ioctl
    folds the first three into 0, so only the model tells them apart.
    """

    DELIVERED = 1
    """The pending bit is newly set and the vCPU is told."""

    MERGED = 0
    """The pending bit was set already: nothing is written."""

    MASKED = Status.ENOTCONN
    """The pending bit is newly set, but the guest masked the port."""

    WOULD_BLOCK = Status.EWOULDBLOCK
    """A cache needs a refresh, which may sleep: nothing is written."""


_WORD: Final = 1 << 64


def outcome_of(word: int) -> int:
    """Return the signed value of an outcome *word*, uint64, as a kernel returned it."""
    return word - _WORD if word >> 63 else word


def errno_name(status: int) -> str:
    """Return the name of a *status* that an operation returned: "EFAULT" for -14, "OK" for 0."""
    if status > 0:
        raise ValueError(f"status {status}: is positive; the kernel returns 0 or a negative errno")
    if status == 0:
        return Status.OK.name
    return errno.errorcode.get(-status, f"errno {-status}")
