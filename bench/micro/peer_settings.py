"""The settings in which ``peer.py`` times each loop kernel: a VM, and the loop's three words."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xenperf.abi.kvm import INVALID_GPA, MemslotFlag
from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.hypervisor import Activation, MemoryRegion, VmSize
from xenperf.model.host import ModelHost
from xenperf.model.loops import pack_regions
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa

GPA, HVA = Activation.GPA, Activation.HVA
NO_HVA = 1 << 63
RAM_PAGES = 512
SHINFO_GFN, FIRST_VCPU_INFO_GFN, FIRST_OTHER_GFN = Gfn(7), Gfn(16), 1 << 20
NR_GFNS = 1 << 14
ENOTCONN = 2**64 - 107
AFTER_SLOT_CHANGE, AFTER_INVALIDATION, AFTER_DEACTIVATION = 1, 2, 4

Words = tuple[int, int, int]


class Vm:
    """RAM in slot 0, *nr_slots* slots altogether, every cache active by one kind of address."""

    def __init__(self, activation: Activation, nr_slots: int, nr_vcpus: int) -> None:
        self.activation = activation
        self.host = ModelHost(VmSize(4096, nr_slots + 3, nr_vcpus))
        self.drawn = np.random.default_rng(0x5EED)  # what is drawn cannot be learned, yet repeats
        self.keep: list[Any] = []
        self.ram = self.host.allocate_pages(RAM_PAGES)
        self.whole = MemoryRegion(0, Gpa(0), RAM_PAGES * PAGE_SIZE, self.ram)
        others = [self.other(slot) for slot in range(1, nr_slots)]
        assert not any(self.host.set_memory_regions([self.whole, *others]))
        self._activate(nr_vcpus)

    def other(self, slot: int, flags: int = 0) -> MemoryRegion:
        """A slot of one page far from RAM; between two of them lies a hole."""
        gpa = gfn_to_gpa(Gfn(FIRST_OTHER_GFN + 2 * slot))
        return MemoryRegion(slot, gpa, PAGE_SIZE, self.ram, flags)

    def hva(self, gfn: int) -> Hva:
        return Hva(self.ram + gfn * PAGE_SIZE)

    def point_at(self, values: Any) -> int:
        """Keep *values* alive and return where they are."""
        self.keep.append(values)
        return int(values.ctypes.data)

    def close(self) -> None:
        self.host.close()

    def _activate(self, nr_vcpus: int) -> None:
        for vcpu_idx in range(nr_vcpus):
            gfn = Gfn(FIRST_VCPU_INFO_GFN + vcpu_idx)
            if self.activation is GPA:
                assert self.host.activate_vcpu_info_gpa(vcpu_idx, gfn_to_gpa(gfn)) == 0
            else:
                assert self.host.activate_vcpu_info_hva(vcpu_idx, self.hva(gfn)) == 0
        if self.activation is GPA:
            assert self.host.activate_shinfo_gfn(SHINFO_GFN) == 0
        else:
            assert self.host.activate_shinfo_hva(self.hva(SHINFO_GFN)) == 0


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: the loop kernel, how its VM is made and what its words are."""

    name: str
    kernel: str
    words: Callable[[Vm], Words] = field(default=lambda vm: (0, 0, 0))
    activation: Activation = GPA
    nr_slots: int = 8
    nr_vcpus: int = 1
    bar: float = 1.05

    def open(self) -> Vm:
        return Vm(self.activation, self.nr_slots, self.nr_vcpus)


def ports(outcome: int = 1) -> Callable[[Vm], Words]:
    def words(vm: Vm) -> Words:
        drawn = vm.drawn.permutation(np.arange(1, LONG_MODE.nr_ports, dtype=np.uint32))
        return vm.point_at(drawn), len(drawn), outcome

    return words


def compat_ports(vm: Vm) -> Words:
    assert vm.host.set_long_mode(False) == 0
    drawn = vm.drawn.permutation(np.arange(1, COMPAT.nr_ports, dtype=np.uint32))
    return vm.point_at(drawn), len(drawn), 1


def masked_ports(vm: Vm) -> Words:
    vm.host.write(Hva(vm.hva(SHINFO_GFN) + LONG_MODE.mask_offset), b"\xff" * 512)
    return ports(ENOTCONN)(vm)


def constant(a: int = 0, b: int = 0, c: int = 0) -> Callable[[Vm], Words]:
    return lambda vm: (a, b, c)


def activation(before: int) -> Callable[[Vm], Words]:
    def words(vm: Vm) -> Words:
        if vm.activation is GPA:
            return gfn_to_gpa(SHINFO_GFN), NO_HVA, before
        return INVALID_GPA, vm.hva(SHINFO_GFN), before

    return words


def unrelated_range(read_first: int) -> Callable[[Vm], Words]:
    return lambda vm: (vm.hva(SHINFO_GFN - 1), vm.hva(SHINFO_GFN), read_first)


def gfns(vm: Vm) -> Words:
    """Frames drawn evenly over the slots."""
    slots = vm.drawn.integers(0, vm.host.nr_slots - 3, NR_GFNS)
    drawn = np.where(slots == 0, SHINFO_GFN, FIRST_OTHER_GFN + 2 * slots).astype(np.uint64)
    return vm.point_at(drawn), NR_GFNS - 1, 0


def gfns_of_one_slot(vm: Vm) -> Words:
    return vm.point_at(vm.drawn.integers(0, RAM_PAGES, NR_GFNS).astype(np.uint64)), NR_GFNS - 1, 0


def flag_flips(vm: Vm) -> Words:
    regions = [vm.other(1, MemslotFlag.LOG_DIRTY_PAGES), vm.other(1)]
    return vm.point_at(pack_regions(regions)), len(regions), 0


def deletions(vm: Vm) -> Words:
    regions = [MemoryRegion(1, Gpa(0), 0, Hva(0)), vm.other(1)]
    return vm.point_at(pack_regions(regions)), len(regions), 0


def break_apart(vm: Vm) -> Words:
    """Lay a page over RAM and take it away again; the third word is the port sent meanwhile."""
    low, overlay, high = (vm.host.nr_slots - 3 + idx for idx in range(3))
    gpa, first_high = gfn_to_gpa(SHINFO_GFN), SHINFO_GFN + 1
    high_bytes = (RAM_PAGES - first_high) * PAGE_SIZE
    regions = [
        MemoryRegion(0, Gpa(0), 0, Hva(0)),
        MemoryRegion(low, Gpa(0), gpa, vm.ram),
        MemoryRegion(overlay, gpa, PAGE_SIZE, vm.hva(SHINFO_GFN)),
        MemoryRegion(high, gfn_to_gpa(Gfn(first_high)), high_bytes, vm.hva(first_high)),
        *(MemoryRegion(slot, Gpa(0), 0, Hva(0)) for slot in (low, overlay, high)),
        vm.whole,
    ]
    return vm.point_at(pack_regions(regions)), len(regions), 77


def pending_bits(vm: Vm) -> Words:
    """Eight of the 64 bits in each word; their exclusive-or is 0."""
    vm.host.write(Hva(vm.hva(SHINFO_GFN) + LONG_MODE.pending_offset), b"\x01" * 512)
    return 0, 0, 0


def pages(vm: Vm) -> Words:
    return vm.ram, 255, 0


def vector(vm: Vm) -> Words:
    assert vm.host.set_upcall_vector(0x20) == 0
    return 0, 0, 0


def _both(name: str, kernel: str, words: Callable[[Vm], Words], **how: Any) -> list[Setting]:
    """The same by GPA and by HVA."""
    return [Setting(f"{name}_{by}", kernel, words, activation=by, **how) for by in Activation]


def _searches(name: str, kernel: str) -> list[Setting]:
    sizes = (8, 64, 512, 32_761)  # with the three slots of a break-apart: all that KVM has
    return [Setting(f"{name}_{size}", kernel, gfns, nr_slots=size) for size in sizes]


SETTINGS: tuple[Setting, ...] = (
    *_both("send", "loop_send", ports()),
    Setting("send_compat", "loop_send", compat_ports),
    Setting("send_masked", "loop_send", masked_ports),
    *_both("send_merged", "loop_send_again", ports(0)),
    *_both("send_after_slot_change", "loop_send_after_slot_change", ports()),
    *_both("send_and_handle", "loop_send_and_handle", ports(64)),
    *_both("check", "loop_check", constant(31), nr_vcpus=32, bar=1.10),
    *_both("lock_and_check", "loop_lock_and_check", constant(31), nr_vcpus=32),
    *_both("refresh", "loop_refresh", constant(0)),
    *_both("refresh_after_slot_change", "loop_refresh", constant(AFTER_SLOT_CHANGE)),
    *_both("refresh_after_invalidation", "loop_refresh", constant(AFTER_INVALIDATION)),
    *_both("activate", "loop_activate", activation(0)),
    *_both("activate_after_slot_change", "loop_activate", activation(AFTER_SLOT_CHANGE)),
    *_both("deactivate_and_activate", "loop_activate", activation(AFTER_DEACTIVATION)),
    Setting("notify_8", "loop_notify", unrelated_range(1), nr_vcpus=7),
    Setting("notify_64", "loop_notify", unrelated_range(1), nr_vcpus=63),
    Setting("invalidate_8", "loop_invalidate", unrelated_range(1), nr_vcpus=7),
    Setting("invalidate_64", "loop_invalidate", unrelated_range(1), nr_vcpus=63),
    Setting("invalidate_write_locked_64", "loop_invalidate", unrelated_range(0), nr_vcpus=63),
    *_both("merge", "loop_merge", constant()),
    *_both("has_interrupt", "loop_has_interrupt", vector),
    Setting("lookup_same_slot", "loop_lookup", gfns_of_one_slot),
    Setting("lookup_64", "loop_lookup", gfns, nr_slots=64),
    *_searches("search", "loop_search"),
    *_searches("search_with_branches", "loop_search_with_branches"),
    Setting("update_slots_flags", "loop_update_slots", flag_flips),
    Setting("update_slots_delete_64", "loop_update_slots", deletions, nr_slots=64),
    Setting("update_slots_break_apart", "loop_update_slots", break_apart),
    *_both("update_slots_and_send", "loop_update_slots_and_send", break_apart),
    Setting("read_lock", "loop_read_lock"),
    Setting("write_lock", "loop_write_lock"),
    Setting("srcu", "loop_srcu"),
    Setting("set_pending", "loop_set_pending", ports(0)),
    Setting("scan_pending", "loop_scan_pending", pending_bits),
    Setting("walk", "loop_walk", pages),
)
