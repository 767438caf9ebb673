"""A vCPU as its VMM sees it: registers, descriptors, and the page that KVM_RUN reports in.

Source: Linux v6.12, ``include/uapi/linux/kvm.h`` and ``arch/x86/include/uapi/asm/kvm.h``. All
integers are little endian.
"""

from enum import IntEnum
from typing import Final

from xenperf.abi.structs import struct


class MpState(IntEnum):
    """``KVM_MP_STATE_*``: a vCPU other than the first is created uninitialised."""

    RUNNABLE = 0
    UNINITIALIZED = 1


MP_STATE: Final = struct(4, ("mp_state", "<u4", 0))
"""``struct kvm_mp_state``."""

_REGISTERS: Final = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags"),
)
REGS: Final = struct(144, *((name, "<u8", 8 * idx) for idx, name in enumerate(_REGISTERS)))
"""``struct kvm_regs``."""

SEGMENT: Final = struct(
    24,
    ("base", "<u8", 0),
    ("limit", "<u4", 8),
    ("selector", "<u2", 12),
    ("type", "u1", 14),
    ("present", "u1", 15),
    ("dpl", "u1", 16),
    ("db", "u1", 17),
    ("s", "u1", 18),
    ("l", "u1", 19),
    ("g", "u1", 20),
    ("avl", "u1", 21),
    ("unusable", "u1", 22),
)
"""``struct kvm_segment``: a segment register with its hidden part."""

DESCRIPTOR_TABLE: Final = struct(16, ("base", "<u8", 0), ("limit", "<u2", 8))
"""``struct kvm_dtable``."""

SREGS: Final = struct(
    312,
    ("cs", SEGMENT, 0),
    ("ds", SEGMENT, 24),
    ("es", SEGMENT, 48),
    ("fs", SEGMENT, 72),
    ("gs", SEGMENT, 96),
    ("ss", SEGMENT, 120),
    ("tr", SEGMENT, 144),
    ("ldt", SEGMENT, 168),
    ("gdt", DESCRIPTOR_TABLE, 192),
    ("idt", DESCRIPTOR_TABLE, 208),
    ("cr0", "<u8", 224),
    ("cr2", "<u8", 232),
    ("cr3", "<u8", 240),
    ("cr4", "<u8", 248),
    ("cr8", "<u8", 256),
    ("efer", "<u8", 264),
    ("apic_base", "<u8", 272),
    ("interrupt_bitmap", ("<u8", 4), 280),
)
"""``struct kvm_sregs``."""

RUN: Final = struct(
    2352,
    ("immediate_exit", "u1", 1),
    ("exit_reason", "<u4", 8),
    ("io_direction", "u1", 32),
    ("io_size", "u1", 33),
    ("io_port", "<u2", 34),
    ("hardware_entry_failure_reason", "<u8", 32),
    ("suberror", "<u4", 32),
)
"""``struct kvm_run``; what follows ``exit_reason`` at byte 32 is a union, flattened here."""

XEN_EXIT: Final = struct(
    80,
    ("type", "<u4", 0),
    ("longmode", "<u4", 8),
    ("cpl", "<u4", 12),
    ("input", "<u8", 16),
    ("result", "<u8", 24),
    ("params", ("<u8", 6), 32),
)
"""``struct kvm_xen_exit``: the hypercall that ended ``KVM_RUN`` with ``Exit.XEN``."""

MSI: Final = struct(
    32, ("address_lo", "<u4", 0), ("address_hi", "<u4", 4), ("data", "<u4", 8), ("flags", "<u4", 12)
)
"""``struct kvm_msi``."""
