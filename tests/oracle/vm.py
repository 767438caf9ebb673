"""A whole VM in the plainest Python: what ``Hypervisor`` promises, slowly and obviously.

It follows the kernels' rules for one actor at a time, so it knows no lock and no order of stores.
"""

from collections.abc import Sequence

from tests.oracle.kernel import VcpuOracle
from tests.oracle.pages import is_set
from tests.oracle.sources import SourcesOracle
from xenperf.abi.kvm import PRIORITY_2LEVEL
from xenperf.abi.status import Status
from xenperf.abi.xen import MAX_POLLED_PORTS, Hypercall, SchedOp
from xenperf.sources import GuestCall

FAR_NS, NOT_TOO_SOON_NS = 1 << 50, 100_000_000


class VmOracle(SourcesOracle):
    """The VM with time and a guest that runs."""

    # Time.

    def now_ns(self) -> int:
        return self.now

    def advance_time(self, ns: int) -> int:
        self.now += ns
        fired = 0
        for vcpu in self.vcpus:
            if 0 < vcpu.poll_ends_at <= self.now:
                vcpu.poll_ends_at = 0
                self.kick(vcpu)
                self.seen["poll timed out"] += 1
                fired += 1
            if 0 < vcpu.timer_fires_at <= self.now:
                self._fire(vcpu)
                fired += 1
        return fired

    def set_timer(
        self, vcpu_idx: int, port: int, expires_ns: int, priority: int = PRIORITY_2LEVEL
    ) -> int:
        vcpu = self.vcpus[vcpu_idx]
        if port and priority != PRIORITY_2LEVEL:
            return Status.EINVAL
        self._stop_timer(vcpu)
        vcpu.timer_port = port
        if port and expires_ns:
            self._start_timer(vcpu, expires_ns)
        return Status.OK

    def get_timer(self, vcpu_idx: int) -> int:
        vcpu = self.vcpus[vcpu_idx]
        self.inject_timer(vcpu)
        return vcpu.timer_expires

    def _start_timer(self, vcpu: VcpuOracle, expires: int) -> None:
        self._stop_timer(vcpu)
        vcpu.timer_expires = expires
        if self._is_ahead(expires):
            vcpu.timer_fires_at = expires
        else:
            self._fire(vcpu)

    def _is_ahead(self, expires: int) -> bool:
        """Tell whether a time lies in the future, as the difference of signed 64-bit times."""
        return 0 < (expires - self.now) % (1 << 64) < 1 << 63

    def _stop_timer(self, vcpu: VcpuOracle) -> None:
        vcpu.timer_expires, vcpu.timer_fires_at, vcpu.timer_left = 0, 0, False

    def _fire(self, vcpu: VcpuOracle) -> None:
        """Try at once; only an event that would have to sleep is left to the vCPU."""
        vcpu.timer_fires_at = 0
        rc = self.note("timer", self.set_evtchn_fast(vcpu, vcpu.timer_port))
        if rc == Status.EWOULDBLOCK:
            vcpu.timer_left = True
            self.kick(vcpu)
        else:
            vcpu.timer_expires = 0

    # The guest's calls. A call that the kernel answers makes the vCPU go round once more.

    def guest_send(self, vcpu_idx: int, port: int) -> int:
        self.enter_guest(vcpu_idx)
        return self.note("guest send", self._answer(vcpu_idx, self.pass_on(port)))

    def guest_set_timer(self, vcpu_idx: int, expires_ns: int) -> int:
        """Set the timer as set_timer_op: times that look like a mistake come 100 ms from now."""
        self.enter_guest(vcpu_idx)
        vcpu = self.vcpus[vcpu_idx]
        if not vcpu.timer_port:
            return GuestCall.LEFT_TO_VMM
        if expires_ns >= 1 << 63 or expires_ns - self.now >= FAR_NS:
            expires_ns = self.now + NOT_TOO_SOON_NS
            self.seen["timer, not too soon"] += 1
        if expires_ns:
            self._start_timer(vcpu, expires_ns)
        else:
            self._stop_timer(vcpu)
        return self._answer(vcpu_idx, GuestCall.OK)

    def guest_set_singleshot(self, vcpu_idx: int, expires_ns: int | None, vcpu_id: int = 0) -> int:
        self.enter_guest(vcpu_idx)
        vcpu = self.vcpus[vcpu_idx]
        if not vcpu.timer_port:
            return GuestCall.LEFT_TO_VMM
        rc = int(Status.OK) if vcpu_id == vcpu.xen_id else Status.EINVAL
        if rc == Status.OK and expires_ns is None:
            self._stop_timer(vcpu)
        elif rc == Status.OK and expires_ns is not None:
            self._start_timer(vcpu, expires_ns)
        return self._answer(vcpu_idx, self.note("singleshot", rc))

    def guest_poll(self, vcpu_idx: int, ports: Sequence[int], timeout_ns: int = 0) -> int:
        self.enter_guest(vcpu_idx)
        vcpu, nr_ports = self.vcpus[vcpu_idx], self.layout.nr_ports
        if len(ports) > MAX_POLLED_PORTS or any(port >= nr_ports for port in ports):
            return self.note("poll", self._answer(vcpu_idx, Status.EINVAL))
        vcpu.polled = ports[0] if len(ports) == 1 else -1
        vcpu.wakes_on_masked = True
        if self._sees_pending(ports):
            return self.poll_result(vcpu_idx)
        vcpu.asleep, vcpu.injected_at_poll = True, vcpu.nr_injected
        vcpu.poll_ends_at = self.now + timeout_ns if timeout_ns else 0
        return self.note("poll", self.poll_result(vcpu_idx))

    def _sees_pending(self, ports: Sequence[int]) -> bool:
        """Tell whether one is pending, masked or not; where that cannot be seen, it counts so."""
        if not self.shinfo.is_usable():
            self.seen["poll of what cannot be seen"] += 1
            return True
        return any(is_set(self.shinfo.frame, self.layout.pending_offset, port) for port in ports)

    def poll_result(self, vcpu_idx: int) -> int:
        vcpu = self.vcpus[vcpu_idx]
        if vcpu.asleep and not self._has_reason_to_run(vcpu):
            return GuestCall.ASLEEP
        vcpu.asleep, vcpu.polled, vcpu.wakes_on_masked, vcpu.poll_ends_at = False, None, False, 0
        return self._answer(vcpu_idx, GuestCall.OK)

    def check_polls_end(self) -> None:
        if any(not vcpu.poll_ends_at for vcpu in self._sleepers()):
            self.seen["memslot request that would not return"] += 1
            raise ValueError("asleep in a poll without a timeout")

    def let_polls_end(self) -> None:
        while sleepers := self._sleepers():
            self.seen["memslot request that waits for a poll"] += 1
            timers = [vcpu.timer_fires_at for vcpu in self.vcpus if vcpu.timer_fires_at]
            first = min([vcpu.poll_ends_at for vcpu in sleepers] + timers)
            self.advance_time(first - self.now)

    def _sleepers(self) -> list[VcpuOracle]:
        for idx, vcpu in enumerate(self.vcpus):
            if vcpu.asleep:
                self.poll_result(idx)
        return [vcpu for vcpu in self.vcpus if vcpu.asleep]

    def _has_reason_to_run(self, vcpu: VcpuOracle) -> bool:
        reasons = {
            "shadow": vcpu.shadow != 0,
            "timer": vcpu.timer_left,
            "vector": vcpu.nr_injected != vcpu.injected_at_poll,
            "kick": vcpu.kicked,
        }
        self.seen.update(f"woken by {name}" for name, holds in reasons.items() if holds)
        return any(reasons.values())

    def hypercall(self, vcpu_idx: int, number: int, *parameters: int) -> int:
        """Answer calls of a guest that is running, with a pointer that leads nowhere, if any."""
        rc: int = GuestCall.LEFT_TO_VMM
        if number == Hypercall.SCHED_OP and parameters[0] == SchedOp.YIELD:
            rc = GuestCall.OK
        elif number in (Hypercall.SCHED_OP, Hypercall.EVENT_CHANNEL_OP):
            rc = Status.EFAULT
        return self._answer(vcpu_idx, rc)

    def _answer(self, vcpu_idx: int, rc: int) -> int:
        if rc not in (GuestCall.LEFT_TO_VMM, GuestCall.ASLEEP):
            self.go_round(self.vcpus[vcpu_idx])
        return rc
