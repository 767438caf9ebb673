from collections.abc import Callable

import pytest

from xenperf.abi import kvm
from xenperf.abi.structs import StructDtype, offset_of, size_of

Fields = dict[str, tuple[int, int]]

# dtype, size, {field: (offset, size)}: the numbers of the headers, written out once more.
STRUCTS: dict[str, tuple[StructDtype, int, Fields]] = {
    "kvm_userspace_memory_region": (
        kvm.USERSPACE_MEMORY_REGION,
        32,
        {
            "slot": (0, 4),
            "flags": (4, 4),
            "guest_phys_addr": (8, 8),
            "memory_size": (16, 8),
            "userspace_addr": (24, 8),
        },
    ),
    "kvm_dirty_log": (kvm.DIRTY_LOG, 16, {"slot": (0, 4), "dirty_bitmap": (8, 8)}),
    "kvm_irqfd": (
        kvm.IRQFD,
        32,
        {"fd": (0, 4), "gsi": (4, 4), "flags": (8, 4), "resamplefd": (12, 4)},
    ),
    "kvm_irq_routing": (kvm.IRQ_ROUTING, 8, {"nr": (0, 4), "flags": (4, 4)}),
    "kvm_irq_routing_entry": (
        kvm.IRQ_ROUTING_ENTRY,
        48,
        {
            "gsi": (0, 4),
            "type": (4, 4),
            "flags": (8, 4),
            "port": (16, 4),
            "vcpu": (20, 4),
            "priority": (24, 4),
        },
    ),
    "kvm_xen_hvm_config": (
        kvm.XEN_HVM_CONFIG,
        56,
        {
            "flags": (0, 4),
            "msr": (4, 4),
            "blob_addr_32": (8, 8),
            "blob_addr_64": (16, 8),
            "blob_size_32": (24, 1),
            "blob_size_64": (25, 1),
        },
    ),
    "kvm_irq_routing_xen_evtchn": (
        kvm.XEN_EVTCHN_SEND,
        12,
        {"port": (0, 4), "vcpu": (4, 4), "priority": (8, 4)},
    ),
    "kvm_xen_hvm_attr": (
        kvm.XEN_VM_ATTR,
        72,
        {
            "type": (0, 2),
            "long_mode": (8, 1),
            "vector": (8, 1),
            "runstate_update_flag": (8, 1),
            "gfn": (8, 8),
            "hva": (8, 8),
            "xen_version": (8, 4),
            "send_port": (8, 4),
            "evtchn_type": (12, 4),
            "evtchn_flags": (16, 4),
            "deliver_port": (20, 4),
            "deliver_vcpu": (24, 4),
            "deliver_priority": (28, 4),
            "deliver_fd": (24, 4),
        },
    ),
    "kvm_xen_vcpu_attr": (
        kvm.XEN_VCPU_ATTR,
        72,
        {
            "type": (0, 2),
            "gpa": (8, 8),
            "hva": (8, 8),
            "vcpu_id": (8, 4),
            "vector": (8, 1),
            "timer_port": (8, 4),
            "timer_priority": (12, 4),
            "timer_expires_ns": (16, 8),
            "runstate": (8, 48),
        },
    ),
    "kvm_irq_level": (kvm.IRQ_LEVEL, 8, {"gsi": (0, 4), "status": (0, 4), "level": (4, 4)}),
    "kvm_clock_data": (kvm.CLOCK_DATA, 48, {"clock_ns": (0, 8), "flags": (8, 4)}),
}

DECLARATIONS = """
struct kvm_userspace_memory_region {
    uint32_t slot, flags; uint64_t guest_phys_addr, memory_size, userspace_addr; };
struct kvm_dirty_log { uint32_t slot, pad; uint64_t dirty_bitmap; };
struct kvm_irqfd { uint32_t fd, gsi, flags, resamplefd; uint8_t pad[16]; };
struct kvm_irq_routing { uint32_t nr, flags; };
struct kvm_irq_routing_xen_evtchn { uint32_t port, vcpu, priority; };
struct kvm_irq_routing_entry {
    uint32_t gsi, type, flags, pad;
    union { struct { uint32_t port, vcpu, priority; }; uint32_t room[8]; }; };
struct kvm_xen_hvm_config {
    uint32_t flags, msr; uint64_t blob_addr_32, blob_addr_64;
    uint8_t blob_size_32, blob_size_64, pad[30]; };
struct kvm_xen_hvm_attr {
    uint16_t type, pad[3];
    union {
        uint8_t long_mode, vector, runstate_update_flag; uint64_t gfn, hva; uint32_t xen_version;
        struct {
            uint32_t send_port, evtchn_type, evtchn_flags, deliver_port;
            union { struct { uint32_t deliver_vcpu, deliver_priority; }; int32_t deliver_fd; };
        };
        uint64_t room[8];
    }; };
struct kvm_xen_vcpu_attr {
    uint16_t type, pad[3];
    union {
        uint64_t gpa, hva, runstate[6], room[8]; uint32_t vcpu_id; uint8_t vector;
        struct { uint32_t timer_port, timer_priority; uint64_t timer_expires_ns; };
    }; };
struct kvm_irq_level { union { uint32_t gsi; int32_t status; }; uint32_t level; };
struct kvm_clock_data { uint64_t clock_ns; uint32_t flags, pad0; uint64_t rest[4]; };
struct kvm_msi { uint32_t address_lo, address_hi, data, flags, devid; uint8_t pad[12]; };
struct kvm_mp_state { uint32_t mp_state; };
struct kvm_regs { uint64_t gprs[16], rip, rflags; };
struct kvm_sregs { uint64_t opaque[39]; };
"""

IOCTLS = {
    "GET_API_VERSION": (0xAE00, "_IO(0xae, 0x00)"),
    "CREATE_VM": (0xAE01, "_IO(0xae, 0x01)"),
    "CHECK_EXTENSION": (0xAE03, "_IO(0xae, 0x03)"),
    "GET_VCPU_MMAP_SIZE": (0xAE04, "_IO(0xae, 0x04)"),
    "CREATE_VCPU": (0xAE41, "_IO(0xae, 0x41)"),
    "GET_DIRTY_LOG": (0x4010AE42, "_IOW(0xae, 0x42, struct kvm_dirty_log)"),
    "SET_USER_MEMORY_REGION": (
        0x4020AE46,
        "_IOW(0xae, 0x46, struct kvm_userspace_memory_region)",
    ),
    "CREATE_IRQCHIP": (0xAE60, "_IO(0xae, 0x60)"),
    "IRQ_LINE_STATUS": (0xC008AE67, "_IOWR(0xae, 0x67, struct kvm_irq_level)"),
    "SET_GSI_ROUTING": (0x4008AE6A, "_IOW(0xae, 0x6a, struct kvm_irq_routing)"),
    "IRQFD": (0x4020AE76, "_IOW(0xae, 0x76, struct kvm_irqfd)"),
    "GET_CLOCK": (0x8030AE7C, "_IOR(0xae, 0x7c, struct kvm_clock_data)"),
    "SIGNAL_MSI": (0x4020AEA5, "_IOW(0xae, 0xa5, struct kvm_msi)"),
    "XEN_HVM_CONFIG": (0x4038AE7A, "_IOW(0xae, 0x7a, struct kvm_xen_hvm_config)"),
    "RUN": (0xAE80, "_IO(0xae, 0x80)"),
    "GET_REGS": (0x8090AE81, "_IOR(0xae, 0x81, struct kvm_regs)"),
    "SET_REGS": (0x4090AE82, "_IOW(0xae, 0x82, struct kvm_regs)"),
    "GET_SREGS": (0x8138AE83, "_IOR(0xae, 0x83, struct kvm_sregs)"),
    "SET_SREGS": (0x4138AE84, "_IOW(0xae, 0x84, struct kvm_sregs)"),
    "SET_MP_STATE": (0x4004AE99, "_IOW(0xae, 0x99, struct kvm_mp_state)"),
    "XEN_HVM_GET_ATTR": (0xC048AEC8, "_IOWR(0xae, 0xc8, struct kvm_xen_hvm_attr)"),
    "XEN_HVM_SET_ATTR": (0x4048AEC9, "_IOW(0xae, 0xc9, struct kvm_xen_hvm_attr)"),
    "XEN_VCPU_GET_ATTR": (0xC048AECA, "_IOWR(0xae, 0xca, struct kvm_xen_vcpu_attr)"),
    "XEN_VCPU_SET_ATTR": (0x4048AECB, "_IOW(0xae, 0xcb, struct kvm_xen_vcpu_attr)"),
    "XEN_HVM_EVTCHN_SEND": (0x400CAED0, "_IOW(0xae, 0xd0, struct kvm_irq_routing_xen_evtchn)"),
}


@pytest.mark.parametrize("name", STRUCTS)
def test_a_layout_has_the_headers_offsets_and_sizes(name: str) -> None:
    dtype, nr_bytes, fields = STRUCTS[name]
    assert dtype.itemsize == nr_bytes
    assert dtype.names is not None
    assert {f: (offset_of(dtype, f), size_of(dtype, f)) for f in dtype.names} == fields


def test_a_compiler_lays_the_structures_out_the_same(
    lay_out_c: Callable[[str, dict[str, Fields]], dict[str, tuple[int, Fields]]],
) -> None:
    fields_of = {name: fields for name, (_, _, fields) in STRUCTS.items()}
    assert lay_out_c(DECLARATIONS, fields_of) == {
        name: (nr_bytes, fields) for name, (_, nr_bytes, fields) in STRUCTS.items()
    }


def test_the_ioctl_numbers() -> None:
    assert {request.name: request.value for request in kvm.Ioctl} == {
        name: number for name, (number, _) in IOCTLS.items()
    }


def test_a_compiler_encodes_the_ioctls_the_same(
    evaluate_c: Callable[[str, dict[str, str]], dict[str, int]],
) -> None:
    expressions = {name: f"(unsigned int){encoding}" for name, (_, encoding) in IOCTLS.items()}
    assert evaluate_c(DECLARATIONS, expressions) == {
        name: number for name, (number, _) in IOCTLS.items()
    }


def test_attribute_types() -> None:
    assert {attr.name: attr.value for attr in kvm.VmAttr} == {
        "LONG_MODE": 0,
        "SHARED_INFO": 1,
        "UPCALL_VECTOR": 2,
        "EVTCHN": 3,
        "XEN_VERSION": 4,
        "RUNSTATE_UPDATE_FLAG": 5,
        "SHARED_INFO_HVA": 6,
    }
    assert {attr.name: attr.value for attr in kvm.VcpuAttr} == {
        "VCPU_INFO": 0,
        "VCPU_TIME_INFO": 1,
        "RUNSTATE_ADDR": 2,
        "RUNSTATE_CURRENT": 3,
        "RUNSTATE_DATA": 4,
        "RUNSTATE_ADJUST": 5,
        "VCPU_ID": 6,
        "TIMER": 7,
        "UPCALL_VECTOR": 8,
        "VCPU_INFO_HVA": 9,
    }


def test_capability_bits() -> None:
    assert {flag.name: flag.value for flag in kvm.XenConfig} == {
        "HYPERCALL_MSR": 0x001,
        "INTERCEPT_HCALL": 0x002,
        "SHARED_INFO": 0x004,
        "RUNSTATE": 0x008,
        "EVTCHN_2LEVEL": 0x010,
        "EVTCHN_SEND": 0x020,
        "RUNSTATE_UPDATE_FLAG": 0x040,
        "PVCLOCK_TSC_UNSTABLE": 0x080,
        "SHARED_INFO_HVA": 0x100,
    }
    assert sum(kvm.XenConfig) == 0x1FF


def test_flags_and_small_numbers() -> None:
    assert [flag.value for flag in kvm.MemslotFlag] == [1, 2]
    assert [flag.value for flag in kvm.IrqfdFlag] == [1, 2]
    assert [flag.value for flag in kvm.EvtchnFlag] == [1, 2, 4]
    assert [route.value for route in kvm.RouteType] == [1, 2, 5]
    assert [reason.value for reason in kvm.Exit] == [2, 5, 8, 9, 10, 17, 34]
    assert [capability.value for capability in kvm.Capability] == [10, 16, 38, 66]


def test_limits_and_values_that_mean_off() -> None:
    assert kvm.API_VERSION == 12
    assert kvm.MAX_PAGES_PER_SLOT == 2147483647
    assert kvm.USER_SLOTS == 32764
    assert kvm.ADDRESS_SPACE_SHIFT == 16
    assert kvm.PRIORITY_2LEVEL == 0xFFFFFFFF
    assert kvm.INVALID_GFN == 0xFFFFFFFFFFFFFFFF
    assert kvm.INVALID_GPA == 0xFFFFFFFFFFFFFFFF
    assert kvm.HVA_OFF == 0
