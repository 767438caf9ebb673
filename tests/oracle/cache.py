"""A gfn_to_pfn_cache in the plainest Python: where its page is, and whether that still holds."""

from collections import Counter
from dataclasses import dataclass, field

from tests.oracle.memslots import MemslotOracle
from tests.oracle.pages import Pages
from xenperf.abi.status import Status
from xenperf.units import PAGE_SIZE, Gpa, gpa_to_gfn


@dataclass
class CacheOracle:
    """One cache; a *gpa* of None with an *hva* means that it was activated by HVA.

    What KVM recomputes lazily is asked afresh here: the memslots for the HVA, the pages for the
    frame. ``valid`` and ``nr_swaps`` only say when KVM knows that it has to ask.
    """

    pages: Pages
    slots: MemslotOracle
    by_hva_too: bool
    """Whether this kernel has activation by HVA."""

    counts: Counter[str]
    """What refreshes cost, and which branch they took."""

    active: bool = False
    valid: bool = False
    gpa: int | None = None
    hva: int | None = None
    nr_swaps: int = -1
    """Memslot swaps made when it last asked the memslots."""

    frame: bytearray = field(default_factory=bytearray)
    meant: int | None = None
    """The page of the VMM's that it showed when it was activated."""

    def is_usable(self) -> bool:
        """Tell whether an event may be written now; a change of memslots matters by GPA only."""
        return self.active and self.valid and not self._has_old_map()

    def offset(self) -> int:
        """Return where in the page the address lies; it has one."""
        assert self.hva is not None
        return self.hva % PAGE_SIZE

    def is_elsewhere(self) -> bool:
        """Tell whether another page of the VMM's is written than the one that was activated."""
        return self.hva is not None and self.hva - self.hva % PAGE_SIZE != self.meant

    def activate(self, gpa: int | None, hva: int | None) -> int:
        """Use the cache for one of the two addresses from now on, whether or not it resolves."""
        if not self.active and not self.by_hva_too:
            self.valid, self.hva = False, None
        self.active = True
        rc = self._refresh_to(gpa, hva)
        if rc == Status.OK:
            self.meant = None if self.hva is None else self.hva - self.hva % PAGE_SIZE
        return rc

    def deactivate(self) -> None:
        """Stop using it; addresses are kept."""
        self.active = self.valid = False

    def refresh(self) -> int:
        """Redo what is stale: 0, -EINVAL (inactive) or -EFAULT (nothing there to write to)."""
        if self.by_hva_too and self.gpa is None and self.hva is None:
            self.counts.update(("nr_refreshes", "nr_warnings"))
            return Status.EINVAL
        return self._refresh_to(self.gpa, self.hva if self.gpa is None else None)

    def invalidate(self, start: int, end: int) -> None:
        """Tell it that the VMM's ``[start, end)`` is about to change."""
        if self.active and self.valid and self.hva is not None and start <= self.hva < end:
            self.valid = False
            self.counts["nr_invalidated"] += 1

    def _has_old_map(self) -> bool:
        return self.gpa is not None and self.nr_swaps != self.slots.nr_swaps

    def _refresh_to(self, gpa: int | None, hva: int | None) -> int:
        self.counts["nr_refreshes"] += 1
        if not self.active:
            return Status.EINVAL
        old, walks = self.hva, self.counts["nr_gups"]
        looked_up = self._look_up(gpa, hva)
        rc = Status.OK if self._resolve(old) else Status.EFAULT
        walked = self.counts["nr_gups"] != walks
        self.counts[_branch(rc, looked_up, walked)] += 1
        return rc

    def _look_up(self, gpa: int | None, hva: int | None) -> bool:
        """Store the new address and where the VMM has it; tell whether the memslots were asked."""
        if gpa is None:
            self.gpa, self.hva = None, hva
            return False
        if gpa == self.gpa and self.hva is not None and not self._has_old_map():
            return False
        self.counts["nr_lookups"] += 1
        self.gpa, self.nr_swaps = gpa, self.slots.nr_swaps
        page = self.slots.hva_for_writing(gpa_to_gfn(Gpa(gpa)))
        self.hva = None if page is None else page + gpa % PAGE_SIZE
        return True

    def _resolve(self, old: int | None) -> bool:
        """Find the frame behind ``hva``, and whether that takes a walk; *old* is where it was."""
        same_page = (
            old is not None and self.hva is not None and old // PAGE_SIZE == self.hva // PAGE_SIZE
        )
        if self.hva is not None and not (self.valid and same_page):
            self.counts["nr_gups"] += 1
        frame = None if self.hva is None else self.pages.for_writing(self.hva)
        self.valid = frame is not None
        self.frame = bytearray() if frame is None else frame
        return self.valid


def _branch(rc: int, looked_up: bool, walked: bool) -> str:
    """Return the name of the branch in docs/model.md."""
    if rc != Status.OK:
        return "refresh R4" if walked else "refresh R3"
    if walked:
        return "refresh R2"
    return "refresh R1" if looked_up else "refresh R0"
