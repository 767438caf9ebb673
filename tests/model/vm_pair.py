"""A modelled VM and its oracle, asked the same and compared in all that can be seen of them."""

import functools
from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np

from tests.model.invariants import (
    assert_cache_sound,
    assert_list_exact,
    assert_locks_free,
    assert_sets_equal,
)
from tests.oracle.kernel import Kernel
from tests.oracle.sources import NR_EVENTFDS, NR_GSIS
from tests.oracle.vm import VmOracle
from xenperf.abi.kvm import INVALID_GPA
from xenperf.copies import load_copy
from xenperf.hypervisor import VmSize
from xenperf.model.layout import VCPU, VM
from xenperf.model.patches import ATOMIC, GPA_HVA, GPA_ONLY, KERNELS
from xenperf.model.source_layout import GSI
from xenperf.units import PAGE_SIZE, Hva, Pfn, page_offset

RAM_PAGES, NR_SLOTS = 8, 8
OVERLAY_PAGE = RAM_PAGES
NR_PAGES = RAM_PAGES + 2
UNBLOCK, CLOCK_UPDATE = 1, 2
_HVA_ERROR = 1 << 63


@functools.cache
def model_of(kernel: str) -> Any:
    """Return how to get a module of the model: the running one's, or an interpreted copy's."""
    if kernel == GPA_HVA:
        return functools.partial(__import__, fromlist=["*"])
    return load_copy(switches=KERNELS[kernel], interpreted=True, shares_types=True).module


class VmPair:
    """The two, and the VMM's pages by number: RAM, then the overlay's, then one for nothing."""

    def __init__(self, kernel: str, nr_vcpus: int, seen: Counter[str]) -> None:
        module = model_of(kernel)
        self.control: ModuleType = module("xenperf.model.kernels.control")
        host_type = module("xenperf.model.host").ModelHost
        self.host = host_type(VmSize(1024, NR_SLOTS, nr_vcpus))
        vm = self.host.state.view("vm", VM)[0]
        what = Kernel(by_hva=kernel != GPA_ONLY, at_once=kernel == ATOMIC)
        boot_ns, now = int(vm["wall_clock_ns"]), int(vm["now_ns"])
        self.oracle = VmOracle(what, NR_SLOTS, nr_vcpus, boot_ns, now, seen=seen)
        self.nr_vcpus = nr_vcpus
        self.pfns: list[Pfn] = []
        self.firsts = [self._allocate(nr) for nr in (RAM_PAGES, 1, 1)]

    def page(self, number: int) -> Hva:
        """Return where the VMM has its page *number*."""
        if number < RAM_PAGES:
            return Hva(self.firsts[0] + number * PAGE_SIZE)
        return self.firsts[number - RAM_PAGES + 1]

    # Asking both.

    def ask(self, name: str, *args: Any) -> None:
        """Ask both the same; either both refuse to, or neither."""
        told, expected = (_told(vm, name, args) for vm in (self.host, self.oracle))
        assert told == expected, f"{name}{args}: {told}, not {expected}"

    def send(self, vcpu_idx: int, port: int) -> None:
        """Send one event through both doors of the model: the finer answer, or the ioctl's."""
        outcomes = np.full(1, 99, np.int64)
        self.host.deliver(vcpu_idx, np.array([port], np.uint32), outcomes)
        expected = self.oracle.deliver(vcpu_idx, port)
        assert int(outcomes[0]) == expected, f"send {port} to {vcpu_idx}"

    def send_by_ioctl(self, vcpu_idx: int, port: int) -> None:
        outcomes = np.full(1, 99, np.int64)
        self.host.send(vcpu_idx, np.array([port], np.uint32), outcomes)
        expected = self.oracle.deliver(vcpu_idx, port)
        assert int(outcomes[0]) == (0 if expected in (1, -107) else expected)

    def replace_page(self, hva: Hva) -> None:
        self.ask("replace_pages", hva)
        self._learn(hva, 1)

    def notify(self, hva: Hva, nr_pages: int) -> None:
        """Run the notifier, and change nothing."""
        words = self.host.state.vm, self.host.state.cpu, hva, hva + nr_pages * PAGE_SIZE
        self.control.invalidate_start(*words)
        self.control.invalidate_end(*words)
        self.oracle.notify(hva, nr_pages)

    def handle(self, page: Hva, vcpu_info: Hva) -> None:
        """Let the guest's handler run over the pages that lie at these addresses."""
        khvas = [
            self.host.memory.khva(self.host.mm.pfn(Hva(hva - page_offset(hva)))) + page_offset(hva)
            for hva in (page, vcpu_info)
        ]
        long_mode = self.oracle.layout.word_bits == 64
        digest = self.control.handle_events(*khvas, long_mode)
        ports = self.oracle.handle(page, vcpu_info)
        assert digest == functools.reduce(int.__xor__, ports, 0) << 32 | len(ports)

    # Comparing.

    def compare(self) -> None:
        """Assert that nothing tells the two apart, and that the model is consistent."""
        assert _seen_of_model(self) == _seen_of_oracle(self)
        for pfn, frame in zip(self.pfns, self.oracle.pages.frames, strict=True):
            held = self.host.memory.view(pfn, np.uint8).tobytes()
            assert held == frame, f"frame {pfn} differs at {_first_difference(held, frame)}"
        for khva in self.host.state.gpcs() if self.oracle.kernel.by_hva else ():
            assert_cache_sound(self.host, khva)  # a cache of the old kernel begins all zero

    def close(self) -> None:
        """Check once more what holds at rest, and give the VM back."""
        assert_locks_free(self.host)
        assert_sets_equal(self.host)
        assert_list_exact(self.host)
        branches = {name: n for name, n in self.oracle.counts.items() if name.startswith("refresh")}
        self.oracle.seen.update(branches)
        self.host.close()

    def _allocate(self, nr_pages: int) -> Hva:
        hva: Hva = self.host.allocate_pages(nr_pages)
        self.oracle.pages.show_new(hva, nr_pages)
        self._learn(hva, nr_pages)
        return hva

    def _learn(self, hva: Hva, nr_pages: int) -> None:
        """Remember which frames of the model go with the oracle's newest."""
        first = self.host.mm.pfn(hva)
        self.pfns += [Pfn(first + page) for page in range(nr_pages)]


def _told(vm: Any, name: str, args: tuple[Any, ...]) -> Any:
    try:
        return getattr(vm, name)(*args)
    except ValueError as refusal:
        return "refused", "without a timeout" in str(refusal)


def _first_difference(held: bytes, frame: bytearray) -> str:
    at = next(at for at in range(PAGE_SIZE) if held[at] != frame[at])
    return f"{at:#x}: {held[at]:#x}, not {frame[at]:#x}"


def _attributes(vm: Any, nr_vcpus: int) -> list[int]:
    found = [vm.get_shinfo_gfn(), vm.get_shinfo_hva(), vm.now_ns()]
    for idx in range(nr_vcpus):
        found += [vm.get_vcpu_info_gpa(idx), vm.get_vcpu_info_hva(idx)]
    return found


def _seen_of_model(pair: VmPair) -> dict[str, Any]:
    host, state = pair.host, pair.host.state
    counters = host.counters()
    counters.pop("nr_kicks")
    queued = state.view("gsis", GSI, NR_GSIS)["is_queued"]
    return {
        "attributes": _attributes(host, pair.nr_vcpus),
        "counters": counters,
        "dirty": _marked(host),
        "caches": [_cache_of_model(host, gpc) for gpc in state.gpcs()],
        "vcpus": [_vcpu_of_model(host, idx) for idx in range(pair.nr_vcpus)],
        "queued": np.flatnonzero(queued).tolist(),
        "eventfds": {
            i: int(n) for i, n in enumerate(state.view("eventfds", "<u8", NR_EVENTFDS)) if n
        },
    }


def _seen_of_oracle(pair: VmPair) -> dict[str, Any]:
    oracle, counts = pair.oracle, pair.oracle.counts
    names = ("refreshes", "lookups", "gups", "slow_sends", "invalidated", "warnings")
    nr_swaps = oracle.slots.nr_swaps
    return {
        "attributes": _attributes(oracle, pair.nr_vcpus),
        "counters": {
            **{f"nr_{name}": counts[f"nr_{name}"] for name in names},
            "nr_swaps": nr_swaps,
            "generation": 2 * nr_swaps,
        },
        "dirty": {slot: sorted(pages) for slot, pages in oracle.dirty.items()},
        "caches": [(cache.active, cache.valid, cache.is_usable()) for cache in oracle.caches()],
        "vcpus": [_vcpu_of_oracle(vcpu) for vcpu in oracle.vcpus],
        "queued": sorted(oracle.queued),
        "eventfds": dict(oracle.eventfds),
    }


def _marked(host: Any) -> dict[int, list[int]]:
    found = {}
    for slot in range(NR_SLOTS):
        try:
            found[slot] = host.dirty_pages(slot)
        except ValueError:  # it does not log
            continue
    return found


def _cache_of_model(host: Any, khva: int) -> tuple[bool, bool, bool]:
    """Return whether the cache is active and valid, and whether its fields say it may be used."""
    gpc = host.observed.gpc(khva)
    is_old = gpc["gpa"] != INVALID_GPA and gpc["generation"] != host.observed.generation
    usable = gpc["active"] and gpc["valid"] and not is_old and gpc["uhva"] < _HVA_ERROR
    return bool(gpc["active"]), bool(gpc["valid"]), bool(usable)


def _vcpu_of_model(host: Any, idx: int) -> dict[str, int]:
    record = host.state.view("vcpus", VCPU, host.nr_vcpus)[idx]
    names = ("nr_kicks", "nr_injected", "nr_clock_updates", "timer_expires", "poll_deadline")
    polls = int(host.state.view("vm", VM)[0]["poll_mask"][0]) >> idx & 1
    return {
        **{name: int(record[name]) for name in names},
        "shadow": int(record["shadow_sel"]),
        "requests": int(record["requests"]),
        "timer": (int(record["timer_virq"]), int(record["timer_deadline"])),
        "timer_pending": bool(record["timer_pending"]),
        "poll": (bool(record["is_halted"]), int(record["poll_evtchn"]), polls),
    }


def _vcpu_of_oracle(vcpu: Any) -> dict[str, Any]:
    polled = 0 if vcpu.polled is None else vcpu.polled % (1 << 32)
    return {
        "nr_kicks": vcpu.nr_kicks,
        "nr_injected": vcpu.nr_injected,
        "nr_clock_updates": vcpu.nr_clock_updates,
        "timer_expires": vcpu.timer_expires,
        "poll_deadline": vcpu.poll_ends_at,
        "shadow": vcpu.shadow,
        "requests": UNBLOCK * vcpu.kicked | CLOCK_UPDATE * vcpu.clock_due,
        "timer": (vcpu.timer_port, vcpu.timer_fires_at),
        "timer_pending": vcpu.timer_left,
        "poll": (vcpu.asleep, polled, int(vcpu.wakes_on_masked)),
    }
