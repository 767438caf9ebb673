"""File descriptors, each with one owner, and the way to /dev/kvm."""

import errno
import os
import weakref
from pathlib import Path
from typing import Final, Self

from xenperf.abi.kvm import API_VERSION, Capability, Ioctl
from xenperf.abi.status import errno_name
from xenperf.errors import UnavailableError
from xenperf.live.ioctls import request

DEVICE: Final = Path("/dev/kvm")
_WHY: Final = {
    errno.ENOENT: (
        "is not there: no KVM module is loaded, or this machine has no virtualisation",
        "load kvm-intel or kvm-amd, or use a machine with nested virtualisation",
    ),
    errno.EACCES: ("permission denied", "join the group kvm, or run as root"),
    errno.EPERM: ("permission denied", "allow the device in this container"),
    errno.ENODEV: ("no KVM behind it", "load kvm-intel or kvm-amd"),
    errno.ENXIO: ("no KVM behind it", "load kvm-intel or kvm-amd"),
}


class Descriptor:
    """One open file, closed once: when told to, or with its owner."""

    def __init__(self, fd: int) -> None:
        """Own *fd* from now on."""
        self.fd = fd
        self._close = weakref.finalize(self, os.close, fd)

    def request(self, number: Ioctl, argument: object = 0) -> int:
        """Make an ioctl; return its answer or a negative errno."""
        return request(self.fd, number, argument)  # type: ignore[arg-type]

    def close(self) -> None:
        """Close the file; again does nothing."""
        self._close()
        self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def new_eventfd() -> Descriptor:
    """Return an eventfd that never blocks."""
    return Descriptor(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))


def open_device() -> Descriptor:
    """Open /dev/kvm; ``UnavailableError`` with the reason and the remedy."""
    try:
        device = Descriptor(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        reason, remedy = _WHY.get(error.errno or 0, (str(error.strerror), "see that it opens"))
        raise UnavailableError(str(DEVICE), reason, remedy) from None
    version = device.request(Ioctl.GET_API_VERSION)
    if version != API_VERSION:
        device.close()
        told = errno_name(version) if version < 0 else f"version {version}"
        reason = f"its API answers {told} instead of version {API_VERSION}"
        raise UnavailableError(str(DEVICE), reason, "use Linux v2.6.22 or later")
    return device


def made(thing: str, descriptor: Descriptor, number: Ioctl, argument: int = 0) -> Descriptor:
    """Return the file that a request makes; ``UnavailableError`` names *thing* if it makes none."""
    fd = descriptor.request(number, argument)
    if fd < 0:
        raise UnavailableError(thing, f"KVM refuses it with {errno_name(fd)}")
    return Descriptor(fd)


def capability(descriptor: Descriptor, which: Capability) -> int:
    """Return what KVM has of *which*: 0 for nothing."""
    return max(0, descriptor.request(Ioctl.CHECK_EXTENSION, which))
