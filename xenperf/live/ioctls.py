"""The one place where Python code makes an ioctl: what the kernel answers is returned, not raised.

Compiled loops make theirs through ``foreign``, by the same rule.
"""

import fcntl
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.kvm import Ioctl


def request(fd: int, number: Ioctl, argument: int | NDArray[Any] = 0) -> int:
    """Make one request; return what it answered, or a negative errno.

    An array is handed over as it lies in memory, and the kernel may write into it. A signal ends a
    request with -EINTR, after Python has handled it.
    """
    passed: Any = argument if isinstance(argument, int) else argument.view(np.uint8)
    try:
        answer: int = fcntl.ioctl(fd, number, passed)
    except OSError as error:
        if error.errno is None:
            raise
        return -error.errno
    return answer
