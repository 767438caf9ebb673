"""Timed loops over memslots: searches, and updates that a VMM plays in a cycle."""

from xenperf.abi.kvm import USERSPACE_MEMORY_REGION
from xenperf.jit import kernel
from xenperf.model import memslots, slot_update
from xenperf.model.constants import ALL_ONES, ONE, THREE, ZERO
from xenperf.model.evtchn import hvm_evtchn_send
from xenperf.model.layout import SET_NR_SLOTS, SET_SLOTS, U64
from xenperf.words import Word, load64

REGION_BYTES = U64(USERSPACE_MEMORY_REGION.itemsize)


@kernel
def loop_lookup(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Look frames up, the slot used last first. *a*: ``uint64`` gfns; *b*: their number less one,
    a power of two less one.
    """
    active = memslots.active_set(vm)
    found = ZERO
    i = ZERO
    while i < n:
        gfn = load64(a + ((i & b) << THREE))
        found += ONE if memslots.lookup(active, gfn) != ZERO else ZERO
        i += ONE
    return found


@kernel
def loop_search(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Search frames by conditional moves. Arguments as in ``loop_lookup``."""
    active = memslots.active_set(vm)
    slots = load64(active + SET_SLOTS)
    nr_slots = load64(active + SET_NR_SLOTS)
    found = ZERO
    i = ZERO
    while i < n:
        gfn = load64(a + ((i & b) << THREE))
        found += ONE if memslots.search(slots, nr_slots, gfn) != ALL_ONES else ZERO
        i += ONE
    return found


@kernel
def loop_search_with_branches(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Search frames by branches. Arguments as in ``loop_lookup``."""
    active = memslots.active_set(vm)
    slots = load64(active + SET_SLOTS)
    nr_slots = load64(active + SET_NR_SLOTS)
    found = ZERO
    i = ZERO
    while i < n:
        gfn = load64(a + ((i & b) << THREE))
        index = memslots.search_with_branches(slots, nr_slots, gfn)
        found += ONE if index != ALL_ONES else ZERO
        i += ONE
    return found


@kernel
def loop_update_slots(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Make memslot requests. *a*: khva of the requests, played in a cycle; *b*: how many."""
    done = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == b else place
        rc = slot_update.set_memory_region(vm, cpu, a + place * REGION_BYTES)
        done += ONE if rc == ZERO else ZERO
        place += ONE
        i += ONE
    return done


@kernel
def loop_update_slots_and_send(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Make memslot requests as above, each followed by one send of port *c*.

    Returns how many requests succeeded: a send may fail here, which is what costs.
    """
    done = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == b else place
        rc = slot_update.set_memory_region(vm, cpu, a + place * REGION_BYTES)
        done += ONE if rc == ZERO else ZERO
        hvm_evtchn_send(vm, cpu, ZERO, c)
        place += ONE
        i += ONE
    return done
