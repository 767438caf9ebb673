"""Devices and registered ports in the plainest Python: who may raise which event where."""

from dataclasses import dataclass, field

from tests.oracle.delivery import DeliveryOracle
from xenperf.abi.kvm import PRIORITY_2LEVEL, EvtchnFlag
from xenperf.abi.status import Status
from xenperf.abi.xen import EvtchnStat
from xenperf.sources import GuestCall, PortRequest

NR_GSIS, NR_EVENTFDS = 256, 64
EBADF = -9
LOST = -1


@dataclass
class Registered:
    """Where the guest's own sends to a port go."""

    type: int
    port: int
    vcpu: int
    eventfd: int


@dataclass
class SourcesOracle(DeliveryOracle):
    """A VM with the sources that are set up beforehand."""

    routes: dict[int, tuple[int, int]] = field(default_factory=dict)
    """GSI to port and vCPU."""

    queued: set[int] = field(default_factory=set)
    ports: dict[int, Registered] = field(default_factory=dict)
    eventfds: dict[int, int] = field(default_factory=dict)

    # Devices.

    def set_irq_route(
        self, gsi: int, port: int, vcpu_idx: int = 0, priority: int = PRIORITY_2LEVEL
    ) -> int:
        if gsi >= NR_GSIS or priority != PRIORITY_2LEVEL:
            return Status.EINVAL
        self.routes[gsi] = (port, vcpu_idx)
        return Status.OK

    def irqfd_write(self, gsi: int) -> None:
        """Only an event that would have to sleep is queued; all other outcomes are forgotten."""
        rc = Status.EWOULDBLOCK
        if gsi in self.routes:
            port, vcpu_idx = self.routes[gsi]
            rc = Status.EINVAL
            if vcpu_idx < self.nr_vcpus:
                rc = self.set_evtchn_fast(self.vcpus[vcpu_idx], port)
        if self.note("irqfd", rc) == Status.EWOULDBLOCK:
            self.queued.add(gsi)

    def run_work(self) -> int:
        queued, self.queued = sorted(self.queued), set()
        for gsi in queued:
            self.note("irqfd, later", self._set_irq(gsi))
        return len(queued)

    def irq_line(self, gsi: int, level: int = 1) -> int:
        return self.note("irq line", self._set_irq(gsi) if level else LOST)

    def _set_irq(self, gsi: int) -> int:
        port, vcpu_idx = self.routes.get(gsi, (0, self.nr_vcpus))
        if vcpu_idx >= self.nr_vcpus:
            return LOST
        return max(LOST, self.set_evtchn_slow(self.vcpus[vcpu_idx], port))

    # Ports that the guest may send to.

    def set_evtchn(self, request: PortRequest) -> int:
        return self.note(f"port {request.flags}", self._set_evtchn(request))

    def _set_evtchn(self, request: PortRequest) -> int:
        if request.flags == EvtchnFlag.RESET:
            self.ports.clear()
            return Status.OK
        if not 0 < request.port < self.layout.nr_ports:
            return Status.EINVAL
        if request.flags == EvtchnFlag.DEASSIGN:
            return Status.ENOENT if self.ports.pop(request.port, None) is None else Status.OK
        # the attribute has one field for the eventfd and the vCPU
        either = request.deliver_vcpu if request.eventfd is None else request.eventfd
        if request.flags == EvtchnFlag.UPDATE:
            return self._update(request, either)
        return Status.EINVAL if request.flags else self._assign(request, either)

    def _assign(self, request: PortRequest, either: int) -> int:
        to_eventfd = request.type == EvtchnStat.INTERDOMAIN and request.deliver_port == 0
        if request.type == EvtchnStat.IPI:
            if request.deliver_port != request.port:
                return Status.EINVAL
        elif request.type != EvtchnStat.INTERDOMAIN or request.deliver_port >= self.layout.nr_ports:
            return Status.EINVAL
        if to_eventfd and either >= NR_EVENTFDS:
            return EBADF
        if not to_eventfd and request.priority != PRIORITY_2LEVEL:
            return Status.EINVAL
        if request.port in self.ports:
            return Status.EEXIST
        self.ports[request.port] = Registered(request.type, request.deliver_port, either, either)
        return Status.OK

    def _update(self, request: PortRequest, vcpu: int) -> int:
        old = self.ports.get(request.port)
        if old is None:
            return Status.ENOENT
        same = (old.type, old.port) == (request.type, request.deliver_port)
        if not same or not old.port or request.priority != PRIORITY_2LEVEL:
            return Status.EINVAL
        old.vcpu = vcpu
        return Status.OK

    def read_eventfd(self, eventfd: int) -> int:
        return self.eventfds.pop(eventfd, 0)

    def pass_on(self, port: int) -> int:
        target = self.ports.get(port)
        if target is None:
            return GuestCall.LEFT_TO_VMM
        if not target.port:
            self.eventfds[target.eventfd] = self.eventfds.get(target.eventfd, 0) + 1
            self.seen["eventfd signalled"] += 1
            return GuestCall.OK
        if target.vcpu >= self.nr_vcpus:
            return GuestCall.LEFT_TO_VMM
        rc = self.set_evtchn_slow(self.vcpus[target.vcpu], target.port)
        return GuestCall.OK if rc in (0, 1, Status.ENOTCONN) else GuestCall.LEFT_TO_VMM
