"""Cases of the absent window: what a send gets while the overlay's frame has no usable memslot.

A row of letters tells one send after each request: o accepted, F refused with EFAULT.
"""

from dataclasses import replace
from typing import Final

from xenperf.hypervisor import Activation, Feature, MemoryRegion
from xenperf.scenarios.cases.case import FILLED, Case, Source, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE, JOINED, JOINED_BY_ONE, WHOLE
from xenperf.units import Gfn, Gpa, gfn_to_gpa
from xenperf.vmm.machine import OVERLAY_GFN, without
from xenperf.vmm.overlay import break_apart, play_at_once, regions, rejoin

IN_RAM_GFN: Final = Gfn(3)
ELSEWHERE: Final = gfn_to_gpa(Gfn(1 << 21))


def _deleted(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    return f"{stage.send(66)} {stage.look()}"


def _low_created(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    stage.request(stage.machine.low())
    return f"{stage.send(66)} {stage.look()}"


def _overlay_created(stage: Stage) -> str:
    stage.lay()
    ram = stage.pending(stage.ram_under_overlay)
    return f"{stage.send(66)} overlay={stage.pending()} ram={ram}"


def _run_after(stage: Stage) -> str:
    """Send in the window, lay the overlay, run."""
    stage.delete(stage.machine.whole)
    sent = stage.send(66)
    stage.request(stage.machine.low(), stage.machine.overlay(), stage.machine.high())
    stage.run()
    return f"{sent} {stage.look()}"


def _qemu_order(stage: Stage) -> str:
    steps = (*break_apart(stage.machine), *rejoin(stage.machine))
    return stage.sends_along(regions(steps))


def _overlay_first(stage: Stage) -> str:
    whole, low, overlay, high = regions(break_apart(stage.machine))
    return stage.sends_along([whole, overlay, low, high, *regions(rejoin(stage.machine))])


def _shared_info_elsewhere(stage: Stage) -> None:
    """Activate shared_info in plain RAM, away from the overlay's frame."""
    if stage.activation is Activation.GPA:
        stage.host.activate_shinfo_gfn(IN_RAM_GFN)
    else:
        stage.host.activate_shinfo_hva(stage.machine.ram_at(IN_RAM_GFN))


def _other_overlay(stage: Stage) -> str:
    _shared_info_elsewhere(stage)
    return _qemu_order(stage)


def _ram_page(stage: Stage) -> MemoryRegion:
    """The RAM under the overlay, as a slot of its own in the overlay's slot."""
    return replace(stage.machine.overlay(), hva=stage.ram_under_overlay)


def _middle(stage: Stage) -> str:
    overlay, page = stage.machine.overlay(), _ram_page(stage)
    return stage.sends_along([without(overlay), page, without(page), overlay])


def _other_middle(stage: Stage) -> str:
    stage.lay()
    _shared_info_elsewhere(stage)
    return _middle(stage)


def _moved(stage: Stage) -> str:
    """Take the RAM page away and move the overlay's slot in; move it out, put the page back."""
    stage.delete(stage.filler)
    page = replace(_ram_page(stage), slot=stage.filler.slot)
    inside = stage.machine.overlay()
    outside = replace(inside, gpa=Gpa(ELSEWHERE))
    stage.request(outside, page)
    return stage.sends_along([without(page), inside, outside, page])


def _at_once(stage: Stage) -> str:
    """Break apart and rejoin, all requests of each in one; send after each."""
    seen = ""
    for idx, steps in enumerate((break_apart(stage.machine), rejoin(stage.machine))):
        play_at_once(stage.host, steps)
        seen += f"{stage.send(66 + idx)} "
    return f"{seen}overlay={stage.pending()} ram={stage.pending(stage.ram_under_overlay)}"


def _wrong_page(stage: Stage) -> str:
    stage.rejoin()
    sent = stage.send(66)
    return f"{sent} overlay={stage.pending()} ram={stage.pending(stage.ram_under_overlay)}"


def _all_slots_gone(stage: Stage) -> str:
    machine = stage.machine
    stage.delete(machine.low(), machine.overlay(), machine.high())
    return f"{stage.send(66)} {stage.pending()}"


def _other_frame(stage: Stage) -> str:
    """Lay the overlay at another frame without telling KVM."""
    stage.rejoin()
    stage.lay(Gfn(OVERLAY_GFN + 7))
    sent = stage.send(66)
    page = stage.ram_under_overlay
    return f"{sent} overlay={stage.pending()} ram={stage.pending(page)}"


IN_SHADOW: Final = "OK 66 sel=0x0 up=0"
NOTHING: Final = "EFAULT none sel=0x0 up=0"
CASES: Final = (
    Case("window.41_ram_deleted", JOINED, "delete RAM, send 66", _deleted, NOTHING, IN_SHADOW),
    Case(
        *("window.42_low_created", JOINED, "delete RAM, create low, send 66"),
        *(_low_created, NOTHING, IN_SHADOW),
    ),
    Case(
        *("window.43_overlay_created", JOINED, "break apart, send 66"),
        *(_overlay_created, *same("OK overlay=66 ram=none")),
    ),
    Case(
        *("window.140_run_after", JOINED, "delete RAM, send 66, lay the overlay, run"),
        *(_run_after, "EFAULT none sel=0x0 up=0", "OK 66 sel=0x2 up=1"),
        source=Source.READ,
    ),
    Case(
        *("window.141_as_qemu", JOINED_BY_ONE, "break apart, rejoin, in QEMU's order"),
        *(_qemu_order, "FFoooFFo", "oooooooo"),
    ),
    Case(
        *("window.86_overlay_first", JOINED_BY_ONE, "the same, overlay created first"),
        *(_overlay_first, "FooooFFo", "oooooooo"),
    ),
    Case(
        *("window.142_other_overlay", JOINED_BY_ONE, "as_qemu, shared_info elsewhere in RAM"),
        *(_other_overlay, "FoooFFFo", "oooooooo"),
    ),
    Case(
        *("window.143_middle_swapped", ACTIVE, "overlay, RAM page and back, in one slot"),
        *(_middle, "FoFo", "oooo"),
    ),
    Case(
        *("window.144_other_middle", WHOLE, "the same, shared_info elsewhere in RAM"),
        *(_other_middle, *same("oooo")),
    ),
    Case(
        *("window.145_slot_moved", ACTIVE, "the overlay's slot moved in and out"),
        *(_moved, "FoFo", "oooo"),
        shape=FILLED,
    ),
    Case(
        *("window.170_at_once", JOINED_BY_ONE, "break apart in one request, send; rejoin, send"),
        *(_at_once, "OK OK overlay=66 ram=67", "OK OK overlay=66,67 ram=none"),
        source=Source.READ,
        needs=frozenset({Feature.ATOMIC_SLOTS}),
    ),
    Case(
        *("window.146_wrong_page", ACTIVE, "rejoin, send 66"),
        *(_wrong_page, "OK overlay=none ram=66", "OK overlay=66 ram=none"),
    ),
    Case(
        *("window.147_all_gone", ACTIVE, "delete every slot, send 66"),
        *(_all_slots_gone, "EFAULT none", "OK 66"),
        source=Source.READ,
    ),
    Case(
        *("window.148_other_frame", ACTIVE, "lay the overlay at another frame, send 66"),
        *(_other_frame, "OK overlay=none ram=66", "OK overlay=66 ram=none"),
        source=Source.READ,
    ),
)
