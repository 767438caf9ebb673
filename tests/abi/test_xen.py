from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from xenperf.abi import xen
from xenperf.abi.structs import StructDtype, offset_of, size_of
from xenperf.abi.xen import COMPAT, LONG_MODE, SharedInfoLayout
from xenperf.units import EvtchnPort

Fields = dict[str, tuple[int, int]]

# dtype, size, {field: (offset, size)}: the numbers of the headers, written out once more.
STRUCTS: dict[str, tuple[StructDtype, int, Fields]] = {
    "pvclock_vcpu_time_info": (
        xen.PVCLOCK_TIME_INFO,
        32,
        {
            "version": (0, 4),
            "tsc_timestamp": (8, 8),
            "system_time": (0x10, 8),
            "tsc_to_system_mul": (0x18, 4),
            "tsc_shift": (0x1C, 1),
            "flags": (0x1D, 1),
        },
    ),
    "pvclock_wall_clock": (
        xen.PVCLOCK_WALL_CLOCK,
        12,
        {"version": (0, 4), "sec": (4, 4), "nsec": (8, 4)},
    ),
    "vcpu_info": (
        xen.VCPU_INFO_LONG,
        64,
        {
            "evtchn_upcall_pending": (0, 1),
            "evtchn_upcall_mask": (1, 1),
            "evtchn_pending_sel": (8, 8),
            "arch": (0x10, 16),
            "time": (0x20, 32),
        },
    ),
    "compat_vcpu_info": (
        xen.VCPU_INFO_COMPAT,
        64,
        {
            "evtchn_upcall_pending": (0, 1),
            "evtchn_upcall_mask": (1, 1),
            "evtchn_pending_sel": (4, 4),
            "arch": (8, 24),
            "time": (0x20, 32),
        },
    ),
    "shared_info": (
        xen.SHARED_INFO_LONG,
        3136,
        {
            "vcpu_info": (0, 2048),
            "evtchn_pending": (0x800, 512),
            "evtchn_mask": (0xA00, 512),
            "wc": (0xC00, 12),
            "wc_sec_hi": (0xC0C, 4),
            "max_pfn": (0xC10, 8),
            "pfn_to_mfn_frame_list_list": (0xC18, 8),
            "nmi_reason": (0xC20, 8),
            "p2m_cr3": (0xC28, 8),
            "p2m_vaddr": (0xC30, 8),
            "p2m_generation": (0xC38, 8),
        },
    ),
    "compat_shared_info": (
        xen.SHARED_INFO_COMPAT,
        2344,
        {
            "vcpu_info": (0, 2048),
            "evtchn_pending": (0x800, 128),
            "evtchn_mask": (0x880, 128),
            "wc": (0x900, 12),
            "max_pfn": (0x90C, 4),
            "pfn_to_mfn_frame_list_list": (0x910, 4),
            "nmi_reason": (0x914, 4),
            "p2m_cr3": (0x918, 4),
            "p2m_vaddr": (0x91C, 4),
            "p2m_generation": (0x920, 4),
            "wc_sec_hi": (0x924, 4),
        },
    ),
    "vcpu_runstate_info": (
        xen.RUNSTATE_LONG,
        0x30,
        {"state": (0, 4), "state_entry_time": (8, 8), "time": (0x10, 32)},
    ),
    "compat_vcpu_runstate_info": (
        xen.RUNSTATE_COMPAT,
        0x2C,
        {"state": (0, 4), "state_entry_time": (4, 8), "time": (0xC, 32)},
    ),
    "sched_poll": (
        xen.SCHED_POLL_LONG,
        24,
        {"ports": (0, 8), "nr_ports": (8, 4), "timeout": (0x10, 8)},
    ),
    "compat_sched_poll": (
        xen.SCHED_POLL_COMPAT,
        16,
        {"ports": (0, 4), "nr_ports": (4, 4), "timeout": (8, 8)},
    ),
}

# 32-bit x86 aligns 64-bit integers to 4 bytes; packing the compat structures does the same.
DECLARATIONS = """
#define PACKED __attribute__((packed))
struct pvclock_vcpu_time_info {
    uint32_t version, pad0; uint64_t tsc_timestamp, system_time;
    uint32_t tsc_to_system_mul; int8_t tsc_shift; uint8_t flags, pad[2]; };
struct pvclock_wall_clock { uint32_t version, sec, nsec; };
struct vcpu_info {
    uint8_t evtchn_upcall_pending, evtchn_upcall_mask; uint64_t evtchn_pending_sel;
    uint64_t arch[2]; struct pvclock_vcpu_time_info time; };
struct compat_vcpu_info {
    uint8_t evtchn_upcall_pending, evtchn_upcall_mask; uint32_t evtchn_pending_sel;
    uint32_t arch[6]; struct pvclock_vcpu_time_info time; };
struct shared_info {
    struct vcpu_info vcpu_info[32]; uint64_t evtchn_pending[64], evtchn_mask[64];
    struct pvclock_wall_clock wc; uint32_t wc_sec_hi;
    uint64_t max_pfn, pfn_to_mfn_frame_list_list, nmi_reason, p2m_cr3, p2m_vaddr, p2m_generation;
};
struct compat_shared_info {
    struct compat_vcpu_info vcpu_info[32]; uint32_t evtchn_pending[32], evtchn_mask[32];
    struct pvclock_wall_clock wc;
    uint32_t max_pfn, pfn_to_mfn_frame_list_list, nmi_reason, p2m_cr3, p2m_vaddr, p2m_generation;
    uint32_t wc_sec_hi; };
struct vcpu_runstate_info { int32_t state; uint64_t state_entry_time, time[4]; };
struct compat_vcpu_runstate_info { int32_t state; uint64_t state_entry_time, time[4]; } PACKED;
struct sched_poll { uint32_t *ports; uint32_t nr_ports; uint64_t timeout; };
struct compat_sched_poll { uint32_t ports; uint32_t nr_ports; uint64_t timeout; } PACKED;
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


LAYOUTS = {
    LONG_MODE: {
        "vcpu_info_bytes": 64,
        "pending_offset": 0x800,
        "pending_bytes": 512,
        "mask_offset": 0xA00,
        "mask_bytes": 512,
        "wc_offset": 0xC00,
        "wc_sec_hi_offset": 0xC0C,
        "word_bits": 64,
        "nr_ports": 4096,
        "nr_selector_bits": 64,
        "sizeof": 0xC40,
        "vcpu_info": {"upcall_pending": 0, "upcall_mask": 1, "pending_sel": 8, "time": 0x20},
    },
    COMPAT: {
        "vcpu_info_bytes": 64,
        "pending_offset": 0x800,
        "pending_bytes": 128,
        "mask_offset": 0x880,
        "mask_bytes": 128,
        "wc_offset": 0x900,
        "wc_sec_hi_offset": 0x924,
        "word_bits": 32,
        "nr_ports": 1024,
        "nr_selector_bits": 32,
        "sizeof": 0x928,
        "vcpu_info": {"upcall_pending": 0, "upcall_mask": 1, "pending_sel": 4, "time": 0x20},
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mode_has_the_headers_offsets(layout: SharedInfoLayout) -> None:
    assert asdict(layout) == LAYOUTS[layout]


@pytest.mark.parametrize(
    ("layout", "port", "word", "bit"),
    [
        (LONG_MODE, 66, 1, 2),
        (LONG_MODE, 4095, 63, 63),
        (COMPAT, 66, 2, 2),
        (COMPAT, 1000, 31, 8),
        (COMPAT, 1023, 31, 31),
    ],
)
def test_a_port_has_one_bit_of_one_word(
    layout: SharedInfoLayout, port: int, word: int, bit: int
) -> None:
    assert xen.word_of_port(layout, EvtchnPort(port)) == word
    assert xen.bit_of_port(layout, EvtchnPort(port)) == bit


@pytest.mark.parametrize("layout", [LONG_MODE, COMPAT])
@pytest.mark.parametrize("port", [1, 66, 127, 1000])
def test_a_port_has_the_same_byte_in_both_modes(layout: SharedInfoLayout, port: int) -> None:
    words = np.zeros(layout.pending_bytes * 8 // layout.word_bits, f"<u{layout.word_bits // 8}")
    words[xen.word_of_port(layout, EvtchnPort(port))] = 1 << xen.bit_of_port(
        layout, EvtchnPort(port)
    )
    page = words.tobytes()
    assert page[port // 8] == 1 << (port % 8)
    assert sum(page) == page[port // 8]


@pytest.mark.parametrize(("vcpu_idx", "offset"), [(0, 0), (1, 64), (31, 0x7C0)])
def test_default_vcpu_info_slots_follow_each_other(vcpu_idx: int, offset: int) -> None:
    assert xen.vcpu_info_offset(LONG_MODE, vcpu_idx) == offset
    assert xen.vcpu_info_offset(COMPAT, vcpu_idx) == offset


def test_limits_and_flags() -> None:
    assert xen.NR_INLINE_VCPU_INFO == 32
    assert xen.MAX_VCPUS == 1024
    assert xen.MAX_POLLED_PORTS == 128
    assert xen.LOWEST_UPCALL_VECTOR == 0x10
    assert [flag.value for flag in xen.PvclockFlag] == [1, 2]


def test_hypercall_and_event_channel_numbers() -> None:
    numbers = {
        f"{table.__name__}.{member.name}": member.value
        for table in (xen.Hypercall, xen.SchedOp, xen.VcpuOp, xen.EvtchnOp, xen.EvtchnStat)
        for member in table
    }
    assert numbers == {
        "Hypercall.SET_TIMER_OP": 15,
        "Hypercall.XEN_VERSION": 17,
        "Hypercall.VCPU_OP": 24,
        "Hypercall.SCHED_OP": 29,
        "Hypercall.EVENT_CHANNEL_OP": 32,
        "SchedOp.YIELD": 0,
        "SchedOp.POLL": 3,
        "VcpuOp.SET_SINGLESHOT_TIMER": 8,
        "VcpuOp.STOP_SINGLESHOT_TIMER": 9,
        "EvtchnOp.SEND": 4,
        "EvtchnStat.CLOSED": 0,
        "EvtchnStat.UNBOUND": 1,
        "EvtchnStat.INTERDOMAIN": 2,
        "EvtchnStat.PIRQ": 3,
        "EvtchnStat.VIRQ": 4,
        "EvtchnStat.IPI": 5,
    }
