"""Which lock is taken inside which, recorded from everything that the model does."""

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.explore.planted import planted
from tests.litmus.recorder import Event, Recorder
from xenperf.explore.machine import Machine
from xenperf.explore.operations import OPERATIONS
from xenperf.hypervisor import Activation

XEN, SRCU, REFRESH, GPC, GPC_LIST = "xen_lock", "SRCU", "refresh_lock", "gpc->lock", "gpc_lock"
SLOTS, SLOTS_ARCH, MN_INVALIDATE = "slots_lock", "slots_arch_lock", "mn_invalidate_lock"
CHAINS = ((XEN, SRCU, REFRESH, GPC), (GPC_LIST, GPC), (SLOTS, SLOTS_ARCH, MN_INVALIDATE))
"""Outer to inner."""

TAKES = ("compare_exchange_acquire32", "fetch_add_acquire32")
LEAVES = ("store_release32", "store_release8", "fetch_add_release32")


class Held(NamedTuple):
    """Pairs of locks, the second taken while the first was held; what was held at each walk."""

    pairs: set[tuple[str, str]]
    walks: list[frozenset[str]]


class Watch:
    """Follows recorded accesses to the locks of one machine."""

    def __init__(self, recorder: Recorder, machine: Machine) -> None:
        self.layout, state = recorder.model("layout"), machine.host.state
        self.locks = {
            int(machine.vm) + self.layout.VM.fields[name][1]: name
            for name in (XEN, GPC_LIST, SLOTS, SLOTS_ARCH, MN_INVALIDATE)
        }
        for gpc in state.gpcs():
            self.locks |= {int(gpc): GPC, int(gpc + self.layout.GPC_REFRESH_LOCK): REFRESH}
        self.cpus = int(state.khva("cpus"))
        self.held: list[str] = []
        self.found = Held(set(), [])

    def follow(self, events: list[Event]) -> None:
        for event in events:
            lock = self.locks.get(event.khva)
            if lock and event.name in TAKES:
                if event.answer or event.name == "fetch_add_acquire32":
                    self._take(lock)
            elif lock and event.name in LEAVES:
                self.held.remove(lock)
            elif event.name == "store64":
                self._look_at_cpu(event.khva - self.cpus)

    def _look_at_cpu(self, offset: int) -> None:
        """SRCU is entered and left, and walks are counted, in the processor's own words."""
        if not 0 <= offset < self.layout.NR_CPUS * self.layout.CPU.itemsize:
            return
        word = offset % self.layout.CPU.itemsize
        if word < self.layout.CPU_SRCU_UNLOCKED:
            self._take(SRCU)
        elif word < self.layout.CPU_NR_REFRESHES:
            self.held.remove(SRCU)
        elif word == self.layout.CPU_NR_GUPS:
            self.found.walks.append(frozenset(self.held))

    def _take(self, lock: str) -> None:
        self.found.pairs.update((outer, lock) for outer in self.held if outer != lock)
        self.held.append(lock)


def watched(recorder: Recorder, activation: Activation) -> Held:
    """Do every operation by itself, on a machine of its own, and follow its locks."""
    all_found = Held(set(), [])
    for operation in OPERATIONS.values():
        with Machine(recorder, activation) as machine:  # type: ignore[arg-type]
            operation.prepare(machine)
            machine.note_start()
            act, watch = operation.act(machine, 0), Watch(recorder, machine)
            with recorder.recording() as events:
                act()
            watch.follow(events)
            assert watch.held == [], operation.summary
            all_found.pairs.update(watch.found.pairs)
            all_found.walks.extend(watch.found.walks)
    return all_found


def assert_in_one_order(found: Held) -> None:
    """No two locks are taken both ways round, not even by way of others."""
    graph: dict[str, set[str]] = {}
    for outer, inner in found.pairs:
        graph.setdefault(inner, set()).add(outer)
    TopologicalSorter(graph).prepare()


def assert_walks_hold_what_they_may(found: Held) -> None:
    """A walk of the page tables sleeps: gpc->lock is never held, refresh_lock and SRCU always."""
    assert found.walks
    for held in found.walks:
        assert {REFRESH, SRCU} <= held
        assert GPC not in held


@pytest.fixture(scope="module", params=list(Activation))
def found(request: pytest.FixtureRequest) -> Held:
    return watched(Recorder(), request.param)


def test_locks_are_taken_in_one_order(found: Held) -> None:
    assert_in_one_order(found)
    for chain in CHAINS:
        assert set(pairwise(chain)) <= found.pairs


def test_a_memslot_update_takes_no_lock_of_a_cache(found: Held) -> None:
    of_slots, of_caches = {SLOTS, SLOTS_ARCH, MN_INVALIDATE}, {XEN, REFRESH, GPC, GPC_LIST}
    assert not [pair for pair in found.pairs if set(pair) & of_slots and set(pair) & of_caches]


def test_no_cache_is_locked_while_page_tables_are_walked(found: Held) -> None:
    assert_walks_hold_what_they_may(found)


def test_locks_in_another_order_are_found_out(tmp_path: Path) -> None:
    faulty = watched(Recorder(planted(tmp_path, "locks_in_another_order")), Activation.HVA)
    with pytest.raises(CycleError):
        assert_in_one_order(faulty)


def test_a_walk_under_the_lock_is_found_out(tmp_path: Path) -> None:
    faulty = watched(Recorder(planted(tmp_path, "walk_under_lock")), Activation.GPA)
    assert_in_one_order(faulty)
    with pytest.raises(AssertionError):
        assert_walks_hold_what_they_may(faulty)
