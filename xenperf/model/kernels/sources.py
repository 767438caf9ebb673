"""Single requests to the event sources: routes, irqfd, ports, timer, hypercalls, poll."""

from xenperf.jit import kernel
from xenperf.model import hypercall, irqfd, ports, routes, timer
from xenperf.words import Word


@kernel
def set_gsi_route(vm: Word, entry: Word) -> Word:
    """Set or remove the route of one GSI; *entry* is KVM's structure. 0 or -EINVAL."""
    return routes.set_route(vm, entry)


@kernel
def set_irq_line(vm: Word, cpu: Word, gsi: Word, level: Word) -> Word:
    """Raise or lower a GSI and return its status: KVM_IRQ_LINE_STATUS."""
    return routes.set_irq(vm, cpu, gsi, level)


@kernel
def signal_irqfd(vm: Word, cpu: Word, gsi: Word, count: Word) -> Word:
    """Write to the eventfd of a GSI that exists; returns what the wakeup got."""
    return irqfd.signal(vm, cpu, gsi, count)


@kernel
def run_irqfd_work(vm: Word, cpu: Word) -> Word:
    """Run the work items that are queued; return how many there were."""
    return irqfd.run_work(vm, cpu)


@kernel
def set_evtchn_attr(vm: Word, attr: Word) -> Word:
    """Set attribute EVTCHN; *attr* is KVM's structure. 0 or -errno."""
    return ports.set_evtchn_attr(vm, attr)


@kernel
def set_timer(vm: Word, cpu: Word, vcpu: Word, port: Word, priority: Word, expires: Word) -> Word:
    """Set attribute TIMER. 0 or -EINVAL."""
    return timer.set_timer(vm, cpu, vcpu, port, priority, expires)


@kernel
def get_timer(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Read attribute TIMER: when it expires."""
    return timer.get_timer(vm, cpu, vcpu)


@kernel
def advance_time(vm: Word, cpu: Word, ns: Word) -> Word:
    """Move the clock on; return how many timers fired."""
    return timer.advance_time(vm, cpu, ns)


@kernel
def guest_hypercall(
    vm: Word, cpu: Word, vcpu: Word, number: Word, p0: Word, p1: Word, p2: Word
) -> Word:
    """Let the guest, which is running, make a hypercall; returns its answer."""
    return hypercall.hypercall(vm, cpu, vcpu, number, p0, p1, p2)


@kernel
def wake_poller(vm: Word, cpu: Word, vcpu: Word) -> Word:
    """Ask whether the vCPU's poll is over: 0, or RC_ASLEEP."""
    return hypercall.wake(vm, cpu, vcpu)
