"""Memslot requests of every kind: slot 0 is RAM, slot 3 may exist, frame 3 gets an overlay."""

from tests.peer.machine import OTHER_GFN, OTHER_SLOT, RAM_PAGES, SHINFO_GFN, Machine
from xenperf.abi.kvm import MemslotFlag
from xenperf.hypervisor import MemoryRegion
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva

_FAR = Gfn(1 << 20)


def memslot_requests(m: Machine) -> list[list[MemoryRegion]]:
    """Return sequences that create, delete, move, re-flag, collide or cannot be."""
    whole = m.slot(0, Gfn(0), RAM_PAGES, m.ram)
    delete = MemoryRegion(0, Gpa(0), 0, Hva(0))
    other = m.slot(OTHER_SLOT, OTHER_GFN, 2, m.spare)
    logging = m.slot(OTHER_SLOT, OTHER_GFN, 2, m.spare, MemslotFlag.LOG_DIRTY_PAGES)
    low = m.slot(1, Gfn(0), SHINFO_GFN, m.ram)
    overlay = m.slot(2, SHINFO_GFN, 1, m.spare)
    high = m.slot(4, Gfn(SHINFO_GFN + 1), 4, m.hva(Gfn(SHINFO_GFN + 1)))
    return [
        [other, overlay],
        [delete, delete, whole],
        [m.slot(0, _FAR, RAM_PAGES, m.ram), m.slot(0, Gfn(1), RAM_PAGES, m.ram), whole],
        [other, logging, logging, other],
        [delete, low, overlay, high],
        [m.slot(1, Gfn(RAM_PAGES - 1), 2, m.ram), overlay, m.slot(0, OTHER_GFN, RAM_PAGES, m.ram)],
        [m.slot(0, Gfn(0), RAM_PAGES - 1, m.ram), m.slot(0, Gfn(0), RAM_PAGES, m.spare)],
        [m.slot(0, Gfn(0), RAM_PAGES, m.ram, MemslotFlag.READONLY)],
        [
            m.slot(5, Gfn(20), 1, m.spare),
            m.slot(1, Gfn(14), 6, m.ram),
            m.slot(1, Gfn(16), 4, m.ram),
        ],
        _impossible(m),
    ]


def _impossible(m: Machine) -> list[MemoryRegion]:
    far, page, user_end = Gpa(_FAR * PAGE_SIZE), PAGE_SIZE, (1 << 47) - PAGE_SIZE
    return [
        MemoryRegion(1, Gpa(far + 1), page, m.ram),
        MemoryRegion(1, far, page + 1, m.ram),
        MemoryRegion(1, far, page, Hva(m.ram + 8)),
        MemoryRegion(1, far, page, Hva(user_end)),
        MemoryRegion(1, far, 2 * page, Hva(user_end - page)),
        MemoryRegion(1, far, page, m.ram, 4),
        MemoryRegion(1 << 16, far, page, m.ram),
        MemoryRegion(8, far, page, m.ram),
        MemoryRegion(1, Gpa(2**64 - page), 2 * page, m.ram),
        MemoryRegion(1, far, 1 << 43, Hva(0)),
        MemoryRegion(7, Gpa(0), 0, Hva(0)),
    ]
