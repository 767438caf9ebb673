"""The operations that can meet: what each does, needs first, and calls its outcome.

Adding one is a few lines: a function that returns what to call, and an entry in ``OPERATIONS``.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

import numpy as np

from xenperf.abi.kvm import INVALID_GPA
from xenperf.explore.machine import (
    FIRST_PORT,
    SHINFO_GFN,
    VCPU_INFO_GFN,
    Act,
    Machine,
)
from xenperf.explore.operation import (
    Operation,
    delivery,
    interrupt,
    nothing,
    words,
)
from xenperf.explore.source_operations import SOURCES
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.switches import MERGED
from xenperf.units import PAGE_SIZE, gfn_to_gpa

_NO_HVA: Final = 1 << 63


def _send(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), 0, FIRST_PORT + actor)
    return lambda: machine.tap.model("evtchn").hvm_evtchn_send(*args)


def _merge(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), machine.vcpu)
    return lambda: machine.tap.model("vcpu").enter_guest(*args)


def _refresh(machine: Machine, actor: int) -> Act:
    args = words(machine.vm, machine.cpu(actor), machine.vcpu)
    return lambda: machine.tap.model("vcpu").has_interrupt(*args)


def _make_stale(machine: Machine) -> None:
    machine.host.replace_pages(machine.ram_page(VCPU_INFO_GFN))


def _activate(machine: Machine, actor: int) -> Act:
    by_gpa = machine.activation is Activation.GPA
    gpa = gfn_to_gpa(SHINFO_GFN) if by_gpa else INVALID_GPA
    uhva = _NO_HVA if by_gpa else machine.ram_page(SHINFO_GFN)
    args = words(machine.vm, machine.cpu(actor), gpa, uhva)
    return lambda: machine.tap.model("shinfo").activate_shinfo(*args)


def _kernel(machine: Machine, name: str, *numbers: int) -> Act:
    func = machine.tap.copy.module("xenperf.jit").registry[name].func
    args = words(*numbers)
    return lambda: func(*args)


def _deactivate(machine: Machine, actor: int) -> Act:
    gpc = machine.host.state.shinfo_gpc()
    return _kernel(machine, "deactivate_cache", machine.vm, gpc)


def _to_compat(machine: Machine, actor: int) -> Act:
    return _kernel(machine, "set_long_mode", machine.vm, int(machine.cpu(actor)), 0)


def _invalidate(machine: Machine, actor: int) -> Act:
    start = machine.ram_page(SHINFO_GFN)
    args = words(machine.vm, machine.cpu(actor), start, start + PAGE_SIZE)
    entry, shown = words(machine.page_entry(start), machine.entry_of(machine.new_frame))

    def act() -> int:
        notifier = machine.tap.model("notifier")
        notifier.invalidate_range_start(*args)
        machine.tap.words.store64(entry, shown)
        notifier.invalidate_range_end(*args)
        return 0

    return act


def _requests(
    regions: Callable[[Machine], list[MemoryRegion]],
) -> Callable[[Machine, int], Act]:
    """Return an operation that makes memslot requests in turn and stops at the first refusal."""

    def operation(machine: Machine, actor: int) -> Act:
        vm_and_cpu = words(machine.vm, machine.cpu(actor))
        places = words(*machine.packed(regions(machine)))

        def act() -> Any:
            rc = np.uint64(0)
            for place in places:
                rc = machine.tap.model("slot_update").set_memory_region(*vm_and_cpu, place)
                if rc:
                    break
            return rc

        return act

    return operation


def _at_once(machine: Machine, actor: int) -> Act:
    vm_and_cpu = words(machine.vm, machine.cpu(actor))
    places = machine.packed(machine.broken_apart())
    rest = words(places[0], len(places))
    return lambda: machine.tap.model("atomic_update").update_at_once(*vm_and_cpu, *rest)


_SLOTS: Final = frozenset({"slots"})
_VCPU: Final = frozenset({"vcpu"})


def _slots(
    summary: str, regions: Callable[[Machine], list[MemoryRegion]], nr_swaps: int
) -> Operation:
    """Return an operation of memslot requests: the VMM's own lock serialises two of them wholly."""
    operation = _requests(regions)
    return Operation(summary, operation, effects=_SLOTS, nr_swaps=nr_swaps, holds=_SLOTS)


_BASIC: Final = {
    "send": Operation(
        *("Send an event by the ioctl.", _send, nothing, delivery),
        effects=frozenset({"sends"}),
        port=lambda actor: FIRST_PORT + actor,
    ),
    "merge": Operation(
        "Enter the guest with a selector bit in the shadow, which is merged.",
        *(_merge, Machine.shadow_a_selector, interrupt),
        effects=frozenset({"shadow", "enters"}),
        holds=_VCPU,
    ),
    "activate": Operation(
        *("Activate shared_info once more at the same place.", _activate),
        effects=frozenset({"activates"}),
    ),
    "deactivate": Operation(
        *("Deactivate shared_info.", _deactivate), effects=frozenset({"deactivates"})
    ),
    "refresh": Operation(
        "Ask for a pending upcall while the cache of vcpu_info is stale.",
        *(_refresh, _make_stale, interrupt),
    ),
    "invalidate": Operation(
        "Map a new page under shared_info; the notifier runs before and after.",
        _invalidate,
        effects=frozenset({"remaps"}),
    ),
    "delete": _slots("Delete the memslot that is RAM.", lambda m: [m.without_ram()], 2),
    "create": _slots("Create a memslot elsewhere.", lambda m: [m.page_elsewhere()], 1),
    "move": _slots("Move RAM up by one frame.", lambda m: [m.whole(first=1)], 2),
    "flags": _slots("Turn dirty logging of RAM on.", lambda m: [m.logged()], 1),
    "break_apart": _slots(
        "Lay a page over shared_info's frame: delete RAM, create low part, overlay, high part.",
        *(Machine.broken_apart, 5),
    ),
    "overlay_at_once": Operation(
        "Lay that page in one publish, which is wished for.",
        _at_once,
        effects=_SLOTS | {"publishes"},
        nr_swaps=1,
        needs="atomic-overlay",
        holds=_SLOTS,
    ),
    "long_mode": Operation(
        "Switch to 32-bit layouts, with bits set that it must leave where they are.",
        *(_to_compat, Machine.set_other_bits),
        effects=frozenset({"mode"}),
    ),
}
OPERATIONS: Final = {**_BASIC, **SOURCES}


def names_on(patches: Collection[str]) -> list[str]:
    """Return the operations that a kernel with *patches* has."""
    return [name for name, each in OPERATIONS.items() if each.needs in (None, *patches)]


def can_meet(first: str, second: str) -> bool:
    """Tell whether two operations can be under way at once, and are worth exploring."""
    pairs = ((first, OPERATIONS[second]), (second, OPERATIONS[first]))
    return OPERATIONS[first].holds.isdisjoint(OPERATIONS[second].holds) and all(
        other.meets is None or name in other.meets for name, other in pairs
    )


def default_pairs(patches: Collection[str] = MERGED) -> list[tuple[str, str]]:
    """Return every pair that can meet, each once."""
    names = names_on(patches)
    return [
        (first, second)
        for idx, first in enumerate(names)
        for second in names[idx:]
        if can_meet(first, second)
    ]
