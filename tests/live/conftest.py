from collections.abc import Iterator

import pytest

from tests.kernels import skipped_if_unavailable
from xenperf.errors import MeasurementError, UnavailableError
from xenperf.hypervisor import VmSize
from xenperf.live.host import LiveHost

SMALL = VmSize(nr_pages=4096, nr_slots=16)


def _opened(*, needs_xen: bool) -> Iterator[LiveHost]:
    with skipped_if_unavailable():
        host = LiveHost(SMALL, needs_xen=needs_xen)
    with host:
        yield host


@pytest.fixture
def slots_host() -> Iterator[LiveHost]:
    """Return a VM whose memslots any KVM can change."""
    yield from _opened(needs_xen=False)


@pytest.fixture
def xen_host() -> Iterator[LiveHost]:
    """Return a VM of a kernel that supports Xen guests."""
    yield from _opened(needs_xen=True)


@pytest.fixture
def guest_host(slots_host: LiveHost) -> LiveHost:
    """Return a VM whose vCPU runs, which nested virtualisation may not allow."""
    with skipped_if_unavailable():
        try:
            slots_host.enter_guest(0)
        except MeasurementError as error:
            raise UnavailableError(error.thing, error.reason) from None
    return slots_host
