"""What must hold when both operations are done, whatever the schedule was.

Each check returns a line for what is wrong. They look at the real pages, into which a schedule's
last words were put.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from xenperf.abi.kvm import INVALID_GPA
from xenperf.abi.status import outcome_of
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.explore.accesses import peek
from xenperf.explore.ended import Ended
from xenperf.explore.event_invariants import EVENT_CHECKS
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


def requests_are_granted(end: Ended) -> Iterator[str]:
    """Valid memslot requests succeed, and the generation counts their swaps (I15)."""
    for effects, outcome in zip(end.effects, end.outcomes, strict=True):
        if "slots" in effects and outcome:
            yield "a memslot request was refused"
    machine = end.machine
    swaps = (machine.host.observed.generation - machine.first_generation) // 2
    if swaps != end.nr_swaps:
        yield f"{swaps} swaps instead of {end.nr_swaps}"


def hva_caches_are_left_alone(end: Ended) -> Iterator[str]:
    """A memslot change changes nothing in a cache that is in HVA mode (I4)."""
    if end.all_effects <= {"sends", "untold", "slots"} and all(end.effects):
        for khva, gpc in end.gpcs():
            changed = any(khva <= word < khva + 64 for word in end.changed)
            if gpc["gpa"] == INVALID_GPA and changed:
                yield f"a memslot change reached the cache of {_name(end, khva)}"


def activations_keep_their_word(end: Ended) -> Iterator[str]:
    """After 0 shared_info is valid and after an errno it is not, unless somebody saw to that (I5).

    Who raises an event may refresh it, and drops the mapping if that fails.
    """
    others = end.all_effects & {"sends", "untold", "remaps", "deactivates"}
    if "activates" in end.all_effects and not others:
        (_, gpc), *_rest = end.gpcs()
        told = {
            outcome_of(outcome) == 0
            for effects, outcome in zip(end.effects, end.outcomes, strict=True)
            if "activates" in effects
        }
        if told == {bool(not gpc["valid"])}:
            yield "an activation of shared_info tells the contrary of what it left"


def a_deactivated_cache_is_off(end: Ended) -> Iterator[str]:
    """Who is deactivated stays so until activated, and then refuses every send (I22)."""
    (_, gpc), *_rest = end.gpcs()
    if end.all_effects & {"deactivates"} and not end.all_effects & {"activates"} and gpc["active"]:
        yield "shared_info was deactivated and is active"
    elif "deactivates" not in end.all_effects and not gpc["active"]:
        yield "shared_info is inactive and nobody deactivated it"


def _name(end: Ended, khva: Khva) -> str:
    return "shared_info" if khva == end.machine.host.state.shinfo_gpc() else "vcpu_info"


CHECKS: Final[tuple[Callable[[Ended], Iterator[str]], ...]] = (
    locks_are_free,
    slots_are_whole,
    caches_are_sound,
    wall_clock_is_even,
    requests_are_granted,
    hva_caches_are_left_alone,
    activations_keep_their_word,
    a_deactivated_cache_is_off,
    *EVENT_CHECKS,
)


def violations(end: Ended) -> tuple[str, ...]:
    """Return what does not hold."""
    with np.errstate(over="ignore"):
        return tuple(wrong for check in CHECKS for wrong in check(end))
