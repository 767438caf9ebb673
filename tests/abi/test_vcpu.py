from collections.abc import Callable

import pytest

from xenperf.abi import vcpu
from xenperf.abi.structs import StructDtype, offset_of, size_of

Fields = dict[str, tuple[int, int]]
REGISTERS = (
    *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags"),
)
SEGMENT_BYTES = ("type", "present", "dpl", "db", "s", "l", "g", "avl", "unusable")
SEGMENTS = ("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt")
CONTROL = ("cr0", "cr2", "cr3", "cr4", "cr8", "efer", "apic_base")

# dtype, size, {field: (offset, size)}: the numbers of the headers, written out once more.
STRUCTS: dict[str, tuple[StructDtype, int, Fields]] = {
    "kvm_mp_state": (vcpu.MP_STATE, 4, {"mp_state": (0, 4)}),
    "kvm_regs": (vcpu.REGS, 144, {name: (8 * i, 8) for i, name in enumerate(REGISTERS)}),
    "kvm_segment": (
        vcpu.SEGMENT,
        24,
        {
            "base": (0, 8),
            "limit": (8, 4),
            "selector": (12, 2),
            **{name: (14 + i, 1) for i, name in enumerate(SEGMENT_BYTES)},
        },
    ),
    "kvm_dtable": (vcpu.DESCRIPTOR_TABLE, 16, {"base": (0, 8), "limit": (8, 2)}),
    "kvm_sregs": (
        vcpu.SREGS,
        312,
        {
            **{name: (24 * i, 24) for i, name in enumerate(SEGMENTS)},
            "gdt": (192, 16),
            "idt": (208, 16),
            **{name: (224 + 8 * i, 8) for i, name in enumerate(CONTROL)},
            "interrupt_bitmap": (280, 32),
        },
    ),
    "kvm_run": (
        vcpu.RUN,
        2352,
        {
            "immediate_exit": (1, 1),
            "exit_reason": (8, 4),
            "io_direction": (32, 1),
            "io_size": (33, 1),
            "io_port": (34, 2),
            "hardware_entry_failure_reason": (32, 8),
            "suberror": (32, 4),
        },
    ),
    "kvm_xen_exit": (
        vcpu.XEN_EXIT,
        80,
        {
            "type": (0, 4),
            "longmode": (8, 4),
            "cpl": (12, 4),
            "input": (16, 8),
            "result": (24, 8),
            "params": (32, 48),
        },
    ),
    "kvm_msi": (
        vcpu.MSI,
        32,
        {"address_lo": (0, 4), "address_hi": (4, 4), "data": (8, 4), "flags": (12, 4)},
    ),
}

DECLARATIONS = """
struct kvm_mp_state { uint32_t mp_state; };
struct kvm_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags; };
struct kvm_segment {
    uint64_t base; uint32_t limit; uint16_t selector;
    uint8_t type, present, dpl, db, s, l, g, avl, unusable, padding; };
struct kvm_dtable { uint64_t base; uint16_t limit, padding[3]; };
struct kvm_sregs {
    struct kvm_segment cs, ds, es, fs, gs, ss, tr, ldt; struct kvm_dtable gdt, idt;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer, apic_base, interrupt_bitmap[4]; };
struct kvm_run {
    uint8_t request_interrupt_window, immediate_exit, padding1[6];
    uint32_t exit_reason; uint8_t ready_for_interrupt_injection, if_flag; uint16_t flags;
    uint64_t cr8, apic_base;
    union {
        struct { uint8_t io_direction, io_size; uint16_t io_port; };
        uint64_t hardware_entry_failure_reason; uint32_t suberror; uint8_t room[256]; };
    uint64_t kvm_valid_regs, kvm_dirty_regs; uint8_t registers[2048]; };
struct kvm_xen_exit {
    uint32_t type; union {
        struct { uint32_t longmode, cpl; uint64_t input, result, params[6]; };
    }; };
struct kvm_msi { uint32_t address_lo, address_hi, data, flags, devid; uint8_t pad[12]; };
"""


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


def test_the_states_of_a_vcpu() -> None:
    assert [state.value for state in vcpu.MpState] == [0, 1]
