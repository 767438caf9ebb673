"""The operations that can meet: what each does, needs first, and calls its outcome.

Adding one is a few lines: a function that returns what to call, and an entry in ``OPERATIONS``.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from xenperf.abi.kvm import INVALID_GPA
from xenperf.abi.status import Status
from xenperf.explore.machine import (
    FIRST_PORT,
    SHINFO_GFN,
    VCPU_INFO_GFN,
    Act,
    Machine,
)
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.switches import MERGED
from xenperf.units import PAGE_SIZE, gfn_to_gpa

_WORD: Final = 1 << 64
_NO_HVA: Final = 1 << 63


def _nothing(machine: Machine) -> None:
    """Prepare nothing."""


def signed(word: int) -> int:
    """Return an outcome word as the kernel means it."""
    return word - _WORD if word >> 63 else word


def _errno(word: int) -> str:
    rc = signed(word)
    return "ok" if rc == 0 else Status(rc).name


def _delivery(word: int) -> str:
    rc = signed(word)
    named = {1: "delivered", 0: "merged", Status.ENOTCONN: "masked"}
    return named.get(rc) or Status(rc).name


def _interrupt(word: int) -> str:
    return "interrupt" if word else "quiet"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an actor does."""

    summary: str
    act: Callable[[Machine, int], Act]
    """Returns what to call for an actor (0 or 1); it returns the outcome word."""

    prepare: Callable[[Machine], None] = _nothing
    outcome: Callable[[int], str] = _errno
    effects: frozenset[str] = field(default_factory=frozenset)
    """What checks look at: ``sends slots publishes deactivates remaps mode shadow``, or none."""

    nr_swaps: int = 0
    """Memslot swaps that it takes."""

    needs: str | None = None
    """The patch without which there is no such operation."""


def _words(*words: int | np.uint64) -> list[np.uint64]:
    return [np.uint64(word) for word in words]


def _send(machine: Machine, actor: int) -> Act:
    words = _words(machine.vm, machine.cpu(actor), 0, FIRST_PORT + actor)
    return lambda: machine.tap.model("evtchn").hvm_evtchn_send(*words)


def _merge(machine: Machine, actor: int) -> Act:
    words = _words(machine.vm, machine.cpu(actor), machine.vcpu)
    return lambda: machine.tap.model("vcpu").enter_guest(*words)


def _refresh(machine: Machine, actor: int) -> Act:
    words = _words(machine.vm, machine.cpu(actor), machine.vcpu)
    return lambda: machine.tap.model("vcpu").has_interrupt(*words)


def _make_stale(machine: Machine) -> None:
    machine.host.replace_pages(machine.ram_page(VCPU_INFO_GFN))


def _activate(machine: Machine, actor: int) -> Act:
    by_gpa = machine.activation is Activation.GPA
    gpa = gfn_to_gpa(SHINFO_GFN) if by_gpa else INVALID_GPA
    uhva = _NO_HVA if by_gpa else machine.ram_page(SHINFO_GFN)
    words = _words(machine.vm, machine.cpu(actor), gpa, uhva)
    return lambda: machine.tap.model("shinfo").activate_shinfo(*words)


def _kernel(machine: Machine, name: str, *words: int) -> Act:
    func = machine.tap.copy.module("xenperf.jit").registry[name].func
    unsigned = _words(*words)
    return lambda: func(*unsigned)


def _deactivate(machine: Machine, actor: int) -> Act:
    gpc = machine.host.state.shinfo_gpc()
    return _kernel(machine, "deactivate_cache", machine.vm, gpc)


def _to_compat(machine: Machine, actor: int) -> Act:
    return _kernel(machine, "set_long_mode", machine.vm, int(machine.cpu(actor)), 0)


def _invalidate(machine: Machine, actor: int) -> Act:
    start = machine.ram_page(SHINFO_GFN)
    words = _words(machine.vm, machine.cpu(actor), start, start + PAGE_SIZE)
    entry, shown = _words(machine.page_entry(start), machine.entry_of(machine.new_frame))

    def act() -> int:
        notifier = machine.tap.model("notifier")
        notifier.invalidate_range_start(*words)
        machine.tap.words.store64(entry, shown)
        notifier.invalidate_range_end(*words)
        return 0

    return act


def _requests(
    regions: Callable[[Machine], list[MemoryRegion]],
) -> Callable[[Machine, int], Act]:
    """Return an operation that makes memslot requests in turn and stops at the first refusal."""

    def operation(machine: Machine, actor: int) -> Act:
        vm_and_cpu = _words(machine.vm, machine.cpu(actor))
        places = _words(*machine.packed(regions(machine)))

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
    vm_and_cpu = _words(machine.vm, machine.cpu(actor))
    places = machine.packed(machine.broken_apart())
    rest = _words(places[0], len(places))
    return lambda: machine.tap.model("atomic_update").update_at_once(*vm_and_cpu, *rest)


_SLOTS: Final = frozenset({"slots"})

OPERATIONS: Final = {
    "send": Operation(
        *("Send an event by the ioctl.", _send, _nothing, _delivery),
        effects=frozenset({"sends"}),
    ),
    "merge": Operation(
        "Enter the guest with a selector bit in the shadow, which is merged.",
        *(_merge, Machine.shadow_a_selector, _interrupt),
        effects=frozenset({"shadow"}),
    ),
    "activate": Operation("Activate shared_info once more at the same place.", _activate),
    "deactivate": Operation(
        *("Deactivate shared_info.", _deactivate), effects=frozenset({"deactivates"})
    ),
    "refresh": Operation(
        "Ask for a pending upcall while the cache of vcpu_info is stale.",
        *(_refresh, _make_stale, _interrupt),
    ),
    "invalidate": Operation(
        "Map a new page under shared_info; the notifier runs before and after.",
        _invalidate,
        effects=frozenset({"remaps"}),
    ),
    "delete": Operation(
        *("Delete the memslot that is RAM.", _requests(lambda m: [m.without_ram()])),
        effects=_SLOTS,
        nr_swaps=2,
    ),
    "create": Operation(
        *("Create a memslot elsewhere.", _requests(lambda m: [m.page_elsewhere()])),
        effects=_SLOTS,
        nr_swaps=1,
    ),
    "move": Operation(
        *("Move RAM up by one frame.", _requests(lambda m: [m.whole(first=1)])),
        effects=_SLOTS,
        nr_swaps=2,
    ),
    "flags": Operation(
        *("Turn dirty logging of RAM on.", _requests(lambda m: [m.logged()])),
        effects=_SLOTS,
        nr_swaps=1,
    ),
    "break_apart": Operation(
        "Lay a page over shared_info's frame: delete RAM, create low part, overlay, high part.",
        _requests(Machine.broken_apart),
        effects=_SLOTS,
        nr_swaps=5,
    ),
    "overlay_at_once": Operation(
        "Lay that page in one publish, which is wished for.",
        _at_once,
        effects=_SLOTS | {"publishes"},
        nr_swaps=1,
        needs="atomic-overlay",
    ),
    "long_mode": Operation("Switch to 32-bit layouts.", _to_compat, effects=frozenset({"mode"})),
}


def names_on(patches: Collection[str]) -> list[str]:
    """Return the operations that a kernel with *patches* has."""
    return [name for name, each in OPERATIONS.items() if each.needs in (None, *patches)]


def default_pairs(patches: Collection[str] = MERGED) -> list[tuple[str, str]]:
    """Return every pair, each once, without two that the VMM's own lock serialises wholly."""
    names = names_on(patches)
    return [
        (first, second)
        for idx, first in enumerate(names)
        for second in names[idx:]
        if not ("slots" in OPERATIONS[first].effects and "slots" in OPERATIONS[second].effects)
    ]
