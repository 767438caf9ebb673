"""Who raises events beside the send ioctl, and what a scenario may ask of them.

Part of the wall that ``hypervisor`` is: every VM offers this too, and outcomes are the kernel's.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, Protocol

from xenperf.abi.kvm import PRIORITY_2LEVEL, Exit
from xenperf.abi.xen import EvtchnStat

ENDLESS_POLL: Final = "asleep in a poll without a timeout, for which a memslot request would wait"
"""Why a VM makes no memslot request."""


class EventSource(StrEnum):
    """Who raises an event: on it depends what becomes of one that cannot be delivered."""

    SEND = "send"
    """KVM_XEN_HVM_EVTCHN_SEND."""

    IRQFD = "irqfd"
    """A write to an eventfd that is bound to a GSI: a passed-through device's interrupt."""

    IRQ_LINE = "irq_line"
    """KVM_IRQ_LINE_STATUS on such a GSI."""

    TIMER = "timer"
    """The timer VIRQ of a vCPU."""

    GUEST_SEND = "guest_send"
    """EVTCHNOP_send to a port of interdomain type."""

    IPI = "ipi"
    """EVTCHNOP_send to the guest's own port."""


class GuestCall(IntEnum):
    """What a guest's hypercall comes to beside a negative errno."""

    OK = 0
    ASLEEP = 1
    """The vCPU stays in a poll."""

    LEFT_TO_VMM = Exit.XEN
    """KVM_RUN ended, so that the VMM may do it."""


@dataclass(frozen=True, slots=True)
class PortRequest:
    """Attribute EVTCHN: the guest may send to *port*, and its events are delivered elsewhere."""

    port: int
    deliver_port: int = 0
    """0: an eventfd is signalled instead."""

    deliver_vcpu: int = 0
    eventfd: int | None = None
    """One of the VM's own, by number."""

    type: int = EvtchnStat.INTERDOMAIN
    flags: int = 0
    """``EvtchnFlag`` bits; 0 assigns the port."""

    priority: int = PRIORITY_2LEVEL


class EventSources(Protocol):
    """The part of a VM that raises events."""

    def set_irq_route(
        self, gsi: int, port: int, vcpu_idx: int = 0, priority: int = PRIORITY_2LEVEL
    ) -> int:
        """Let *gsi* lead to *port*, and bind an eventfd to it: KVM_SET_GSI_ROUTING, KVM_IRQFD."""

    def irqfd_write(self, gsi: int) -> None:
        """Write 1 to the eventfd of *gsi*; its writer is told nothing."""

    def run_work(self) -> int:
        """Let work that irqfds queued run to its end; how much there was, where that is known."""

    def irq_line(self, gsi: int, level: int = 1) -> int:
        """Raise or lower *gsi*: KVM_IRQ_LINE_STATUS. 1 delivered, 0 merged, -1 anything else."""

    def set_evtchn(self, request: PortRequest) -> int:
        """Register a port for the guest's own sends, change or forget it: attribute EVTCHN."""

    def read_eventfd(self, eventfd: int) -> int:
        """Return how often one of the VM's eventfds was signalled since the last read."""

    def now_ns(self) -> int:
        """Return the guest's clock."""

    def advance_time(self, ns: int) -> int:
        """Let *ns* pass; how many timers fired, where that is known."""

    def set_timer(
        self, vcpu_idx: int, port: int, expires_ns: int, priority: int = PRIORITY_2LEVEL
    ) -> int:
        """Let a vCPU's timer raise *port* at *expires_ns*, 0 for never: attribute TIMER."""

    def get_timer(self, vcpu_idx: int) -> int:
        """Return when a vCPU's timer expires; 0: it is off."""

    def guest_send(self, vcpu_idx: int, port: int) -> int:
        """Let a vCPU enter the guest and send *port*: EVTCHNOP_send. ``GuestCall`` or -errno.

        The guest's own code and arguments lie where no memslot request touches them.
        """

    def guest_set_timer(self, vcpu_idx: int, expires_ns: int) -> int:
        """Let a vCPU enter the guest and set its timer, 0 to stop it: set_timer_op."""

    def guest_poll(self, vcpu_idx: int, ports: list[int], timeout_ns: int = 0) -> int:
        """Let a vCPU enter the guest and sleep until a port is pending: SCHEDOP_poll.

        ``GuestCall.ASLEEP`` if it does sleep; a timeout of 0 is none.
        """

    def poll_result(self, vcpu_idx: int) -> int:
        """Return 0 once a vCPU has woken from its poll; ``GuestCall.ASLEEP`` until then."""
