"""Nothing is left of a live VM, however it ended."""

from collections.abc import Callable

import pytest

from tests.holdings import Holdings, holdings
from tests.kernels import skipped_if_unavailable
from xenperf.abi.kvm import Ioctl
from xenperf.errors import UnavailableError
from xenperf.hypervisor import MemoryRegion, VmSize
from xenperf.live import descriptors
from xenperf.live.host import LiveHost
from xenperf.units import PAGE_SIZE, Gpa

pytestmark = pytest.mark.live
SIZE = VmSize(nr_pages=16, nr_slots=4, nr_vcpus=2)
ROUNDS = 50


def _use(host: LiveHost) -> None:
    hva = host.allocate_pages(4)
    host.set_memory_regions([MemoryRegion(0, Gpa(0), 4 * PAGE_SIZE, hva)])
    host.replace_pages(hva)
    host.write(hva, b"content")


def use_and_close() -> None:
    with LiveHost(SIZE, needs_xen=False) as host:
        _use(host)


def use_and_drop() -> None:
    _use(LiveHost(SIZE, needs_xen=False))


def _after(use: Callable[[], None], rounds: int) -> Holdings:
    for _ in range(rounds):
        use()
    return holdings()


@pytest.mark.parametrize("use", [use_and_close, use_and_drop])
def test_many_rounds_leave_no_file_and_no_mapping(use: Callable[[], None]) -> None:
    with skipped_if_unavailable():
        before = _after(use, 1)
    assert _after(use, ROUNDS) == before


def test_what_fails_half_way_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round lets one request more succeed than the last, until a VM can be made."""
    with skipped_if_unavailable():
        before = _after(use_and_close, 1)
    real = descriptors.request
    failures = 0
    for nr_granted in range(20):
        left = [nr_granted]

        def scarce(fd: int, number: Ioctl, argument: object = 0, left: list[int] = left) -> int:
            left[0] -= 1
            return -12 if left[0] < 0 else real(fd, number, argument)  # type: ignore[arg-type]

        monkeypatch.setattr(descriptors, "request", scarce)
        try:
            LiveHost(SIZE, needs_xen=False).close()
        except UnavailableError:
            failures += 1
        assert holdings() == before
    assert 5 <= failures < 20


def test_eventfds_and_vcpu_pages_go_with_the_vm(xen_host: LiveHost) -> None:
    xen_host.close()
    before = holdings()
    with LiveHost(SIZE) as host:
        host.set_irq_route(24, 5)
        host.irqfd_write(24)
        host.enter_guest(0)
        host.enter_guest(1)
    assert holdings() == before
