"""Where the model keeps the kernel's objects: one dtype each, and the offsets the steps use.

Every field is a naturally aligned little-endian word reached as base + constant offset through
``words``. The dtypes serve set-up, tests, reports and the C peer, which asserts its own offsets
against them. Sizes: a pfncache fills one cache line, a memslot half of one, a vCPU four or more.
"""

from typing import Final

import numpy as np

from xenperf.abi.structs import StructDtype, offset_of, struct

U64: Final = np.uint64
U32: Final = np.uint32
U16: Final = np.uint16
U8: Final = np.uint8

NR_CPUS: Final = 8
VM_BYTES: Final = 1024

GPC: Final = struct(
    64,
    ("lock", "<u4", 0),  # reader-writer lock: count of readers << 9, writer waiting, writer
    ("wait", "<u4", 4),  # its queue
    ("active", "u1", 8),
    ("valid", "u1", 9),
    ("list_idx", "<u2", 10),  # place in the VM's list of caches, while active
    ("refresh_lock", "<u4", 12),
    ("generation", "<u8", 16),
    ("gpa", "<u8", 24),  # all-ones: activated by HVA
    ("uhva", "<u8", 32),  # with the offset in the page
    ("khva", "<u8", 40),
    ("pfn", "<u8", 48),
    ("memslot", "<u8", 56),  # id + 1; 0 is NULL
)
"""``struct gfn_to_pfn_cache`` (include/linux/kvm_types.h, v6.9)."""

MEMSLOT: Final = struct(
    32,
    ("base_gfn", "<u8", 0),
    ("nr_pages", "<u8", 8),
    ("uhva", "<u8", 16),
    ("flags", "<u4", 24),
    ("id", "<u4", 28),
)
"""``struct kvm_memory_slot``; a set keeps its slots in an array sorted by gfn."""

MEMSLOTS: Final = struct(
    64,
    ("generation", "<u8", 0),
    ("nr_slots", "<u8", 8),
    ("last_used", "<u8", 16),  # index, written by readers
    ("slots", "<u8", 24),  # khva of the array
    ("gfn_by_id", "<u8", 32),  # khva of words: base gfn + 1 of the slot with this id; 0 = none
)
"""``struct kvm_memslots``: one of the two sets of an address space."""

VCPU: Final = struct(
    256,
    ("shadow_sel", "<u8", 0),  # vcpu->arch.xen.evtchn_pending_sel
    ("requests", "<u8", 8),
    ("nr_kicks", "<u8", 16),
    ("nr_injected", "<u8", 24),  # per-vCPU upcall vectors raised through the local APIC
    ("nr_clock_updates", "<u8", 32),
    ("upcall_vector", "u1", 40),
    ("vcpu_info", GPC, 64),
    ("timer_expires", "<u8", 128),  # as the VMM reads it, guest ns; 0: not armed, or delivered
    ("timer_deadline", "<u8", 136),  # when the hrtimer fires; 0: it is not queued
    ("timer_virq", "<u4", 144),  # its port; 0: KVM handles no timer
    ("timer_pending", "<u4", 148),  # fired, but left to the vCPU
    ("poll_evtchn", "<u4", 152),  # the port polled; all-ones: many, 0: none
    ("vcpu_id", "<u4", 156),  # as the guest numbers it
    ("poll_deadline", "<u8", 160),  # when the poll's timer fires; 0: it is not queued
    ("poll_injected", "<u8", 168),  # nr_injected when the poll went to sleep
    ("is_halted", "<u4", 176),  # asleep in a poll
    ("vcpu_idx", "<u4", 180),
)
"""The Xen part of ``struct kvm_vcpu``."""

CPU: Final = struct(
    128,
    ("srcu_locked", ("<u8", 2), 0),
    ("srcu_unlocked", ("<u8", 2), 16),
    ("nr_refreshes", "<u8", 32),
    ("nr_lookups", "<u8", 40),  # refreshes that asked the memslots
    ("nr_gups", "<u8", 48),  # walks from HVA to PFN
    ("nr_swaps", "<u8", 56),
    ("nr_slow_sends", "<u8", 64),
    ("nr_invalidated", "<u8", 72),
    ("nr_warnings", "<u8", 80),  # where KVM would WARN
)
"""What a processor owns: its SRCU counters and its share of the statistics."""

VM: Final = struct(
    VM_BYTES,
    ("memslots", "<u8", 0),  # khva of the active set
    ("generation_step", "<u8", 8),  # address spaces: 2 on x86 with SMM, else 1
    ("nr_slot_ids", "<u8", 16),
    ("slots_lock", "<u4", 64),
    ("slots_arch_lock", "<u4", 68),
    ("mn_invalidate_lock", "<u4", 128),
    ("xen_lock", "<u4", 132),
    ("mn_active_invalidate_count", "<u8", 136),
    ("mmu_invalidate_seq", "<u8", 144),
    ("mmu_invalidate_in_progress", "<u8", 152),
    ("gpc_lock", "<u4", 192),
    ("nr_gpcs", "<u8", 200),
    ("gpc_list", "<u8", 208),  # khva of khvas
    ("long_mode", "u1", 256),
    ("upcall_vector", "u1", 257),
    ("nr_vcpus", "<u8", 264),
    ("vcpus", "<u8", 272),
    ("direct_map", "<u8", 280),
    ("pgd", "<u8", 288),  # pfn of the top page table
    ("cpus", "<u8", 296),
    ("dirty_bitmaps", "<u8", 304),  # khva of khvas, by slot id; 0 = none
    ("wall_clock_ns", "<u8", 312),  # guest boot time since 1970
    ("srcu_idx", "<u8", 320),
    ("srcu_lock", "<u4", 328),  # one grace period at a time
    ("shinfo", GPC, 384),
    ("set0", MEMSLOTS, 448),
    ("set1", MEMSLOTS, 512),
    ("poll_mask", ("<u8", 16), 576),  # vCPUs asleep in a poll
    ("now_ns", "<u8", 704),  # the guest's clock, moved on by the host alone
    ("gsis", "<u8", 712),
    ("nr_gsis", "<u8", 720),
    ("evtchn_ports", "<u8", 728),  # one record for each port there can be
    ("eventfds", "<u8", 736),  # counters
    ("nr_eventfds", "<u8", 744),
)
"""The parts of ``struct kvm`` that event delivery and memslot updates touch."""


def _at(dtype: StructDtype, field: str) -> np.uint64:
    return np.uint64(offset_of(dtype, field))


GPC_BYTES: Final = U64(GPC.itemsize)
GPC_WAIT: Final = _at(GPC, "wait")
GPC_ACTIVE: Final = _at(GPC, "active")
GPC_VALID: Final = _at(GPC, "valid")
GPC_LIST_IDX: Final = _at(GPC, "list_idx")
GPC_REFRESH_LOCK: Final = _at(GPC, "refresh_lock")
GPC_GENERATION: Final = _at(GPC, "generation")
GPC_GPA: Final = _at(GPC, "gpa")
GPC_UHVA: Final = _at(GPC, "uhva")
GPC_KHVA: Final = _at(GPC, "khva")
GPC_PFN: Final = _at(GPC, "pfn")
GPC_MEMSLOT: Final = _at(GPC, "memslot")

SLOT_SHIFT: Final = U64(5)
SLOT_NR_PAGES: Final = _at(MEMSLOT, "nr_pages")
SLOT_UHVA: Final = _at(MEMSLOT, "uhva")
SLOT_FLAGS: Final = _at(MEMSLOT, "flags")
SLOT_ID: Final = _at(MEMSLOT, "id")

SET_NR_SLOTS: Final = _at(MEMSLOTS, "nr_slots")
SET_LAST_USED: Final = _at(MEMSLOTS, "last_used")
SET_SLOTS: Final = _at(MEMSLOTS, "slots")
SET_GFN_BY_ID: Final = _at(MEMSLOTS, "gfn_by_id")

VCPU_BYTES: Final = U64(VCPU.itemsize)
VCPU_REQUESTS: Final = _at(VCPU, "requests")
VCPU_NR_KICKS: Final = _at(VCPU, "nr_kicks")
VCPU_NR_INJECTED: Final = _at(VCPU, "nr_injected")
VCPU_NR_CLOCK_UPDATES: Final = _at(VCPU, "nr_clock_updates")
VCPU_UPCALL_VECTOR: Final = _at(VCPU, "upcall_vector")
VCPU_VCPU_INFO: Final = _at(VCPU, "vcpu_info")
VCPU_TIMER_EXPIRES: Final = _at(VCPU, "timer_expires")
VCPU_TIMER_DEADLINE: Final = _at(VCPU, "timer_deadline")
VCPU_TIMER_VIRQ: Final = _at(VCPU, "timer_virq")
VCPU_TIMER_PENDING: Final = _at(VCPU, "timer_pending")
VCPU_POLL_EVTCHN: Final = _at(VCPU, "poll_evtchn")
VCPU_VCPU_ID: Final = _at(VCPU, "vcpu_id")
VCPU_POLL_DEADLINE: Final = _at(VCPU, "poll_deadline")
VCPU_POLL_INJECTED: Final = _at(VCPU, "poll_injected")
VCPU_IS_HALTED: Final = _at(VCPU, "is_halted")
VCPU_VCPU_IDX: Final = _at(VCPU, "vcpu_idx")

CPU_BYTES: Final = U64(CPU.itemsize)
CPU_SRCU_LOCKED: Final = _at(CPU, "srcu_locked")
CPU_SRCU_UNLOCKED: Final = _at(CPU, "srcu_unlocked")
CPU_NR_REFRESHES: Final = _at(CPU, "nr_refreshes")
CPU_NR_LOOKUPS: Final = _at(CPU, "nr_lookups")
CPU_NR_GUPS: Final = _at(CPU, "nr_gups")
CPU_NR_SWAPS: Final = _at(CPU, "nr_swaps")
CPU_NR_SLOW_SENDS: Final = _at(CPU, "nr_slow_sends")
CPU_NR_INVALIDATED: Final = _at(CPU, "nr_invalidated")
CPU_NR_WARNINGS: Final = _at(CPU, "nr_warnings")

VM_GENERATION_STEP: Final = _at(VM, "generation_step")
VM_NR_SLOT_IDS: Final = _at(VM, "nr_slot_ids")
VM_SLOTS_LOCK: Final = _at(VM, "slots_lock")
VM_SLOTS_ARCH_LOCK: Final = _at(VM, "slots_arch_lock")
VM_MN_INVALIDATE_LOCK: Final = _at(VM, "mn_invalidate_lock")
VM_XEN_LOCK: Final = _at(VM, "xen_lock")
VM_MN_ACTIVE: Final = _at(VM, "mn_active_invalidate_count")
VM_MMU_SEQ: Final = _at(VM, "mmu_invalidate_seq")
VM_MMU_IN_PROGRESS: Final = _at(VM, "mmu_invalidate_in_progress")
VM_GPC_LOCK: Final = _at(VM, "gpc_lock")
VM_NR_GPCS: Final = _at(VM, "nr_gpcs")
VM_GPC_LIST: Final = _at(VM, "gpc_list")
VM_LONG_MODE: Final = _at(VM, "long_mode")
VM_UPCALL_VECTOR: Final = _at(VM, "upcall_vector")
VM_NR_VCPUS: Final = _at(VM, "nr_vcpus")
VM_VCPUS: Final = _at(VM, "vcpus")
VM_DIRECT_MAP: Final = _at(VM, "direct_map")
VM_PGD: Final = _at(VM, "pgd")
VM_CPUS: Final = _at(VM, "cpus")
VM_DIRTY_BITMAPS: Final = _at(VM, "dirty_bitmaps")
VM_WALL_CLOCK_NS: Final = _at(VM, "wall_clock_ns")
VM_SRCU_IDX: Final = _at(VM, "srcu_idx")
VM_SRCU_LOCK: Final = _at(VM, "srcu_lock")
VM_SHINFO: Final = _at(VM, "shinfo")
VM_SET0: Final = _at(VM, "set0")
VM_SET1: Final = _at(VM, "set1")
VM_POLL_MASK: Final = _at(VM, "poll_mask")
VM_NOW_NS: Final = _at(VM, "now_ns")
VM_GSIS: Final = _at(VM, "gsis")
VM_NR_GSIS: Final = _at(VM, "nr_gsis")
VM_EVTCHN_PORTS: Final = _at(VM, "evtchn_ports")
VM_EVENTFDS: Final = _at(VM, "eventfds")
VM_NR_EVENTFDS: Final = _at(VM, "nr_eventfds")
