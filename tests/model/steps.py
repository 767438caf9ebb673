"""Single steps of the model as entry points, for tests; not in the registry of the package."""

from collections.abc import Callable
from typing import Any

from xenperf.jit import Kernel
from xenperf.model import locks, memslots, notifier, pfncache, slot_update
from xenperf.model.constants import EIGHT, ONE, ZERO
from xenperf.words import Word, load64, store64


def step(func: Callable[..., Any]) -> Kernel:
    return Kernel(func)


@step
def check_once(vm: Word, gpc: Word, nr_bytes: Word) -> Word:
    return ONE if pfncache.check(vm, gpc, nr_bytes) else ZERO


@step
def refresh_once(vm: Word, cpu: Word, gpc: Word, nr_bytes: Word) -> Word:
    idx = locks.srcu_read_lock(vm, cpu)
    rc = pfncache.refresh(vm, cpu, gpc, nr_bytes)
    locks.srcu_read_unlock(cpu, idx)
    return rc


@step
def search_once(slots: Word, nr_slots: Word, gfn: Word) -> Word:
    return memslots.search(slots, nr_slots, gfn)


@step
def search_with_branches_once(slots: Word, nr_slots: Word, gfn: Word) -> Word:
    return memslots.search_with_branches(slots, nr_slots, gfn)


@step
def lookup_once(vm: Word, gfn: Word) -> Word:
    return memslots.lookup(memslots.active_set(vm), gfn)


@step
def hva_for_writing_once(vm: Word, gfn: Word) -> Word:
    return memslots.hva_for_writing(memslots.lookup(memslots.active_set(vm), gfn), gfn)


@step
def covers_hva_once(vm: Word, start: Word, end: Word) -> Word:
    return ONE if memslots.covers_hva(vm, start, end) else ZERO


@step
def mark_dirty_once(vm: Word, memslot: Word, gfn: Word) -> Word:
    memslots.mark_page_dirty(vm, memslot, gfn)
    return ZERO


@step
def invalidate_all(vm: Word, cpu: Word, start: Word, end: Word, read_first: Word) -> Word:
    notifier.invalidate_caches(vm, cpu, start, end, read_first != ZERO)
    return ZERO


@step
def update_region(vm: Word, cpu: Word, region: Word) -> Word:
    return slot_update.set_memory_region(vm, cpu, region)


@step
def synchronize(vm: Word) -> Word:
    locks.synchronize_srcu(vm)
    return ZERO


@step
def enter_srcu(vm: Word, cpu: Word) -> Word:
    return locks.srcu_read_lock(vm, cpu)


@step
def leave_srcu(cpu: Word, idx: Word) -> Word:
    locks.srcu_read_unlock(cpu, idx)
    return ZERO


@step
def enter_spinning(lock: Word) -> Word:
    locks.spin_lock(lock)
    return ZERO


@step
def leave_spinning(lock: Word) -> Word:
    locks.spin_unlock(lock)
    return ZERO


@step
def enter_reading(lock: Word) -> Word:
    locks.read_lock(lock)
    return ZERO


@step
def leave_reading(lock: Word) -> Word:
    locks.read_unlock(lock)
    return ZERO


@step
def enter_writing(lock: Word) -> Word:
    locks.write_lock(lock)
    return ZERO


@step
def leave_writing(lock: Word) -> Word:
    locks.write_unlock(lock)
    return ZERO


@step
def add_by_halves(lock: Word, cells: Word, n: Word) -> Word:
    """Write-lock *n* times and add one to each of two cells, which must agree inside."""
    torn = ZERO
    i = ZERO
    while i < n:
        locks.write_lock(lock)
        count = load64(cells)
        torn += ZERO if load64(cells + EIGHT) == count else ONE
        store64(cells, count + ONE)
        store64(cells + EIGHT, count + ONE)
        locks.write_unlock(lock)
        i += ONE
    return torn


@step
def compare_halves(lock: Word, cells: Word, n: Word) -> Word:
    """Read-lock *n* times and count how often the two cells disagree."""
    torn = ZERO
    i = ZERO
    while i < n:
        locks.read_lock(lock)
        torn += ZERO if load64(cells) == load64(cells + EIGHT) else ONE
        locks.read_unlock(lock)
        i += ONE
    return torn


@step
def add_under_spinlock(lock: Word, cell: Word, n: Word) -> Word:
    """Take the spinlock *n* times and add one to *cell* by a plain load and store."""
    i = ZERO
    while i < n:
        locks.spin_lock(lock)
        store64(cell, load64(cell) + ONE)
        locks.spin_unlock(lock)
        i += ONE
    return ZERO
