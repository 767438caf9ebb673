import ctypes
import struct

import numpy as np

from xenperf.abi.vcpu import REGS, SREGS
from xenperf.live.guest import (
    CALL,
    ENTER,
    GUEST_GPA,
    Guest,
    Port,
    hypercall_instruction,
    set_up_mode,
)
from xenperf.memory import close_all
from xenperf.units import PAGE_SIZE, Hva

NOP, OUT, HLT = 0x90, 0xE6, 0xF4


def _bytes(hva: int, nr_bytes: int) -> bytes:
    return ctypes.string_at(hva, nr_bytes)


def test_each_entry_ends_on_an_instruction_that_it_does_not_begin_with() -> None:
    guest = Guest(1)
    assert _bytes(guest.hva + ENTER, 4) == bytes([NOP, OUT, Port.DONE, HLT])
    call = bytes([NOP]) + hypercall_instruction() + bytes([OUT, Port.DONE, HLT])
    assert _bytes(guest.hva + CALL, len(call)) == call
    guest.close()


def test_every_vector_has_a_gate_to_a_handler_that_tells_which() -> None:
    guest = Guest(1)
    ports = []
    for vector in range(256):
        low, selector, kind, high = struct.unpack("<4H", _bytes(guest.hva + 0x800 + 8 * vector, 8))
        assert (selector, kind) == (0x08, 0x8E00)
        handler = (high << 16 | low) - GUEST_GPA
        out, port, hlt = _bytes(guest.hva + handler, 3)
        assert (out, hlt) == (OUT, HLT)
        ports.append(port)
    assert ports[2] == Port.NMI
    assert set(ports[:2] + ports[3:32]) == {Port.FAULT}
    assert set(ports[32:]) == {Port.UPCALL}
    guest.close()


def test_the_descriptors_are_flat() -> None:
    guest = Guest(1)
    null, code, data, _ = struct.unpack("<4Q", _bytes(guest.hva + 0x400, 32))
    assert null == 0
    for descriptor, kind in ((code, 0x9B), (data, 0x93)):
        limit = descriptor & 0xFFFF | (descriptor >> 48 & 0xF) << 16
        base = descriptor >> 16 & 0xFF_FFFF | descriptor >> 56 << 24
        assert (base, limit, descriptor >> 40 & 0xFF) == (0, 0xFFFFF, kind)
        assert descriptor >> 52 & 0xF == 0xC  # 4 KiB granularity, 32 bits
    guest.close()


def test_each_vcpu_has_a_page_for_its_arguments_and_stack() -> None:
    guest = Guest(3)
    assert guest.nr_bytes == 4 * PAGE_SIZE
    for idx in range(3):
        where = guest.put_arguments(idx, bytes([idx + 1] * 4))
        assert where == GUEST_GPA + (1 + idx) * PAGE_SIZE
        registers = guest.registers(idx, CALL, idx == 1, rax=32, rbx=4)
        assert registers.dtype == REGS
        assert int(registers["rsp"][0]) == where + PAGE_SIZE
        assert int(registers["rip"][0]) == GUEST_GPA + CALL
        assert int(registers["rflags"][0]) == (0x202 if idx == 1 else 0x2)
        assert (int(registers["rax"][0]), int(registers["rbx"][0])) == (32, 4)
    offsets = [_bytes(guest.hva + (1 + idx) * PAGE_SIZE, 4) for idx in range(3)]
    assert offsets == [bytes([idx + 1] * 4) for idx in range(3)]
    guest.close()


def test_the_mode_is_32_bit_protected_without_paging() -> None:
    sregs = np.zeros(1, SREGS)
    sregs["apic_base"] = 0xFEE00900
    set_up_mode(sregs)
    state = sregs[0]
    assert int(state["cr0"]) == 0x31
    assert int(state["efer"]) == 0
    assert int(state["apic_base"]) == 0xFEE00900
    for name in ("cs", "ds", "es", "fs", "gs", "ss"):
        segment = state[name]
        assert (int(segment["base"]), int(segment["limit"])) == (0, 0xFFFF_FFFF)
        assert int(segment["dpl"]) == 0
        assert int(segment["present"]) == int(segment["db"]) == int(segment["s"]) == 1
    assert int(state["tr"]["s"]) == 0
    assert int(state["idt"]["base"]) == GUEST_GPA + 0x800


def test_nothing_is_left_of_it() -> None:
    guest = Guest(2)
    assert guest.hva == Hva(guest.hva & -PAGE_SIZE)
    close_all([guest])
