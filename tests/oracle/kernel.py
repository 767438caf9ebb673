"""Which kernel it is, and what it keeps for each vCPU, in the plainest Python."""

from dataclasses import dataclass

from tests.oracle.cache import CacheOracle


@dataclass
class VcpuOracle:
    """One vCPU's part of the kernel."""

    vcpu_info: CacheOracle
    xen_id: int
    shadow: int = 0
    kicked: bool = False
    clock_due: bool = False
    vector: int = 0
    nr_kicks: int = 0
    nr_injected: int = 0
    nr_clock_updates: int = 0
    timer_port: int = 0
    timer_expires: int = 0
    timer_fires_at: int = 0
    timer_left: bool = False
    """It fired, but its event is left to the vCPU."""

    polled: int | None = None
    """The port polled, -1 for none or many of them; None: no poll."""

    wakes_on_masked: bool = False
    asleep: bool = False
    poll_ends_at: int = 0
    injected_at_poll: int = 0


@dataclass(frozen=True)
class Kernel:
    """In what the three kernels differ, as far as one actor can tell."""

    by_hva: bool = True
    at_once: bool = False
