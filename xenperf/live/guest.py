"""The guest of a live VM: a few instructions in 32-bit protected mode, without paging.

It enters, makes at most one hypercall, and tells by the port of an ``out`` how it came to its end.
Its memory is a memslot of its own that no scenario touches: one page of code and tables, and one
page for each vCPU, with arguments at the start and the stack at the end. The host sets all
registers before each entry, and every entry point begins with an instruction that no exit ends on:
KVM finishes an ``out`` or a hypercall only where it stopped.
"""

import struct
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xenperf.abi.structs import record
from xenperf.abi.vcpu import REGS, SREGS
from xenperf.memory import PhysicalMemory
from xenperf.units import PAGE_SIZE, Gpa, Hva, Pfn

GUEST_GPA: Final = Gpa(0x8000_0000)
"""Below what 32 bits reach, above all RAM of a machine, away from the interrupt controllers."""

ENTER: Final = 0x10
CALL: Final = 0x20
_HANDLERS: Final = {"upcall": 0x40, "nmi": 0x48, "fault": 0x50}
_GDT: Final = 0x400
_IDT: Final = 0x800
_NR_VECTORS: Final = 256
_NR_EXCEPTIONS: Final = 32
_NMI: Final = 2
_CODE_SELECTOR, _DATA_SELECTOR, _TASK_SELECTOR = 0x08, 0x10, 0x18
_CODE_TYPE, _DATA_TYPE, _TASK_TYPE = 0xB, 0x3, 0xB
_INTERRUPT_GATE: Final = 0x8E00
_PROTECTED: Final = 0x31  # CR0: PE, ET, NE
_FLAGS: Final = 0x2
_INTERRUPTS: Final = 0x200
_NOP, _OUT, _HLT = 0x90, 0xE6, 0xF4
_HYPERCALL: Final = {"amd": b"\x0f\x01\xd9", "intel": b"\x0f\x01\xc1"}


class Port(IntEnum):
    """The I/O port that the guest writes to at its end: which way it came there."""

    DONE = 0xE0
    UPCALL = 0xE1
    NMI = 0xE2
    FAULT = 0xE3


class Guest:
    """The guest's own memory, and the registers that it is entered with."""

    def __init__(self, nr_vcpus: int) -> None:
        """Lay out the code, its tables, and a page for each vCPU."""
        self._memory = PhysicalMemory(2 + nr_vcpus)
        self._first = self._memory.allocate(1 + nr_vcpus)
        self.nr_bytes = (1 + nr_vcpus) * PAGE_SIZE
        self.hva = Hva(self._memory.khva(self._first))
        page = self._memory.view(self._first, np.uint8)
        for offset, content in _image().items():
            page[offset : offset + len(content)] = np.frombuffer(content, np.uint8)

    def put_arguments(self, vcpu_idx: int, content: bytes) -> Gpa:
        """Store *content* where the guest's hypercalls of one vCPU find it, and return where."""
        page = self._memory.view(Pfn(self._first + 1 + vcpu_idx), np.uint8)
        page[: len(content)] = np.frombuffer(content, np.uint8)
        return self._page(vcpu_idx)

    def registers(self, vcpu_idx: int, entry: int, interrupts: bool, **words: int) -> Any:
        """Return what SET_REGS takes for an entry at ``ENTER`` or ``CALL``."""
        return record(
            REGS,
            rip=GUEST_GPA + entry,
            rsp=self._page(vcpu_idx) + PAGE_SIZE,
            rflags=_FLAGS | (_INTERRUPTS if interrupts else 0),
            **words,
        )

    def close(self) -> None:
        """Give the memory back."""
        self._memory.close()

    def _page(self, vcpu_idx: int) -> Gpa:
        return Gpa(GUEST_GPA + (1 + vcpu_idx) * PAGE_SIZE)


def set_up_mode(sregs: NDArray[Any]) -> None:
    """Turn the special registers of a new vCPU into those of the guest."""
    assert sregs.dtype == SREGS
    state = sregs[0]
    for name in ("ds", "es", "fs", "gs", "ss"):
        _fill_segment(state[name], _DATA_SELECTOR, _DATA_TYPE)
    _fill_segment(state["cs"], _CODE_SELECTOR, _CODE_TYPE)
    _fill_segment(state["tr"], _TASK_SELECTOR, _TASK_TYPE)
    state["tr"]["s"], state["tr"]["limit"], state["tr"]["g"] = 0, 0x67, 0
    state["ldt"]["unusable"], state["ldt"]["present"] = 1, 0
    state["gdt"]["base"], state["gdt"]["limit"] = GUEST_GPA + _GDT, 0x1F
    state["idt"]["base"], state["idt"]["limit"] = GUEST_GPA + _IDT, 8 * _NR_VECTORS - 1
    state["cr0"], state["cr4"], state["efer"] = _PROTECTED, 0, 0


def _fill_segment(segment: Any, selector: int, kind: int) -> None:
    segment["base"], segment["limit"], segment["selector"] = 0, 0xFFFF_FFFF, selector
    segment["type"], segment["present"], segment["dpl"] = kind, 1, 0
    segment["db"], segment["s"], segment["l"], segment["g"] = 1, 1, 0, 1
    segment["unusable"] = 0


def _image() -> dict[int, bytes]:
    """Return the first page's contents by offset."""
    return {
        ENTER: bytes([_NOP, *_tell(Port.DONE)]),
        CALL: bytes([_NOP]) + hypercall_instruction() + bytes(_tell(Port.DONE)),
        _HANDLERS["upcall"]: bytes(_tell(Port.UPCALL)),
        _HANDLERS["nmi"]: bytes(_tell(Port.NMI)),
        _HANDLERS["fault"]: bytes(_tell(Port.FAULT)),
        _GDT: struct.pack("<4Q", 0, 0x00CF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF, 0),
        _IDT: b"".join(_gate(vector) for vector in range(_NR_VECTORS)),
    }


def _tell(port: Port) -> list[int]:
    return [_OUT, port, _HLT]


def _gate(vector: int) -> bytes:
    """Return the interrupt gate of *vector*: exceptions are faults of ours, the rest upcalls."""
    name = "nmi" if vector == _NMI else "fault" if vector < _NR_EXCEPTIONS else "upcall"
    handler = GUEST_GPA + _HANDLERS[name]
    low, high = handler & 0xFFFF, handler >> 16
    return struct.pack("<4H", low, _CODE_SELECTOR, _INTERRUPT_GATE, high)


def hypercall_instruction() -> bytes:
    """Return vmmcall or vmcall, whichever this processor has."""
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    return _HYPERCALL["intel" if "GenuineIntel" in flags else "amd"]
