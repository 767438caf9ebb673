"""What a guest shares with Xen: layouts in both widths, limits and hypercall numbers.

Layouts follow the Xen 4.19 public headers ``xen.h``, ``vcpu.h``, ``sched.h``, ``event_channel.h``
and ``arch-x86/xen.h`` (Linux v6.12 keeps them in ``include/xen/interface/``) and
``arch/x86/include/asm/pvclock-abi.h``; the 32-bit twins are the ``compat_*`` structures of
``arch/x86/kvm/xen.h``, whose build assertions they meet. All integers are little endian.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from xenperf.abi.structs import StructDtype, offset_of, size_of, struct
from xenperf.units import EvtchnPort

NR_INLINE_VCPU_INFO: Final = 32
"""vCPUs whose ``vcpu_info`` lies in ``shared_info`` by default (``XEN_LEGACY_MAX_VCPUS``)."""

MAX_VCPUS: Final = 1024
"""``KVM_MAX_VCPUS`` as most kernels are configured (Linux v6.12)."""

MAX_POLLED_PORTS: Final = 128
"""Ports one ``SCHEDOP_poll`` may name (``kvm_xen_schedop_poll()``, Linux v6.12)."""

LOWEST_UPCALL_VECTOR: Final = 0x10
"""Vectors below it are refused, except 0, which means none (Linux v6.12)."""


class PvclockFlag(IntFlag):
    """``flags`` of a vCPU's time. Source: ``pvclock-abi.h``, Linux v6.12."""

    TSC_STABLE = 1 << 0
    GUEST_STOPPED = 1 << 1


class Hypercall(IntEnum):
    """Hypercalls that KVM handles itself. Source: ``xen.h``, Xen 4.19."""

    SET_TIMER_OP = 15
    XEN_VERSION = 17
    VCPU_OP = 24
    SCHED_OP = 29
    EVENT_CHANNEL_OP = 32


class SchedOp(IntEnum):
    """``sched_op`` commands that KVM handles itself. Source: ``sched.h``, Xen 4.19."""

    YIELD = 0
    POLL = 3


class VcpuOp(IntEnum):
    """``vcpu_op`` commands that KVM handles itself. Source: ``vcpu.h``, Xen 4.19."""

    SET_SINGLESHOT_TIMER = 8
    STOP_SINGLESHOT_TIMER = 9


class EvtchnOp(IntEnum):
    """``event_channel_op`` commands that KVM handles. Source: ``event_channel.h``, Xen 4.19."""

    SEND = 4


class EvtchnStat(IntEnum):
    """What a port is bound to; KVM takes the types INTERDOMAIN and IPI and rejects the others.

    Source: ``EVTCHNSTAT_*``, ``event_channel.h``, Xen 4.19.
    """

    CLOSED = 0
    UNBOUND = 1
    INTERDOMAIN = 2
    PIRQ = 3
    VIRQ = 4
    IPI = 5


PVCLOCK_TIME_INFO: Final = struct(
    32,
    ("version", "<u4", 0x00),
    ("tsc_timestamp", "<u8", 0x08),
    ("system_time", "<u8", 0x10),
    ("tsc_to_system_mul", "<u4", 0x18),
    ("tsc_shift", "i1", 0x1C),
    ("flags", "u1", 0x1D),
)
"""``struct pvclock_vcpu_time_info``; times in ns. Source: ``pvclock-abi.h``, Linux v6.12."""

PVCLOCK_WALL_CLOCK: Final = struct(12, ("version", "<u4", 0), ("sec", "<u4", 4), ("nsec", "<u4", 8))
"""``struct pvclock_wall_clock``. Source: ``pvclock-abi.h``, Linux v6.12."""

VCPU_INFO_LONG: Final = struct(
    64,
    ("evtchn_upcall_pending", "u1", 0x00),
    ("evtchn_upcall_mask", "u1", 0x01),
    ("evtchn_pending_sel", "<u8", 0x08),
    ("arch", ("<u8", 2), 0x10),
    ("time", PVCLOCK_TIME_INFO, 0x20),
)
"""``struct vcpu_info``, 64-bit; ``arch[0]`` is cr2. Source: ``xen.h``, Xen 4.19."""

VCPU_INFO_COMPAT: Final = struct(
    64,
    ("evtchn_upcall_pending", "u1", 0x00),
    ("evtchn_upcall_mask", "u1", 0x01),
    ("evtchn_pending_sel", "<u4", 0x04),
    ("arch", ("<u4", 6), 0x08),
    ("time", PVCLOCK_TIME_INFO, 0x20),
)
"""``struct compat_vcpu_info``. Source: ``arch/x86/kvm/xen.h``, Linux v6.12."""

SHARED_INFO_LONG: Final = struct(
    0xC40,
    ("vcpu_info", (VCPU_INFO_LONG, NR_INLINE_VCPU_INFO), 0x000),
    ("evtchn_pending", ("<u8", 64), 0x800),
    ("evtchn_mask", ("<u8", 64), 0xA00),
    ("wc", PVCLOCK_WALL_CLOCK, 0xC00),
    ("wc_sec_hi", "<u4", 0xC0C),
    ("max_pfn", "<u8", 0xC10),
    ("pfn_to_mfn_frame_list_list", "<u8", 0xC18),
    ("nmi_reason", "<u8", 0xC20),
    ("p2m_cr3", "<u8", 0xC28),
    ("p2m_vaddr", "<u8", 0xC30),
    ("p2m_generation", "<u8", 0xC38),
)
"""``struct shared_info``, 64-bit; its ``arch`` part is flat. Source: ``xen.h``, Xen 4.19."""

SHARED_INFO_COMPAT: Final = struct(
    0x928,
    ("vcpu_info", (VCPU_INFO_COMPAT, NR_INLINE_VCPU_INFO), 0x000),
    ("evtchn_pending", ("<u4", 32), 0x800),
    ("evtchn_mask", ("<u4", 32), 0x880),
    ("wc", PVCLOCK_WALL_CLOCK, 0x900),
    ("max_pfn", "<u4", 0x90C),
    ("pfn_to_mfn_frame_list_list", "<u4", 0x910),
    ("nmi_reason", "<u4", 0x914),
    ("p2m_cr3", "<u4", 0x918),
    ("p2m_vaddr", "<u4", 0x91C),
    ("p2m_generation", "<u4", 0x920),
    ("wc_sec_hi", "<u4", 0x924),
)
"""``struct compat_shared_info``, flat too. Source: ``arch/x86/kvm/xen.h``, Linux v6.12."""

RUNSTATE_LONG: Final = struct(
    0x30, ("state", "<i4", 0), ("state_entry_time", "<u8", 8), ("time", ("<u8", 4), 0x10)
)
"""``struct vcpu_runstate_info``, 64-bit; times in ns. Source: ``vcpu.h``, Xen 4.19."""

RUNSTATE_COMPAT: Final = struct(
    0x2C, ("state", "<i4", 0), ("state_entry_time", "<u8", 4), ("time", ("<u8", 4), 0x0C)
)
"""``struct compat_vcpu_runstate_info``. Source: ``arch/x86/kvm/xen.h``, Linux v6.12."""

SCHED_POLL_LONG: Final = struct(
    24, ("ports", "<u8", 0), ("nr_ports", "<u4", 8), ("timeout", "<u8", 0x10)
)
"""``struct sched_poll``, 64-bit: guest pointer, count, ns. Source: ``sched.h``, Xen 4.19."""

SCHED_POLL_COMPAT: Final = struct(
    16, ("ports", "<u4", 0), ("nr_ports", "<u4", 4), ("timeout", "<u8", 8)
)
"""``struct compat_sched_poll``. Source: ``arch/x86/kvm/xen.h``, Linux v6.12."""


@dataclass(frozen=True, slots=True)
class VcpuInfoLayout:
    """Where the parts of ``vcpu_info`` lie, in bytes from its start, in one mode."""

    upcall_pending: int
    upcall_mask: int
    pending_sel: int
    time: int


@dataclass(frozen=True, slots=True)
class SharedInfoLayout:
    """Where the parts of ``shared_info`` lie, in bytes from its start, in one mode."""

    vcpu_info_bytes: int
    pending_offset: int
    pending_bytes: int
    mask_offset: int
    mask_bytes: int
    wc_offset: int
    wc_sec_hi_offset: int
    word_bits: int
    nr_ports: int
    nr_selector_bits: int
    sizeof: int
    vcpu_info: VcpuInfoLayout


def word_of_port(layout: SharedInfoLayout, port: EvtchnPort) -> int:
    """Return the pending (or mask) word of *port*: also its bit in ``evtchn_pending_sel``."""
    return port // layout.word_bits


def bit_of_port(layout: SharedInfoLayout, port: EvtchnPort) -> int:
    """Return the bit of *port* within its word."""
    return port % layout.word_bits


def vcpu_info_offset(layout: SharedInfoLayout, vcpu_idx: int) -> int:
    """Return where vCPU *vcpu_idx* (0 to 31) finds its default ``vcpu_info``, in bytes."""
    return layout.vcpu_info_bytes * vcpu_idx


def _layout(shared_info: StructDtype, vcpu_info: StructDtype) -> SharedInfoLayout:
    pending_bytes = size_of(shared_info, "evtchn_pending")
    word_bits = 8 * size_of(vcpu_info, "evtchn_pending_sel")
    return SharedInfoLayout(
        vcpu_info_bytes=vcpu_info.itemsize,
        pending_offset=offset_of(shared_info, "evtchn_pending"),
        pending_bytes=pending_bytes,
        mask_offset=offset_of(shared_info, "evtchn_mask"),
        mask_bytes=size_of(shared_info, "evtchn_mask"),
        wc_offset=offset_of(shared_info, "wc"),
        wc_sec_hi_offset=offset_of(shared_info, "wc_sec_hi"),
        word_bits=word_bits,
        nr_ports=8 * pending_bytes,
        nr_selector_bits=8 * pending_bytes // word_bits,
        sizeof=shared_info.itemsize,
        vcpu_info=VcpuInfoLayout(
            upcall_pending=offset_of(vcpu_info, "evtchn_upcall_pending"),
            upcall_mask=offset_of(vcpu_info, "evtchn_upcall_mask"),
            pending_sel=offset_of(vcpu_info, "evtchn_pending_sel"),
            time=offset_of(vcpu_info, "time"),
        ),
    )


LONG_MODE: Final = _layout(SHARED_INFO_LONG, VCPU_INFO_LONG)
"""The layout of a 64-bit guest."""

COMPAT: Final = _layout(SHARED_INFO_COMPAT, VCPU_INFO_COMPAT)
"""The layout of a 32-bit guest."""
