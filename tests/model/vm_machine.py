"""Any sequence of operations on a VM, by its VMM, its guest, its devices and time."""

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model import vm_draws as draws
from tests.model.vm_draws import PORTS, VCPUS, Place, Slot
from tests.model.vm_pair import VmPair
from xenperf.abi.kvm import MemslotFlag
from xenperf.abi.xen import EvtchnOp, EvtchnStat, Hypercall, SchedOp
from xenperf.hypervisor import Activation
from xenperf.sources import PortRequest
from xenperf.units import PAGE_SIZE, Hva

START = st.sampled_from((*Activation, *Activation, *Activation, None))


class VmMachine(RuleBasedStateMachine):
    """One VM and its oracle; after every step nothing may tell them apart."""

    def __init__(self, kernel: str, seen: Counter[str]) -> None:
        super().__init__()
        self.kernel, self.seen = kernel, seen
        self.pair: VmPair | None = None

    @property
    def vm(self) -> VmPair:
        assert self.pair is not None
        return self.pair

    @initialize(
        nr_vcpus=st.integers(1, 2),
        shinfo=START,
        vcpu_info=START,
        long_mode=st.booleans(),
        logs=st.booleans(),
        apart=st.booleans(),
        vectors=st.tuples(st.sampled_from((0, 0xF3)), st.sampled_from((0, 0, 0x31))),
    )
    def start(
        self,
        nr_vcpus: int,
        shinfo: Activation | None,
        vcpu_info: Activation | None,
        long_mode: bool,
        logs: bool,
        apart: bool,
        vectors: tuple[int, int],
    ) -> None:
        self.pair = VmPair(self.kernel, nr_vcpus, self.seen)
        self._request(draws.RAM, *(draws.APART if apart else ()))
        if logs:
            self.log_anew(draws.HIGH if apart else draws.WHOLE)
        self.vm.ask("set_long_mode", long_mode)
        self.vm.ask("set_upcall_vector", vectors[0])
        self._activate(shinfo, vcpu_info)
        for gsi, port in enumerate((66, 31, 64)):
            self.vm.ask("set_irq_route", gsi, port, gsi % nr_vcpus)
        for idx in range(nr_vcpus):
            self.vm.ask("set_vcpu_upcall_vector", idx, vectors[1])
            self.vm.ask("set_timer", idx, 64, 0)
        self.vm.ask("set_evtchn", PortRequest(66, 1, nr_vcpus - 1))
        self.vm.ask("set_evtchn", PortRequest(31, 31, 0, type=EvtchnStat.IPI))
        self.vm.ask("set_evtchn", PortRequest(64, eventfd=3))

    def teardown(self) -> None:
        if self.pair is not None:
            self.pair.close()

    @invariant()
    def they_agree(self) -> None:
        if self.pair is not None:
            self.pair.compare()

    # The VMM's memory.

    @rule(slot=st.one_of(draws.GOOD_SLOTS, draws.GOOD_SLOTS, draws.WILD_SLOTS))
    def change_a_memslot(self, slot: Slot) -> None:
        self._request(slot)

    @rule(slot=st.sampled_from((draws.WHOLE, draws.HIGH, draws.HIGH, draws.OVERLAY)))
    def log_anew(self, slot: int) -> None:
        """Let a slot that there is log, with no page marked."""
        region = self.vm.oracle.slots.slots.get(slot)
        if region is not None:
            readonly = region.flags & MemslotFlag.READONLY
            for flags in (readonly, readonly | MemslotFlag.LOG_DIRTY_PAGES):
                self.vm.ask("set_memory_regions", [replace(region, flags=flags)])

    @rule(apart=st.booleans())
    def break_apart_or_rejoin(self, apart: bool) -> None:
        self._request(*(draws.APART if apart else draws.JOINED))

    @rule(slots=st.one_of(st.sampled_from(draws.PLANS), st.lists(draws.GOOD_SLOTS, max_size=4)))
    def change_memslots_at_once(self, slots: list[Slot]) -> None:
        self.vm.ask("set_memory_regions_at_once", [slot.region(self.vm) for slot in slots])

    @rule(page=draws.PAGES, how=st.sampled_from(("replace", "replace", "unmap", "protect", "open")))
    def change_a_page(self, page: int, how: str) -> None:
        hva = self.vm.page(page)
        if how == "replace" or hva not in self.vm.oracle.pages.shown:
            self.vm.replace_page(hva)
        elif how == "unmap":
            self.vm.ask("unmap_pages", hva)
        else:
            self.vm.ask("protect_page", hva, how == "open")

    @rule(page=draws.PAGES, nr_pages=st.integers(1, 3))
    def run_the_notifier(self, page: int, nr_pages: int) -> None:
        self.vm.notify(self.vm.page(page), nr_pages)

    @rule(write=draws.WRITES)
    def store(self, write: tuple[int, int, bytes]) -> None:
        page, at, content = write
        self._store(Hva(self.vm.page(page) + at), content[: PAGE_SIZE - at])

    # Activation.

    @rule(gfn=draws.SHINFO_GFNS)
    def activate_shinfo_by_gfn(self, gfn: int) -> None:
        self.vm.ask("activate_shinfo_gfn", gfn)

    @rule(place=draws.SHINFO_PLACES)
    def activate_shinfo_by_hva(self, place: Place) -> None:
        self.vm.ask("activate_shinfo_hva", place.hva(self.vm))

    @rule(idx=VCPUS, gpa=draws.VCPU_INFO_GPAS)
    def activate_vcpu_info_by_gpa(self, idx: int, gpa: int) -> None:
        self.vm.ask("activate_vcpu_info_gpa", idx % self.vm.nr_vcpus, gpa)

    @rule(idx=VCPUS, place=draws.VCPU_INFO_PLACES)
    def activate_vcpu_info_by_hva(self, idx: int, place: Place) -> None:
        self.vm.ask("activate_vcpu_info_hva", idx % self.vm.nr_vcpus, place.hva(self.vm))

    @rule(how=st.sampled_from(Activation))
    def activate_all(self, how: Activation) -> None:
        self._activate(how, how)

    @rule(idx=VCPUS, ports=st.lists(st.sampled_from((66, 2112, 2112)), max_size=2))
    def switch_mode(self, idx: int, ports: list[int]) -> None:
        """Go to the other mode, with events that vcpu_info could not take just before."""
        idx %= self.vm.nr_vcpus
        hva = self.vm.oracle.vcpus[idx].vcpu_info.hva
        if ports and hva is not None:
            self.vm.notify(Hva(hva - hva % PAGE_SIZE), 1)
        for port in ports:
            self.vm.send(idx, port)
        self.vm.ask("set_long_mode", self.vm.oracle.layout.word_bits == 32)

    @rule(idx=st.integers(-1, 1), vector=draws.VECTORS)
    def set_a_vector(self, idx: int, vector: int) -> None:
        if idx < 0:
            self.vm.ask("set_upcall_vector", vector)
        else:
            self.vm.ask("set_vcpu_upcall_vector", idx % self.vm.nr_vcpus, vector)

    # Events.

    @rule(idx=st.sampled_from((0, 0, 0, 1, 1, 1, 2, 1 << 40)), port=PORTS)
    def send(self, idx: int, port: int) -> None:
        self.vm.send(idx, port)

    @rule(idx=VCPUS, ports=st.lists(PORTS, min_size=1, max_size=4))
    def send_some(self, idx: int, ports: list[int]) -> None:
        for port in ports:
            self.vm.send_by_ioctl(idx % self.vm.nr_vcpus, port)

    @rule(gsi=draws.GSIS, port=PORTS, vcpu=draws.EITHERS, priority=draws.PRIORITIES)
    def route(self, gsi: int, port: int, vcpu: int, priority: int) -> None:
        self.vm.ask("set_irq_route", gsi if gsi < 3 else 256, port, vcpu, priority)

    @rule(gsi=draws.GSIS)
    def write_to_an_irqfd(self, gsi: int) -> None:
        self.vm.ask("irqfd_write", gsi)

    @precondition(lambda self: bool(self.vm.oracle.queued))
    @rule()
    def run_what_irqfds_queued(self) -> None:
        self.vm.ask("run_work")

    @rule(gsi=draws.GSIS, level=st.sampled_from((1, 1, 1, 0)))
    def raise_a_line(self, gsi: int, level: int) -> None:
        self.vm.ask("irq_line", gsi, level)

    @rule(request=st.one_of(draws.PORT_REQUESTS, draws.UPDATES, draws.IPIS, draws.EVENTFDS))
    def register_a_port(self, request: PortRequest) -> None:
        self.vm.ask("set_evtchn", request)

    @rule(idx=VCPUS, port=PORTS, ahead=draws.AHEAD_NS, priority=draws.PRIORITIES)
    def set_a_timer(self, idx: int, port: int, ahead: int, priority: int) -> None:
        expires = (self.vm.oracle.now + ahead) % (1 << 64) if ahead else 0
        self.vm.ask("set_timer", idx % self.vm.nr_vcpus, port, expires, priority)

    @rule(idx=VCPUS)
    def read_a_timer(self, idx: int) -> None:
        self.vm.ask("get_timer", idx % self.vm.nr_vcpus)

    @rule(ns=draws.PASSED_NS)
    def let_time_pass(self, ns: int) -> None:
        self.vm.ask("advance_time", ns)

    @rule(eventfd=st.integers(0, 3))
    def read_an_eventfd(self, eventfd: int) -> None:
        self.vm.ask("read_eventfd", eventfd)

    # The guest; a vCPU that sleeps in a poll is asked for that first.

    @rule(idx=VCPUS)
    def enter_the_guest(self, idx: int) -> None:
        self._run(idx, "enter_guest")

    @rule(idx=VCPUS, port=draws.SENT)
    def let_the_guest_send(self, idx: int, port: int) -> None:
        self._run(idx, "guest_send", port)

    @rule(idx=VCPUS, ahead=draws.AHEAD_NS, vcpu_id=st.sampled_from((None, None, 0, 0, 1, 1, 7)))
    def let_the_guest_set_its_timer(self, idx: int, ahead: int, vcpu_id: int | None) -> None:
        expires = (self.vm.oracle.now + ahead) % (1 << 64) if ahead else 0
        if vcpu_id is None:
            self._run(idx, "guest_set_timer", expires)
        else:
            self._run(idx, "guest_set_singleshot", expires or None, vcpu_id)

    @rule(idx=VCPUS, ports=draws.POLLED, timeout=st.sampled_from((0, 0, 5, 1000)))
    def let_the_guest_poll(self, idx: int, ports: list[int], timeout: int) -> None:
        self._run(idx, "guest_poll", ports, timeout)

    @rule(idx=VCPUS, which=st.integers(0, 3))
    def let_the_guest_call_badly(self, idx: int, which: int) -> None:
        calls = (
            (Hypercall.SCHED_OP, SchedOp.YIELD),
            (Hypercall.SCHED_OP, SchedOp.POLL, 0),
            (Hypercall.EVENT_CHANNEL_OP, EvtchnOp.SEND, 0),
            (Hypercall.XEN_VERSION,),
        )
        self._run(idx, "hypercall", *calls[which])

    @rule(idx=VCPUS)
    def let_the_guest_handle_its_events(self, idx: int) -> None:
        oracle = self.vm.oracle
        hvas = [
            cache.hva for cache in (oracle.shinfo, oracle.vcpus[idx % oracle.nr_vcpus].vcpu_info)
        ]
        if all(hva is not None and oracle.pages.for_writing(hva) is not None for hva in hvas):
            self.vm.handle(*(Hva(hva or 0) for hva in hvas))

    @rule(idx=VCPUS, port=st.sampled_from((66, 64, 1)), many=st.booleans())
    def let_the_guest_poll_a_masked_port(self, idx: int, port: int, many: bool) -> None:
        self.flip_a_mask(port)
        self._run(idx, "guest_poll", [port, 1000] if many else [port], 1000)

    @rule(port=PORTS)
    def flip_a_mask(self, port: int) -> None:
        oracle = self.vm.oracle
        hva = oracle.shinfo.hva
        if hva is not None and port < oracle.layout.nr_ports:
            at = oracle.layout.mask_offset + port // 8
            frame = oracle.pages.for_writing(hva)
            if frame is not None:
                self._store(Hva(hva + at), bytes([frame[at] ^ 1 << port % 8]))

    # Steps of several rules.

    def _request(self, *slots: Slot) -> None:
        self.vm.ask("set_memory_regions", [slot.region(self.vm) for slot in slots])

    def _store(self, hva: Hva, content: bytes) -> None:
        if self.vm.oracle.pages.for_writing(hva) is not None:
            self.vm.host.write(hva, content)
            self.vm.oracle.write(hva, content)

    def _run(self, idx: int, name: str, *args: object) -> None:
        idx %= self.vm.nr_vcpus
        if self.vm.oracle.vcpus[idx].asleep:
            self.vm.ask("poll_result", idx)
        else:
            self.vm.ask(name, idx, *args)

    def _activate(self, shinfo: Activation | None, vcpu_info: Activation | None) -> None:
        """Activate where the first plan has the pages, each by the address given, if any."""
        vm = self.vm
        if shinfo is Activation.GPA:
            vm.ask("activate_shinfo_gfn", draws.OVERLAY_GFN)
        elif shinfo is Activation.HVA:
            vm.ask("activate_shinfo_hva", vm.page(draws.OVERLAY_GFN))
        for idx in range(vm.nr_vcpus):
            at = 0x440 + 64 * idx
            if vcpu_info is Activation.GPA:
                gpa = draws.VCPU_INFO_GFN * PAGE_SIZE + at
                vm.ask("activate_vcpu_info_gpa", idx, gpa)
            elif vcpu_info is Activation.HVA:
                vm.ask("activate_vcpu_info_hva", idx, vm.page(draws.VCPU_INFO_GFN) + at)
