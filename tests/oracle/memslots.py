"""KVM's memslot rules in the plainest Python: a dict of slots, a scan for each question."""

from dataclasses import dataclass, field, replace

from xenperf.abi.kvm import MAX_PAGES_PER_SLOT, MemslotFlag
from xenperf.abi.status import Status
from xenperf.hypervisor import MemoryRegion
from xenperf.units import PAGE_SIZE

USER_END = (1 << 47) - PAGE_SIZE


@dataclass
class MemslotOracle:
    """The slots by id, and the swaps made so far."""

    nr_slots: int
    slots: dict[int, MemoryRegion] = field(default_factory=dict)
    nr_swaps: int = 0

    def request(self, region: MemoryRegion) -> int:
        """Do one request; return 0 or a negative errno."""
        old = self.slots.get(region.slot)
        refusal = self._refusal(region, old)
        if refusal or region == old:
            return refusal
        if region.nr_bytes == 0:
            del self.slots[region.slot]
            self.nr_swaps += 2
        else:
            moved = old is not None and old.gpa != region.gpa
            self.slots[region.slot] = replace(region)
            self.nr_swaps += 2 if moved else 1
        return Status.OK

    def slot_of(self, gfn: int) -> int | None:
        """Return the id of the slot that holds *gfn*."""
        for number, region in self.slots.items():
            if region.gpa <= gfn * PAGE_SIZE < region.gpa + region.nr_bytes:
                return number
        return None

    def hva_for_writing(self, gfn: int) -> int | None:
        """Return where the VMM has *gfn*, if it may be written."""
        number = self.slot_of(gfn)
        if number is None or self.slots[number].flags & MemslotFlag.READONLY:
            return None
        return self.slots[number].hva + gfn * PAGE_SIZE - self.slots[number].gpa

    def _refusal(self, region: MemoryRegion, old: MemoryRegion | None) -> int:
        if not self._is_possible(region):
            return Status.EINVAL
        if region.nr_bytes == 0:
            return Status.OK if old else Status.EINVAL
        if old is not None:
            same = old.nr_bytes == region.nr_bytes and old.hva == region.hva
            if not same or (old.flags ^ region.flags) & MemslotFlag.READONLY:
                return Status.EINVAL
        others = [other for other in self.slots.values() if other.slot != region.slot]
        overlap = any(
            other.gpa < region.gpa + region.nr_bytes and region.gpa < other.gpa + other.nr_bytes
            for other in others
        )
        return Status.EEXIST if overlap else Status.OK

    def _is_possible(self, region: MemoryRegion) -> bool:
        aligned = not (region.gpa | region.nr_bytes | region.hva) % PAGE_SIZE
        known = region.flags <= MemslotFlag.LOG_DIRTY_PAGES | MemslotFlag.READONLY
        return (
            aligned
            and known
            and region.slot < self.nr_slots
            and region.hva < USER_END
            and region.nr_bytes <= USER_END - region.hva
            and region.gpa + region.nr_bytes < 1 << 64
            and region.nr_bytes // PAGE_SIZE <= MAX_PAGES_PER_SLOT
        )
