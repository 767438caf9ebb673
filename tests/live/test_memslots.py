"""Memslot requests to the running kernel, which any KVM answers, with or without Xen."""

from dataclasses import replace

import numpy as np
import pytest

from xenperf.abi.kvm import MemslotFlag
from xenperf.abi.status import Status
from xenperf.hypervisor import MemoryRegion, VmSize
from xenperf.live.host import LiveHost
from xenperf.live.vm import pack_regions
from xenperf.units import PAGE_SIZE, Gpa, Hva
from xenperf.vmm.machine import Shape, assemble, play, without
from xenperf.vmm.overlay import break_apart, regions, rejoin

pytestmark = pytest.mark.live
RAM_PAGES = 8


@pytest.fixture
def ram(slots_host: LiveHost) -> MemoryRegion:
    hva = slots_host.allocate_pages(RAM_PAGES)
    return MemoryRegion(0, Gpa(0), RAM_PAGES * PAGE_SIZE, hva)


def test_the_kernel_answers_as_the_cases_say(slots_host: LiveHost, ram: MemoryRegion) -> None:
    ask = slots_host.set_memory_regions
    wrong = [
        replace(ram, slot=1),
        replace(ram, nr_bytes=PAGE_SIZE),
        replace(ram, hva=Hva(ram.hva + PAGE_SIZE)),
        replace(ram, flags=MemslotFlag.READONLY),
        replace(ram, slot=1, gpa=Gpa(1 << 32 | 1)),
    ]
    assert ask([ram]) == [Status.OK]
    assert ask(wrong) == [Status.EEXIST, *[Status.EINVAL] * 4]
    moved = replace(ram, gpa=Gpa(1 << 24))
    assert ask([ram, moved, without(moved), without(moved)]) == [0, 0, 0, Status.EINVAL]


def test_ram_is_broken_apart_and_rejoined_again_and_again(slots_host: LiveHost) -> None:
    machine = assemble_without_xen(slots_host)
    for _ in range(10):
        play(slots_host, regions(break_apart(machine)))
        assert slots_host.slots.hva_of(machine.overlay().gpa) == machine.overlay_hva
        play(slots_host, regions(rejoin(machine)))
        assert slots_host.slots.hva_of(machine.overlay().gpa) == machine.ram_hva + 512 * PAGE_SIZE


def assemble_without_xen(host: LiveHost):  # type: ignore[no-untyped-def]
    """Assemble the machine; the attribute LONG_MODE is refused, and nothing else."""
    return assemble(host, Shape(nr_slots=4))


def test_a_refused_request_changes_nothing_that_we_remember(
    slots_host: LiveHost, ram: MemoryRegion
) -> None:
    slots_host.set_memory_regions([ram, replace(ram, slot=1), replace(ram, nr_bytes=PAGE_SIZE)])
    assert slots_host.slots.hva_of(Gpa(5 * PAGE_SIZE + 3)) == ram.hva + 5 * PAGE_SIZE + 3
    assert slots_host.slots.hva_of(Gpa(RAM_PAGES * PAGE_SIZE)) is None
    slots_host.set_memory_regions([without(ram)])
    assert slots_host.slots.hva_of(Gpa(0)) is None


def test_a_logging_slot_has_its_marks_until_it_is_gone(
    slots_host: LiveHost, ram: MemoryRegion
) -> None:
    with pytest.raises(ValueError, match="slot 0: logs no dirty pages"):
        slots_host.dirty_pages(0)
    logging = replace(ram, flags=MemslotFlag.LOG_DIRTY_PAGES)
    slots_host.set_memory_regions([logging])
    assert slots_host.dirty_pages(0) == []
    slots_host.set_memory_regions([ram])
    with pytest.raises(ValueError, match="slot 0: logs no dirty pages"):
        slots_host.dirty_pages(0)


def test_a_slot_that_this_vm_was_not_asked_for_is_refused(slots_host: LiveHost) -> None:
    with pytest.raises(ValueError, match="slot 16: this VM has 16"):
        slots_host.set_memory_regions([MemoryRegion(16, Gpa(0), PAGE_SIZE, Hva(PAGE_SIZE))])


def test_without_xen_its_attributes_are_answered_with_an_error(slots_host: LiveHost) -> None:
    if slots_host.vm.xen_flags:
        pytest.skip("this kernel has Xen support")
    assert slots_host.set_long_mode(True) < 0
    outcomes = np.zeros(2, np.int64)
    slots_host.send(0, np.array([1, 2], np.uint32), outcomes)
    assert set(outcomes.tolist()) <= {-25, Status.EINVAL}  # ENOTTY where it is not built in


def test_many_slots_are_one_request_each(slots_host: LiveHost) -> None:
    with LiveHost(VmSize(nr_pages=16, nr_slots=1024), needs_xen=False) as host:
        hva = host.allocate_pages(1)
        wanted = [MemoryRegion(i, Gpa(2 * i * PAGE_SIZE), PAGE_SIZE, hva) for i in range(1024)]
        assert not any(host.set_memory_regions(wanted))


def test_packed_regions_are_what_kvm_reads() -> None:
    packed = pack_regions([MemoryRegion(3, Gpa(0x1000), 0x2000, Hva(0x7000), 1)])
    assert packed.tobytes() == b"".join(
        number.to_bytes(size, "little")
        for number, size in ((3, 4), (1, 4), (0x1000, 8), (0x2000, 8), (0x7000, 8))
    )
    with pytest.raises(ValueError, match="slot 4294967296: give 0 to"):
        pack_regions([MemoryRegion(1 << 32, Gpa(0), 0, Hva(0))])
