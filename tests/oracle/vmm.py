"""What a VMM asks of one VM, in the plainest Python: pages, memslots, activation, attributes."""

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.oracle.cache import CacheOracle
from tests.oracle.kernel import Kernel, VcpuOracle
from tests.oracle.memslots import USER_END, MemslotOracle
from tests.oracle.pages import Pages, get_bits, put_bits
from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA, MemslotFlag
from xenperf.abi.status import Status
from xenperf.abi.xen import COMPAT, LONG_MODE, LOWEST_UPCALL_VECTOR, SharedInfoLayout
from xenperf.hypervisor import MemoryRegion
from xenperf.units import PAGE_SIZE

NS_PER_SEC = 10**9
VCPU_INFO_BYTES = 64


@dataclass
class VmmOracle:
    """The VM as its VMM knows it. ``seen`` counts the kinds of outcome that came up."""

    kernel: Kernel
    nr_slots: int
    nr_vcpus: int
    boot_ns: int
    now: int
    layout: SharedInfoLayout = LONG_MODE
    vector: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    pages: Pages = field(default_factory=Pages)
    dirty: dict[int, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slots = MemslotOracle(self.nr_slots)
        self.shinfo = self._new_cache()
        self.vcpus = [VcpuOracle(self._new_cache(), idx) for idx in range(self.nr_vcpus)]

    def _new_cache(self) -> CacheOracle:
        return CacheOracle(self.pages, self.slots, self.kernel.by_hva, self.counts)

    def caches(self) -> list[CacheOracle]:
        return [self.shinfo, *(vcpu.vcpu_info for vcpu in self.vcpus)]

    # Pages.

    def write(self, hva: int, content: bytes) -> None:
        frame, first = self.pages.for_writing(hva), hva % PAGE_SIZE
        assert frame is not None
        frame[first : first + len(content)] = content

    def notify(self, hva: int, nr_pages: int) -> None:
        """Run the notifier over pages that may or may not change then."""
        for cache in self.caches():
            cache.invalidate(hva, hva + nr_pages * PAGE_SIZE)

    def replace_pages(self, hva: int, nr_pages: int = 1) -> None:
        self.notify(hva, nr_pages)
        self.pages.show_new(hva, nr_pages)

    def unmap_pages(self, hva: int, nr_pages: int = 1) -> None:
        self.notify(hva, nr_pages)
        self.pages.hide(hva, nr_pages)

    def protect_page(self, hva: int, writable: bool) -> None:
        self.notify(hva, 1)
        self.pages.shown[hva].writable = writable

    # Memslots. A request that is taken waits until nobody sleeps in a poll.

    def check_polls_end(self) -> None:
        raise NotImplementedError  # who knows the guest's calls knows the polls

    def let_polls_end(self) -> None:
        raise NotImplementedError

    def set_memory_regions(self, regions: Sequence[MemoryRegion]) -> list[int]:
        return [self._request(region) for region in regions]

    def _request(self, region: MemoryRegion) -> int:
        self.check_polls_end()
        nr_swaps = self.slots.nr_swaps
        rc = self.slots.request(region)
        nr_new = self.slots.nr_swaps - nr_swaps
        self.seen[f"memslot {rc}, {nr_new} swaps"] += 1
        if rc == Status.OK and not self._logs(region.slot):
            self.dirty.pop(region.slot, None)
        elif rc == Status.OK:
            self.dirty.setdefault(region.slot, set())
        if nr_new:
            self.let_polls_end()
        return rc

    def set_memory_regions_at_once(self, regions: Sequence[MemoryRegion]) -> int:
        """Make all requests in one publish or none; marks stay with the guest's frames."""
        self.check_polls_end()
        if not self.kernel.at_once:
            return Status.ENOSYS
        wanted = copy.deepcopy(self.slots)
        for region in regions:
            refusal = wanted.request(region)
            if refusal:
                self.seen["at once, refused"] += 1
                return refusal
        marked = {
            self._first_gfn(slot) + page for slot, pages in self.dirty.items() for page in pages
        }
        self.slots.slots = wanted.slots
        self.slots.nr_swaps += 1
        self.dirty = {
            slot: {gfn - self._first_gfn(slot) for gfn in marked if self.slots.slot_of(gfn) == slot}
            for slot in self.slots.slots
            if self._logs(slot)
        }
        self.seen["at once"] += 1
        self.let_polls_end()
        return Status.OK

    def mark_dirty(self, cache: CacheOracle) -> None:
        """Mark the page of a cache activated by GPA, if its slot logs; by HVA nothing is known."""
        if cache.gpa is None:
            return
        slot = self.slots.slot_of(cache.gpa // PAGE_SIZE)
        if slot in self.dirty:
            self.dirty[slot].add(cache.gpa // PAGE_SIZE - self._first_gfn(slot))
            self.seen["marked dirty"] += 1

    def _logs(self, slot: int) -> bool:
        region = self.slots.slots.get(slot)
        return region is not None and bool(region.flags & MemslotFlag.LOG_DIRTY_PAGES)

    def _first_gfn(self, slot: int) -> int:
        return self.slots.slots[slot].gpa // PAGE_SIZE

    # Attributes.

    def activate_shinfo_gfn(self, gfn: int) -> int:
        if gfn == INVALID_GFN:
            return self._deactivate(self.shinfo)
        return self._activate_shinfo((gfn * PAGE_SIZE) % (1 << 64), None)

    def activate_shinfo_hva(self, hva: int) -> int:
        if not self.kernel.by_hva:
            return Status.ENOENT
        if hva % PAGE_SIZE:
            return Status.EINVAL
        return self._deactivate(self.shinfo) if hva == HVA_OFF else self._activate_shinfo(None, hva)

    def activate_vcpu_info_gpa(self, vcpu_idx: int, gpa: int) -> int:
        vcpu = self.vcpus[vcpu_idx]
        if gpa == INVALID_GPA:
            return self._deactivate(vcpu.vcpu_info)
        return self._activate_vcpu_info(vcpu, gpa, None)

    def activate_vcpu_info_hva(self, vcpu_idx: int, hva: int) -> int:
        vcpu = self.vcpus[vcpu_idx]
        if not self.kernel.by_hva:
            return Status.ENOENT
        if hva == HVA_OFF:
            return self._deactivate(vcpu.vcpu_info)
        return self._activate_vcpu_info(vcpu, None, hva)

    def get_shinfo_gfn(self) -> int:
        gpa = self._gpa_of(self.shinfo)
        return INVALID_GFN if gpa == INVALID_GPA else gpa // PAGE_SIZE

    def get_shinfo_hva(self) -> int:
        return self._hva_of(self.shinfo)

    def get_vcpu_info_gpa(self, vcpu_idx: int) -> int:
        return self._gpa_of(self.vcpus[vcpu_idx].vcpu_info)

    def get_vcpu_info_hva(self, vcpu_idx: int) -> int:
        return self._hva_of(self.vcpus[vcpu_idx].vcpu_info)

    def set_long_mode(self, long_mode: bool) -> int:
        self.layout = LONG_MODE if long_mode else COMPAT
        rewrites = self.kernel.by_hva and self.shinfo.active
        return self.note("long mode", self._init_content() if rewrites else Status.OK)

    def set_upcall_vector(self, vector: int) -> int:
        if 0 < vector < LOWEST_UPCALL_VECTOR:
            return Status.EINVAL
        self.vector = vector
        return Status.OK

    def set_vcpu_upcall_vector(self, vcpu_idx: int, vector: int) -> int:
        if 0 < vector < LOWEST_UPCALL_VECTOR:
            return Status.EINVAL
        self.vcpus[vcpu_idx].vector = vector
        return Status.OK

    def note(self, what: str, rc: int) -> int:
        """Count an outcome and return it."""
        self.seen[f"{what} {int(rc)}"] += 1
        return rc

    def _activate_shinfo(self, gpa: int | None, hva: int | None) -> int:
        rc = self._activate(self.shinfo, gpa, hva, PAGE_SIZE)
        rc = self._init_content() if rc == Status.OK else rc
        return self.note(f"shared_info by {'hva' if gpa is None else 'gpa'}", rc)

    def _activate_vcpu_info(self, vcpu: VcpuOracle, gpa: int | None, hva: int | None) -> int:
        rc = self._activate(vcpu.vcpu_info, gpa, hva, VCPU_INFO_BYTES)
        vcpu.clock_due |= rc == Status.OK
        return self.note(f"vcpu_info by {'hva' if gpa is None else 'gpa'}", rc)

    def _activate(self, cache: CacheOracle, gpa: int | None, hva: int | None, nr_bytes: int) -> int:
        if gpa is None and hva is not None and hva + nr_bytes > USER_END:
            return Status.EINVAL
        if ((hva or 0) if gpa is None else gpa) % PAGE_SIZE + nr_bytes > PAGE_SIZE:
            return Status.EINVAL
        return cache.activate(gpa, hva)

    def _deactivate(self, cache: CacheOracle) -> int:
        cache.deactivate()
        return Status.OK

    def _init_content(self) -> int:
        """Write the wall clock where the mode has it; every vCPU owes a clock update then."""
        while not self.shinfo.is_usable():
            rc = self.shinfo.refresh()
            if rc != Status.OK:
                return rc
        page, clock = self.shinfo.frame, self.layout.wc_offset
        seconds, ns = divmod(self.boot_ns, NS_PER_SEC)
        put_bits(page, clock + 4, 4, seconds % (1 << 32))
        put_bits(page, clock + 8, 4, ns)
        put_bits(page, self.layout.wc_sec_hi_offset, 4, seconds >> 32)
        move_version(page, clock)
        for vcpu in self.vcpus:
            vcpu.clock_due = True
            vcpu.nr_kicks += 1
        return Status.OK

    def _gpa_of(self, cache: CacheOracle) -> int:
        return cache.gpa if cache.active and cache.gpa is not None else INVALID_GPA

    def _hva_of(self, cache: CacheOracle) -> int:
        if not self.kernel.by_hva:
            return Status.ENOENT
        return cache.hva or 0 if cache.active and cache.gpa is None else HVA_OFF


def move_version(frame: bytearray, at: int) -> None:
    """Move a version on to the next even number past an odd one: ((v + 1) | 1) + 1."""
    put_bits(frame, at, 4, (((get_bits(frame, at, 4) + 1) | 1) + 1) % (1 << 32))
