"""KVM's side of Xen: ioctl and attribute numbers, flags, and the structures they carry.

Source, unless a table says otherwise: Linux v6.12, ``include/uapi/linux/kvm.h`` and
``arch/x86/include/uapi/asm/kvm.h``. All integers are little endian.
"""

from enum import IntEnum, IntFlag
from typing import Final

from xenperf.abi.structs import struct
from xenperf.units import Gfn, Gpa, Hva

API_VERSION: Final = 12
"""``KVM_API_VERSION``: what ``KVM_GET_API_VERSION`` answers."""

INVALID_GFN: Final = Gfn(2**64 - 1)
"""``KVM_XEN_INVALID_GFN``: as an attribute's value it means off."""

INVALID_GPA: Final = Gpa(2**64 - 1)
"""``KVM_XEN_INVALID_GPA``: as an attribute's value it means off."""

HVA_OFF: Final = Hva(0)
"""As an attribute's value it means off (Linux v6.9 and later)."""

PRIORITY_2LEVEL: Final = 0xFFFF_FFFF
"""``KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL``: the one priority that KVM takes."""

MAX_PAGES_PER_SLOT: Final = 2**31 - 1
"""``KVM_MEM_MAX_NR_PAGES``. Source: Linux v6.12, ``virt/kvm/kvm_main.c``."""

USER_SLOTS: Final = 32764
"""``KVM_USER_MEM_SLOTS`` on x86: 32767 less three of KVM's own. Source: ``kvm_host.h``."""

ADDRESS_SPACE_SHIFT: Final = 16
"""The high half of a memslot's number names its address space."""


class Ioctl(IntEnum):
    """Requests, by the file descriptor that takes them: /dev/kvm, a VM, a vCPU."""

    GET_API_VERSION = 0xAE00
    CREATE_VM = 0xAE01
    CHECK_EXTENSION = 0xAE03
    GET_VCPU_MMAP_SIZE = 0xAE04

    CREATE_VCPU = 0xAE41
    GET_DIRTY_LOG = 0x4010AE42
    SET_USER_MEMORY_REGION = 0x4020AE46
    CREATE_IRQCHIP = 0xAE60
    IRQ_LINE_STATUS = 0xC008AE67
    SET_GSI_ROUTING = 0x4008AE6A
    IRQFD = 0x4020AE76
    GET_CLOCK = 0x8030AE7C
    SIGNAL_MSI = 0x4020AEA5
    XEN_HVM_CONFIG = 0x4038AE7A
    XEN_HVM_GET_ATTR = 0xC048AEC8
    XEN_HVM_SET_ATTR = 0x4048AEC9
    XEN_HVM_EVTCHN_SEND = 0x400CAED0

    RUN = 0xAE80
    GET_REGS = 0x8090AE81
    SET_REGS = 0x4090AE82
    GET_SREGS = 0x8138AE83
    SET_SREGS = 0x4138AE84
    SET_MP_STATE = 0x4004AE99
    XEN_VCPU_GET_ATTR = 0xC048AECA
    XEN_VCPU_SET_ATTR = 0x4048AECB


class Capability(IntEnum):
    """What ``KVM_CHECK_EXTENSION`` is asked for."""

    NR_MEMSLOTS = 10
    SYNC_MMU = 16
    XEN_HVM = 38
    MAX_VCPUS = 66


class Exit(IntEnum):
    """``exit_reason`` of a vCPU that a scenario may meet."""

    IO = 2
    HLT = 5
    SHUTDOWN = 8
    FAIL_ENTRY = 9
    INTR = 10
    INTERNAL_ERROR = 17
    XEN = 34


class XenConfig(IntFlag):
    """``KVM_XEN_HVM_CONFIG_*``: what ``KVM_CAP_XEN_HVM`` reports and the config ioctl takes."""

    HYPERCALL_MSR = 1 << 0
    INTERCEPT_HCALL = 1 << 1
    SHARED_INFO = 1 << 2
    RUNSTATE = 1 << 3
    EVTCHN_2LEVEL = 1 << 4
    EVTCHN_SEND = 1 << 5
    RUNSTATE_UPDATE_FLAG = 1 << 6
    PVCLOCK_TSC_UNSTABLE = 1 << 7
    SHARED_INFO_HVA = 1 << 8


class MemslotFlag(IntFlag):
    """``KVM_MEM_*``: flags of a memslot."""

    LOG_DIRTY_PAGES = 1 << 0
    READONLY = 1 << 1


class IrqfdFlag(IntFlag):
    """``KVM_IRQFD_FLAG_*``."""

    DEASSIGN = 1 << 0
    RESAMPLE = 1 << 1


class VmAttr(IntEnum):
    """``KVM_XEN_ATTR_TYPE_*``: attributes of a VM; an unknown one is answered with ENOENT."""

    LONG_MODE = 0
    SHARED_INFO = 1
    UPCALL_VECTOR = 2
    EVTCHN = 3
    XEN_VERSION = 4
    RUNSTATE_UPDATE_FLAG = 5
    SHARED_INFO_HVA = 6


class VcpuAttr(IntEnum):
    """``KVM_XEN_VCPU_ATTR_TYPE_*``: attributes of a vCPU."""

    VCPU_INFO = 0
    VCPU_TIME_INFO = 1
    RUNSTATE_ADDR = 2
    RUNSTATE_CURRENT = 3
    RUNSTATE_DATA = 4
    RUNSTATE_ADJUST = 5
    VCPU_ID = 6
    TIMER = 7
    UPCALL_VECTOR = 8
    VCPU_INFO_HVA = 9


class EvtchnFlag(IntFlag):
    """``KVM_XEN_EVTCHN_*``: what ``VmAttr.EVTCHN`` does with the port; 0 assigns it.

    The types it takes are ``EvtchnStat`` of ``abi.xen``.
    """

    DEASSIGN = 1 << 0
    UPDATE = 1 << 1
    RESET = 1 << 2


class RouteType(IntEnum):
    """``KVM_IRQ_ROUTING_*``: where a GSI leads."""

    IRQCHIP = 1
    MSI = 2
    XEN_EVTCHN = 5


USERSPACE_MEMORY_REGION: Final = struct(
    32,
    ("slot", "<u4", 0),
    ("flags", "<u4", 4),
    ("guest_phys_addr", "<u8", 8),
    ("memory_size", "<u8", 16),
    ("userspace_addr", "<u8", 24),
)
"""``struct kvm_userspace_memory_region``: GPA, bytes, HVA."""

DIRTY_LOG: Final = struct(16, ("slot", "<u4", 0), ("dirty_bitmap", "<u8", 8))
"""``struct kvm_dirty_log``; the bitmap is given by its HVA."""

IRQFD: Final = struct(
    32, ("fd", "<u4", 0), ("gsi", "<u4", 4), ("flags", "<u4", 8), ("resamplefd", "<u4", 12)
)
"""``struct kvm_irqfd``."""

IRQ_ROUTING: Final = struct(8, ("nr", "<u4", 0), ("flags", "<u4", 4))
"""``struct kvm_irq_routing``: the header; ``nr`` entries follow it."""

IRQ_ROUTING_ENTRY: Final = struct(
    48,
    ("gsi", "<u4", 0),
    ("type", "<u4", 4),
    ("flags", "<u4", 8),
    ("port", "<u4", 16),
    ("vcpu", "<u4", 20),
    ("priority", "<u4", 24),
)
"""``struct kvm_irq_routing_entry`` of type ``RouteType.XEN_EVTCHN``."""

IRQ_LEVEL: Final = struct(8, ("gsi", "<u4", 0), ("status", "<i4", 0), ("level", "<u4", 4))
"""``struct kvm_irq_level``: the GSI going in, what became of it coming out."""

CLOCK_DATA: Final = struct(48, ("clock_ns", "<u8", 0), ("flags", "<u4", 8))
"""``struct kvm_clock_data``: the guest's clock."""

XEN_HVM_CONFIG: Final = struct(
    56,
    ("flags", "<u4", 0),
    ("msr", "<u4", 4),
    ("blob_addr_32", "<u8", 8),
    ("blob_addr_64", "<u8", 16),
    ("blob_size_32", "u1", 24),
    ("blob_size_64", "u1", 25),
)
"""``struct kvm_xen_hvm_config``."""

XEN_EVTCHN_SEND: Final = struct(12, ("port", "<u4", 0), ("vcpu", "<u4", 4), ("priority", "<u4", 8))
"""``struct kvm_irq_routing_xen_evtchn``: the argument of the send ioctl."""

XEN_VM_ATTR: Final = struct(
    72,
    ("type", "<u2", 0),
    ("long_mode", "u1", 8),
    ("vector", "u1", 8),
    ("runstate_update_flag", "u1", 8),
    ("gfn", "<u8", 8),
    ("hva", "<u8", 8),
    ("xen_version", "<u4", 8),
    ("send_port", "<u4", 8),
    ("evtchn_type", "<u4", 12),
    ("evtchn_flags", "<u4", 16),
    ("deliver_port", "<u4", 20),
    ("deliver_vcpu", "<u4", 24),
    ("deliver_priority", "<u4", 28),
    ("deliver_fd", "<i4", 24),
)
"""``struct kvm_xen_hvm_attr``: all members but ``type`` are a union, flattened here."""

XEN_VCPU_ATTR: Final = struct(
    72,
    ("type", "<u2", 0),
    ("gpa", "<u8", 8),
    ("hva", "<u8", 8),
    ("vcpu_id", "<u4", 8),
    ("vector", "u1", 8),
    ("timer_port", "<u4", 8),
    ("timer_priority", "<u4", 12),
    ("timer_expires_ns", "<u8", 16),
    ("runstate", ("<u8", 6), 8),
)
"""``struct kvm_xen_vcpu_attr``; ``runstate`` is the state, its entry time and four times in ns."""
