"""What must hold when both operations are done, whatever the schedule was.

Each check returns a line for what is wrong. They look at the real pages, into which a schedule's
last words were put.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from xenperf.abi.kvm import INVALID_GPA
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.explore.accesses import peek
from xenperf.explore.ended import Ended
from xenperf.explore.machine import SHADOWED
from xenperf.hypervisor import Activation
from xenperf.units import PAGE_SHIFT, PAGE_SIZE, Hva, Khva

_HVA_ERROR: Final = 1 << 63
_PFN_ERROR: Final = 0x7FF << 52
_LOCKS: Final = (
    *("slots_lock", "slots_arch_lock", "mn_invalidate_lock", "xen_lock", "gpc_lock", "srcu_lock"),
    *("mn_active_invalidate_count", "mmu_invalidate_in_progress"),
)
_GPC_LOCKS: Final = ("lock", "wait", "refresh_lock")


def locks_are_free(end: Ended) -> Iterator[str]:
    """Nobody holds a lock, no range is open, every reader has left (I21)."""
    vm = end.vm()
    yield from (f"{name} is left at {int(vm[name])}" for name in _LOCKS if int(vm[name]))
    for khva, gpc in end.gpcs():
        yield from (f"{name} of {_name(end, khva)} is held" for name in _GPC_LOCKS if gpc[name])
    cpus = end.machine.host.state.view("cpus", end.layout.CPU, end.layout.NR_CPUS)
    if (cpus["srcu_locked"].sum(0) != cpus["srcu_unlocked"].sum(0)).any():
        yield "a reader never left its SRCU section"


def slots_are_whole(end: Ended) -> Iterator[str]:
    """Both sets hold the same disjoint slots; the generation is at rest (I14)."""
    host = end.machine.host
    vm, sets = end.vm(), []
    for idx in (0, 1):
        nr_slots = int(vm[f"set{idx}"]["nr_slots"])
        generation = int(vm[f"set{idx}"]["generation"])
        sets.append(host.state.view(f"slots{idx}", end.layout.MEMSLOT, nr_slots).tobytes())
        if generation >> 63 or generation % int(vm["generation_step"]):
            yield f"a memslot set is left at generation {generation:#x}"
    if sets[0] != sets[1]:
        yield "the two memslot sets differ"
    slots = host.observed.memslots()
    ends = slots["base_gfn"] + slots["nr_pages"]
    if (ends[:-1] > slots["base_gfn"][1:]).any():
        yield "memslots overlap"


def caches_are_sound(end: Ended) -> Iterator[str]:
    """A valid cache is active, listed, and maps what its address shows (I1, I2)."""
    host = end.machine.host
    listed = host.state.view("gpc_list", "<u8", int(end.vm()["nr_gpcs"])).tolist()
    for khva, gpc in end.gpcs():
        name = _name(end, khva)
        if bool(gpc["active"]) != (listed.count(khva) == 1):
            yield f"the cache of {name} is active or listed, but not both"
        if gpc["gpa"] == INVALID_GPA and gpc["memslot"]:
            yield f"the cache of {name} is in HVA mode and has a memslot"
        if gpc["valid"]:
            yield from (f"the cache of {name} {wrong}" for wrong in _mapping_faults(end, gpc))
            if not _agrees_with_slots(end, gpc):
                yield f"the cache of {name} is not what the memslots say (I3)"


def _mapping_faults(end: Ended, gpc: dict[str, int]) -> Iterator[str]:
    if not gpc["active"]:
        yield "is valid but not active"
    if gpc["uhva"] >= _HVA_ERROR or gpc["pfn"] & _PFN_ERROR:
        yield "is valid with an address that is an error"
        return
    frame = end.machine.frame(Hva(gpc["uhva"] & -PAGE_SIZE))
    if frame is None or gpc["pfn"] != frame:
        yield "is valid and maps a page that is gone"
    elif gpc["khva"] != end.machine.khva(frame) + gpc["uhva"] % PAGE_SIZE:
        yield "is valid with a wrong khva"


def _agrees_with_slots(end: Ended, gpc: dict[str, int]) -> bool:
    """Tell whether a cache of the current generation has the address that its slot gives."""
    observed = end.machine.host.observed
    if gpc["gpa"] == INVALID_GPA or gpc["generation"] != observed.generation:
        return True
    gfn = gpc["gpa"] >> PAGE_SHIFT
    for slot in observed.memslots():
        page = gfn - int(slot["base_gfn"])
        if 0 <= page < int(slot["nr_pages"]):
            return int(slot["uhva"]) + page * PAGE_SIZE == gpc["uhva"] & -PAGE_SIZE
    return False


def wall_clock_is_even(end: Ended) -> Iterator[str]:
    """The wall clock of a mapped shared_info has an even version (I19)."""
    (_, gpc), *_rest = end.gpcs()
    layout = LONG_MODE if end.vm()["long_mode"] else COMPAT
    is_page = gpc["khva"] in end.machine.event_pages  # else it is found out above
    if gpc["valid"] and is_page and peek(gpc["khva"] + layout.wc_offset) & 1:
        yield "the wall clock is left half written"


def _pending(end: Ended, port: int) -> bool:
    at = LONG_MODE.pending_offset + port // 64 * 8
    return any(peek(page + at) >> port % 64 & 1 for page in end.machine.event_pages)


def sends_do_what_they_tell(end: Ended) -> Iterator[str]:
    """A refused send changed nothing (I6), a delivered one set its bit, and by HVA none fails."""
    selectors = _selectors(end)
    for port, outcome in end.senders():
        pending = _pending(end, port)
        if outcome < 0 and pending:
            yield f"the send of port {port} failed and yet it is pending"
        elif outcome == 0:
            yield f"the send of port {port} was merged into one that was never made"
        elif outcome == 1 and not pending:
            yield f"the send of port {port} was delivered and its bit is lost"
        elif outcome == 1 and "mode" not in end.all_effects and not selectors >> port // 64 & 1:
            yield f"port {port} is pending but no selector tells so (I8)"
        by_hva = end.machine.activation is Activation.HVA
        if by_hva and outcome < 0 and "deactivates" not in end.all_effects:
            yield f"the send of port {port} failed by HVA"


def _selectors(end: Ended) -> int:
    """Return the bits of the shadow and of every selector, in the layout of the mode."""
    shadow = int(end.machine.host.observed.shadow_sel(0))
    layout = LONG_MODE if end.vm()["long_mode"] else COMPAT
    offset, mask = layout.vcpu_info.pending_sel, (1 << layout.nr_selector_bits) - 1
    found = shadow
    for page in end.machine.event_pages:
        found |= peek(page + (offset & ~7)) >> (offset & 7) * 8 & mask
    return found


def merges_lose_no_bit(end: Ended) -> Iterator[str]:
    """The bit that was in the shadow is there still, or in a selector of either layout (I10)."""
    if "shadow" in end.all_effects:
        shadow = int(end.machine.host.observed.shadow_sel(0))
        wide = [peek(page + LONG_MODE.vcpu_info.pending_sel) for page in end.machine.event_pages]
        narrow = [peek(page) >> 32 for page in end.machine.event_pages]
        if not any(word & SHADOWED for word in (shadow, *wide, *narrow)):
            yield "a merge lost a selector bit"


def requests_are_granted(end: Ended) -> Iterator[str]:
    """Valid memslot requests succeed, and the generation counts their swaps (I15)."""
    for effects, outcome in zip(end.effects, end.outcomes, strict=True):
        if "slots" in effects and outcome:
            yield "a memslot request was refused"
    machine = end.machine
    swaps = (machine.host.observed.generation - machine.first_generation) // 2
    if swaps != end.nr_swaps:
        yield f"{swaps} swaps instead of {end.nr_swaps}"


def selectors_are_announced(end: Ended) -> Iterator[str]:
    """A selector bit comes with the upcall flag, a shadowed one with a kick (I11)."""
    for page in end.machine.event_pages:
        first, second = peek(page), peek(page + 8)
        if (first >> 32 or second) and not first & 1:
            yield "a selector bit is set without the upcall flag"
    vcpu = end.machine.host.state.view("vcpus", end.layout.VCPU, 1)[0]
    if (
        "shadow" not in end.all_effects
        and int(vcpu["shadow_sel"])
        and not int(vcpu["requests"]) & 1
    ):
        yield "a selector bit waits in the shadow and nobody was kicked"


def events_stay_in_their_fields(end: Ended) -> Iterator[str]:
    """A send writes pending bits, a selector and the upcall flag, nothing else (I13)."""
    if end.all_effects <= {"sends", "slots"} and all(end.effects):
        for word in end.changed:
            offset = word % PAGE_SIZE
            if word & -PAGE_SIZE in end.machine.event_pages and not (
                offset < 16 or LONG_MODE.pending_offset <= offset < LONG_MODE.mask_offset
            ):
                yield f"a send wrote at offset {offset:#x} of a shared page"


def hva_caches_are_left_alone(end: Ended) -> Iterator[str]:
    """A memslot change changes nothing in a cache that is in HVA mode (I4)."""
    if end.all_effects <= {"sends", "slots"} and all(end.effects):
        for khva, gpc in end.gpcs():
            changed = any(khva <= word < khva + 64 for word in end.changed)
            if gpc["gpa"] == INVALID_GPA and changed:
                yield f"a memslot change reached the cache of {_name(end, khva)}"


def _name(end: Ended, khva: Khva) -> str:
    return "shared_info" if khva == end.machine.host.state.shinfo_gpc() else "vcpu_info"


CHECKS: Final[tuple[Callable[[Ended], Iterator[str]], ...]] = (
    locks_are_free,
    slots_are_whole,
    caches_are_sound,
    wall_clock_is_even,
    sends_do_what_they_tell,
    merges_lose_no_bit,
    requests_are_granted,
    selectors_are_announced,
    events_stay_in_their_fields,
    hva_caches_are_left_alone,
)


def violations(end: Ended) -> tuple[str, ...]:
    """Return what does not hold."""
    with np.errstate(over="ignore"):
        return tuple(wrong for check in CHECKS for wrong in check(end))
