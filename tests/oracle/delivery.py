"""How an event gets to a vCPU, in the plainest Python: bits in two pages, and a shadow."""

from tests.oracle.kernel import VcpuOracle
from tests.oracle.pages import get_bits, is_set, put_bits, set_bit
from tests.oracle.vmm import VmmOracle, move_version
from xenperf.abi.status import Status


class DeliveryOracle(VmmOracle):
    """A VM whose events can be sent, and whose vCPUs can be taken to guest entry."""

    def deliver(self, vcpu_idx: int, port: int) -> int:
        """Send as the ioctl does: 1 delivered, 0 merged, or a negative errno."""
        if not 0 < port < self.layout.nr_ports or vcpu_idx >= self.nr_vcpus:
            return self.note("send, bad argument", Status.EINVAL)
        return self.note("send", self.set_evtchn_slow(self.vcpus[vcpu_idx], port))

    def set_evtchn_slow(self, vcpu: VcpuOracle, port: int) -> int:
        """Deliver, refreshing the cache of shared_info if need be."""
        rc = self.set_evtchn_fast(vcpu, port)
        if rc == Status.EWOULDBLOCK:
            self.counts["nr_slow_sends"] += 1
            rc = self.shinfo.refresh() or self.set_evtchn_fast(vcpu, port)
        return rc

    def set_evtchn_fast(self, vcpu: VcpuOracle, port: int) -> int:
        """Deliver without refreshing anything; -EWOULDBLOCK where that is needed."""
        if not self.kernel.by_hva and not vcpu.vcpu_info.active:
            self.seen["refused: vcpu_info is off"] += 1
            return Status.EINVAL
        if port >= self.layout.nr_ports:
            return Status.EINVAL
        if not self.shinfo.is_usable():
            return Status.EWOULDBLOCK
        if not set_bit(self.shinfo.frame, self.layout.pending_offset, port):
            return 0
        if self.shinfo.is_elsewhere():
            self.seen["wrong page"] += 1
        if is_set(self.shinfo.frame, self.layout.mask_offset, port):
            self._wake_poller(vcpu, port)
            return Status.ENOTCONN
        self._select(vcpu, port // self.layout.word_bits)
        return 1

    def kick(self, vcpu: VcpuOracle) -> None:
        """Make a vCPU look."""
        vcpu.kicked = True
        vcpu.nr_kicks += 1

    def _wake_poller(self, vcpu: VcpuOracle, port: int) -> None:
        if vcpu.polled in (-1, port) and vcpu.wakes_on_masked:
            vcpu.wakes_on_masked = False
            self.seen["masked, but polled"] += 1
            self.kick(vcpu)

    def _select(self, vcpu: VcpuOracle, word: int) -> None:
        """Set the selector's bit, or the shadow's where vcpu_info may not be written now."""
        if not vcpu.vcpu_info.is_usable():
            is_new = not vcpu.shadow & 1 << word
            vcpu.shadow |= 1 << word
            self.seen["shadowed" if is_new else "shadowed before"] += 1
            if is_new:
                self.kick(vcpu)
            return
        frame, start = vcpu.vcpu_info.frame, vcpu.vcpu_info.offset()
        if not set_bit(frame, start + self.layout.vcpu_info.pending_sel, word):
            self.seen["selected before"] += 1
            return
        frame[start] = 1
        self.seen["selected"] += 1
        if vcpu.vector:
            self._inject(vcpu)
        else:
            self.kick(vcpu)

    def _inject(self, vcpu: VcpuOracle) -> None:
        vcpu.nr_injected += 1
        self.seen["vector injected"] += 1

    def inject_timer(self, vcpu: VcpuOracle) -> None:
        """Deliver what the timer left; whether that succeeds is not looked at."""
        if vcpu.timer_left:
            self.note("timer, injected", self.set_evtchn_slow(vcpu, vcpu.timer_port))
            vcpu.timer_left, vcpu.timer_expires = False, 0

    # The vCPU.

    def enter_guest(self, vcpu_idx: int) -> bool:
        """Go round as long as somebody kicks; tell whether an upcall would interrupt the guest."""
        vcpu = self.vcpus[vcpu_idx]
        while True:
            kicked = vcpu.kicked
            if vcpu.clock_due:
                vcpu.clock_due = False
                self._update_time(vcpu)
            if not kicked:
                return bool(self.note("has interrupt", self._has_interrupt(vcpu)))
            self.go_round(vcpu)

    def go_round(self, vcpu: VcpuOracle) -> None:
        """Do what the kernel does between two turns: the kick is used up, then come the events."""
        vcpu.kicked = False
        self._merge(vcpu)
        self.inject_timer(vcpu)

    def _merge(self, vcpu: VcpuOracle) -> None:
        """Move the shadow into the selector: all of it, or the lower half in a 32-bit guest."""
        if not vcpu.shadow:
            return
        if not self._reach(vcpu):
            self.seen["merge failed"] += 1
            return
        frame, start = vcpu.vcpu_info.frame, vcpu.vcpu_info.offset()
        at, nr_bytes = start + self.layout.vcpu_info.pending_sel, self.layout.word_bits // 8
        moved = vcpu.shadow % (1 << self.layout.word_bits)
        put_bits(frame, at, nr_bytes, get_bits(frame, at, nr_bytes) | moved)
        vcpu.shadow -= moved
        frame[start] = 1
        self.mark_dirty(vcpu.vcpu_info)
        self.seen["merge" if not vcpu.shadow else "merge of the lower half"] += 1
        if vcpu.vector:
            self._inject(vcpu)

    def _has_interrupt(self, vcpu: VcpuOracle) -> int:
        if not self.vector or not vcpu.vcpu_info.active or not self._reach(vcpu):
            return 0
        return int(vcpu.vcpu_info.frame[vcpu.vcpu_info.offset()] != 0)

    def _update_time(self, vcpu: VcpuOracle) -> None:
        vcpu.nr_clock_updates += 1
        if vcpu.vcpu_info.active and self._reach(vcpu):
            start = vcpu.vcpu_info.offset()
            move_version(vcpu.vcpu_info.frame, start + self.layout.vcpu_info.time)
            self.mark_dirty(vcpu.vcpu_info)

    def _reach(self, vcpu: VcpuOracle) -> bool:
        """Tell whether vcpu_info can be used, after a refresh if need be."""
        return vcpu.vcpu_info.is_usable() or vcpu.vcpu_info.refresh() == Status.OK

    # The guest.

    def handle(self, page: int, vcpu_info: int) -> list[int]:
        """Let the guest's handler run over its pages at these HVAs; return the ports it found."""
        shared, info = self.pages.for_writing(page), self.pages.for_writing(vcpu_info)
        assert shared is not None
        assert info is not None
        at = vcpu_info % 4096 + self.layout.vcpu_info.pending_sel
        selector = get_bits(info, at, self.layout.word_bits // 8)
        info[vcpu_info % 4096] = 0
        put_bits(info, at, self.layout.word_bits // 8, 0)
        found = [
            port
            for port in range(self.layout.nr_ports)
            if selector & 1 << port // self.layout.word_bits
            and is_set(shared, self.layout.pending_offset, port)
            and not is_set(shared, self.layout.mask_offset, port)
        ]
        for port in found:
            shared[self.layout.pending_offset + port // 8] ^= 1 << port % 8
        return found
