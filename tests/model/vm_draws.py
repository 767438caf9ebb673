"""What the machine of VM operations may draw: good arguments mostly, and bad ones of every kind."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.model.vm_pair import NR_PAGES, OVERLAY_PAGE, RAM_PAGES, VmPair
from xenperf.abi.kvm import INVALID_GFN, INVALID_GPA, PRIORITY_2LEVEL, EvtchnFlag, MemslotFlag
from xenperf.abi.xen import EvtchnStat
from xenperf.hypervisor import MemoryRegion
from xenperf.sources import PortRequest
from xenperf.units import PAGE_SIZE, Gpa, Hva

WHOLE, LOW, OVERLAY, HIGH, OTHER = range(5)
OVERLAY_GFN, VCPU_INFO_GFN, FAR_GFN = 3, 5, 20
LOGS, READONLY = MemslotFlag.LOG_DIRTY_PAGES, MemslotFlag.READONLY
USER_END = (1 << 47) - PAGE_SIZE

# Ports and vCPUs.

_HOT = (1, 31, 32, 64, 66, 66, 66, 100, 1000)
PORTS = st.sampled_from((*_HOT * 3, 0, 63, 1023, 1024, 2112, 2112, 4095, 4096, (1 << 32) - 1))
"""Ports of few words, so that events meet; one whose word a 32-bit selector has not; bad ones."""

SENT = st.one_of(st.sampled_from((31, 66, 66, 64, 32)), PORTS)
"""What the guest sends: the ports registered at the start, mostly."""

VCPUS = st.integers(0, 1)
"""Taken modulo the vCPUs there are, except where one that does not exist is meant."""

PRIORITIES = st.sampled_from((PRIORITY_2LEVEL,) * 7 + (0,))
GSIS = st.integers(0, 3)

# Where pages are.

PAGES = st.sampled_from((*range(NR_PAGES), *(OVERLAY_GFN, VCPU_INFO_GFN, OVERLAY_PAGE) * 4))
BAD_HVAS = st.sampled_from((0x10000, USER_END - PAGE_SIZE, USER_END, 1 << 63, 2**64 - PAGE_SIZE))
SHINFO_GFNS = st.sampled_from(
    (*(OVERLAY_GFN,) * 5, VCPU_INFO_GFN, 0, FAR_GFN, 1 << 40, (1 << 52) + 1, INVALID_GFN)
)
OFFSETS = st.sampled_from((0, 0x40, 0x80, 0x440, 0x440, 0xFC0, 2, 0xFC1, 0x800))


@dataclass(frozen=True)
class Place:
    """An address of the VMM's: a page by number and an offset, or one that is nobody's."""

    page: int = 0
    offset: int = 0
    bad: int | None = None

    def hva(self, pair: VmPair) -> Hva:
        return Hva(pair.page(self.page) + self.offset if self.bad is None else self.bad)


def places(offsets: st.SearchStrategy[int]) -> st.SearchStrategy[Place]:
    """Draw an address, one in eight a bad one; 0 turns off."""
    good = st.builds(Place, PAGES, offsets)
    bad = st.builds(Place, bad=st.one_of(BAD_HVAS, st.just(0)))
    return st.integers(0, 7).flatmap(lambda n: good if n else bad)


SHINFO_PLACES = places(st.sampled_from((0,) * 9 + (0x40, 1)))
VCPU_INFO_PLACES = places(OFFSETS)
VCPU_INFO_GPAS = st.one_of(
    st.builds(
        lambda gfn, offset: gfn * PAGE_SIZE + offset,
        st.sampled_from((*(VCPU_INFO_GFN,) * 5, OVERLAY_GFN, OVERLAY_GFN + 1, FAR_GFN, 1 << 40)),
        OFFSETS,
    ),
    st.just(INVALID_GPA),
)

# Memslot requests.


@dataclass(frozen=True)
class Slot:
    """A memslot request with its page of the VMM's by number."""

    id: int
    gfn: int = 0
    nr_pages: int = 0
    page: int = 0
    flags: int = 0
    bad: tuple[int, int, int] = (0, 0, 0)
    """What is added to the guest's address, the size and the VMM's address."""

    def region(self, pair: VmPair) -> MemoryRegion:
        gpa = Gpa((self.gfn * PAGE_SIZE + self.bad[0]) % (1 << 64))
        hva = Hva((pair.page(self.page) if self.nr_pages else 0) + self.bad[2])
        return MemoryRegion(self.id, gpa, self.nr_pages * PAGE_SIZE + self.bad[1], hva, self.flags)


ABSENT = tuple(map(Slot, range(5)))
RAM = Slot(WHOLE, 0, RAM_PAGES)
HIGH_GFN = OVERLAY_GFN + 1
LOW_PART = Slot(LOW, 0, OVERLAY_GFN)
LAID_OVER = Slot(OVERLAY, OVERLAY_GFN, 1, OVERLAY_PAGE)
HIGH_PART = Slot(HIGH, HIGH_GFN, RAM_PAGES - HIGH_GFN, HIGH_GFN)
ELSEWHERE = Slot(OTHER, FAR_GFN, 2, VCPU_INFO_GFN)
APART = (ABSENT[WHOLE], LOW_PART, LAID_OVER, HIGH_PART)
JOINED = (ABSENT[LOW], ABSENT[OVERLAY], ABSENT[HIGH], RAM)
PLANS = tuple(
    tuple(replace(slot, flags=flags) if slot.nr_pages else slot for slot in plan)
    for plan in (APART, JOINED)
    for flags in (0, LOGS)
)
_SHOWN = (RAM, LOW_PART, LAID_OVER, HIGH_PART, ELSEWHERE)
_MOVED = (
    replace(LAID_OVER, gfn=FAR_GFN + 5),
    replace(ELSEWHERE, gfn=FAR_GFN + 1),
    replace(HIGH_PART, gfn=FAR_GFN + 10),
)
GOOD_SLOTS = st.builds(
    lambda slot, flags: replace(slot, flags=flags) if slot.nr_pages else slot,
    st.sampled_from((*ABSENT, *APART, *JOINED, *_SHOWN, *_MOVED)),
    st.sampled_from((0, 0, 0, LOGS, LOGS, READONLY, READONLY)),
)
WILD_SLOTS = st.builds(
    Slot,
    st.sampled_from((0, 1, 2, 3, 4, 7, 8, 1 << 16, (1 << 32) - 1)),
    st.sampled_from((0, OVERLAY_GFN, HIGH_GFN, FAR_GFN, FAR_GFN + 1, (1 << 52) - 1)),
    st.sampled_from((0, 1, 1, 2, RAM_PAGES, 1 << 31)),
    PAGES,
    st.sampled_from((0, LOGS, READONLY, LOGS | READONLY, 4, 1 << 31)),
    st.sampled_from(((0, 0, 0),) * 6 + ((1, 0, 0), (0, 0x800, 0), (0, 0, 0x10), (0, 0, 1 << 47))),
)

# What the VMM or the guest may store, and where.

WRITES = st.tuples(
    PAGES,
    st.sampled_from((0x800, 0x880, 0xA00, 0xC00, 0x900, 0, 0x20, 0x440, 0x460, 0xFC0)),
    st.sampled_from(
        (bytes(512), bytes(64), bytes(8), b"\xff" * 64, b"\xff" * 8, b"\1", b"\xff" * 4)
    ),
)

# The guest's ports, its time, its polls.

_TYPES = {31: EvtchnStat.IPI, 66: EvtchnStat.INTERDOMAIN}
EITHERS = st.sampled_from((0, 0, 1, 1, 2, 9, 63, 64))
PORT_REQUESTS = st.builds(
    PortRequest,
    PORTS,
    PORTS,
    EITHERS,
    st.one_of(st.none(), st.none(), EITHERS),
    st.sampled_from((EvtchnStat.INTERDOMAIN,) * 4 + tuple(EvtchnStat)),
    st.sampled_from((0, 0, 0, *EvtchnFlag, EvtchnFlag.UPDATE, EvtchnFlag.DEASSIGN, 3, 5, 6, 8)),
    PRIORITIES,
)
IPIS = st.builds(
    lambda port, vcpu: PortRequest(port, port, vcpu, type=EvtchnStat.IPI), PORTS, EITHERS
)
UPDATES = st.builds(
    lambda port, vcpu: PortRequest(
        port, 1 if port == 66 else port, vcpu, type=_TYPES[port], flags=EvtchnFlag.UPDATE
    ),
    st.sampled_from((31, 66, 66)),
    EITHERS,
)
"""Of the ports registered at the start, as long as they are."""

EVENTFDS = st.builds(lambda port, fd: PortRequest(port, eventfd=fd), PORTS, st.integers(0, 3))
AHEAD_NS = st.sampled_from((-5, 0, 1, 10, 1000, (1 << 50) - 1, 1 << 50, 1 << 62, (1 << 63) - 1))
"""When a timer is to expire, from now."""

PASSED_NS = st.sampled_from((0, 1, 5, 10, 500, 1000, 10**6, 10**8, 1 << 51))
POLLED = st.one_of(
    st.lists(PORTS, max_size=3),
    st.sampled_from(((66,) * 128, (66,) * 129, (64,), (66,), (66, 64), ())),
).map(list)
VECTORS = st.sampled_from((0, 0, 1, 0xF, 0x10, 0xF3, 0xFF))
