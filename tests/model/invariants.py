"""What holds of a modelled VM whenever none of its operations is under way.

``assert_consistent`` looks at one moment; a ``Snapshot`` at what an operation must not change.
"""

from dataclasses import dataclass

import numpy as np

from xenperf.abi.kvm import INVALID_GPA
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.model.host import ModelHost
from xenperf.model.layout import CPU, GPC, MEMSLOT, NR_CPUS, VCPU, VM
from xenperf.units import PAGE_SIZE, Hva, Khva

HVA_ERROR = 1 << 63
PFN_ERROR = 0x7FF << 52
IN_PROGRESS = 1 << 63
_LOCKS = ("slots_lock", "slots_arch_lock", "mn_invalidate_lock", "xen_lock", "gpc_lock")


def assert_consistent(host: ModelHost) -> None:
    """Check everything that holds at rest."""
    assert_locks_free(host)
    assert_sets_equal(host)
    assert_list_exact(host)
    for khva in host.state.gpcs():
        assert_cache_sound(host, khva)
    assert_wall_clock_even(host)


def assert_locks_free(host: ModelHost) -> None:
    """Nobody holds or waits for a lock, no range is open, and every reader has left (I21)."""
    vm = host.state.view("vm", VM)[0]
    assert {name: int(vm[name]) for name in (*_LOCKS, "srcu_lock")} == dict.fromkeys(
        (*_LOCKS, "srcu_lock"), 0
    )
    assert int(vm["mn_active_invalidate_count"]) == 0
    assert int(vm["mmu_invalidate_in_progress"]) == 0
    cpus = host.state.view("cpus", CPU, NR_CPUS)
    assert (cpus["srcu_locked"].sum(0) == cpus["srcu_unlocked"].sum(0)).all()
    for khva in host.state.gpcs():
        gpc = host.observed.gpc(khva)
        assert (gpc["lock"], gpc["wait"], gpc["refresh_lock"]) == (0, 0, 0)


def assert_sets_equal(host: ModelHost) -> None:
    """Both sets hold the same slots, disjoint and in order; no update is in progress (I14)."""
    state, nr_ids = host.state, host.nr_slots
    vm = state.view("vm", VM)[0]
    slots, gfn_by_id = [], []
    for idx in (0, 1):
        memslots = vm[f"set{idx}"]
        nr_slots = int(memslots["nr_slots"])
        records = state.view(f"slots{idx}", MEMSLOT, nr_ids + 2)
        assert records[nr_slots].tobytes() == bytes(MEMSLOT.itemsize)
        assert int(memslots["last_used"]) <= nr_ids
        assert not int(memslots["generation"]) & IN_PROGRESS
        slots.append(records[:nr_slots].tobytes())
        gfn_by_id.append(state.view(f"gfn_by_id{idx}", "<u8", nr_ids).tobytes())
    assert slots[0] == slots[1]
    assert gfn_by_id[0] == gfn_by_id[1]
    assert host.observed.generation % int(vm["generation_step"]) == 0
    records = host.observed.memslots()
    ends = records["base_gfn"] + records["nr_pages"]
    assert (ends[:-1] <= records["base_gfn"][1:]).all()
    by_id = np.zeros(nr_ids, np.uint64)
    by_id[records["id"]] = records["base_gfn"] + np.uint64(1)
    assert by_id.tobytes() == gfn_by_id[0]


def assert_list_exact(host: ModelHost) -> None:
    """A cache is on the VM's list exactly while it is active, at the place it remembers."""
    state = host.state
    listed = state.view("gpc_list", "<u8", int(state.view("vm", VM)[0]["nr_gpcs"]))
    places = {int(khva): place for place, khva in enumerate(listed)}
    assert len(places) == len(listed)
    active = {khva for khva in state.gpcs() if host.observed.gpc(khva)["active"]}
    assert active == set(places)
    for khva, place in places.items():
        assert host.observed.gpc(Khva(khva))["list_idx"] == place


def assert_cache_sound(host: ModelHost, khva: Khva) -> None:
    """A valid cache is active and maps what its uhva shows; its mode is told by gpa (I1, I2)."""
    gpc = host.observed.gpc(khva)
    assert gpc["active"] in (0, 1)
    assert gpc["valid"] in (0, 1)
    if gpc["gpa"] == INVALID_GPA:
        assert gpc["memslot"] == 0
    if gpc["valid"]:
        assert gpc["active"]
        assert gpc["uhva"] < HVA_ERROR
        assert not gpc["pfn"] & PFN_ERROR
        uhva = Hva(gpc["uhva"])
        assert gpc["pfn"] == host.mm.pfn(Hva(uhva & -PAGE_SIZE))
        assert gpc["khva"] == host.memory.khva(host.mm.pfn(uhva)) + uhva % PAGE_SIZE
    elif not gpc["active"]:
        assert (gpc["khva"], gpc["pfn"]) == (0, PFN_ERROR)


def assert_wall_clock_even(host: ModelHost) -> None:
    """At rest the wall clock of a mapped shared_info has an even version (I19)."""
    gpc = host.observed.gpc(host.state.shinfo_gpc())
    if gpc["valid"]:
        page = host.memory.view(host.memory.pfn_of(Khva(gpc["khva"])), "<u4")
        layout = LONG_MODE if host.state.view("vm", VM)[0]["long_mode"] else COMPAT
        assert int(page[layout.wc_offset // 4]) % 2 == 0


@dataclass(frozen=True)
class Snapshot:
    """What a memslot change leaves alone, and the generation, which only grows."""

    generation: int
    hva_caches: dict[Khva, bytes]
    shadows: tuple[int, ...]


def snapshot(host: ModelHost) -> Snapshot:
    """Remember what only some operations may change."""
    caches = {}
    for khva in host.state.gpcs():
        record = host.state.arena.view(GPC, khva - host.state.arena.khva, 1)[0]
        if record["active"] and int(record["gpa"]) == INVALID_GPA:
            caches[khva] = record.tobytes()
    shadows = host.state.view("vcpus", VCPU, host.nr_vcpus)["shadow_sel"]
    return Snapshot(host.observed.generation, caches, tuple(int(sel) for sel in shadows))


def assert_slots_change_kept(before: Snapshot, host: ModelHost) -> None:
    """A memslot change leaves HVA caches and shadows alone and never goes back (I4, I14)."""
    after = snapshot(host)
    assert after.hva_caches == before.hva_caches
    assert after.shadows == before.shadows
    assert after.generation >= before.generation
