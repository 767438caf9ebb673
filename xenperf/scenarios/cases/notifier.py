"""Cases of pages that change under the VMM's addresses, of which KVM hears by the notifier."""

from typing import Final

from xenperf.scenarios.cases.case import Case, Source, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE
from xenperf.units import Gfn, Hva


def _replaced(stage: Stage) -> str:
    stage.send(66)
    stage.host.replace_pages(stage.overlay)
    return f"{stage.pending()} {stage.send(67)} {stage.pending()}"


def _replaced_clock(stage: Stage) -> str:
    stage.host.replace_pages(stage.overlay)
    stage.send(66)
    return f"wc={stage.read_int(Hva(stage.overlay + stage.layout.wc_offset), 4)}"


def _unmapped(stage: Stage) -> str:
    stage.host.unmap_pages(stage.overlay)
    gone = stage.send(66)
    stage.host.replace_pages(stage.overlay)
    return f"{gone} {stage.send(67)} {stage.pending()}"


def _read_only(stage: Stage) -> str:
    stage.host.protect_page(stage.overlay, writable=False)
    refused = stage.send(66)
    stage.host.protect_page(stage.overlay, writable=True)
    return f"{refused} {stage.send(67)} {stage.pending()}"


def _elsewhere(stage: Stage) -> str:
    stage.host.replace_pages(stage.machine.ram_at(Gfn(900)))
    return f"{stage.send(66)} {stage.look()}"


def _vcpu_info_replaced(stage: Stage) -> str:
    stage.host.replace_pages(stage.machine.ram_at(Gfn(16)))
    sent = f"{stage.send(66)} {stage.look()}"
    stage.run()
    return f"{sent}, run {stage.upcall()}"


CASES: Final = (
    Case(
        *("notifier.72_page_replaced", ACTIVE, "send 66, new page over the HVA, send 67"),
        *(_replaced, *same("none OK 67")),
    ),
    Case(
        *("notifier.122_no_wall_clock", ACTIVE, "new page over the HVA, send 66"),
        *(_replaced_clock, *same("wc=0")),
    ),
    Case(
        *("notifier.123_page_unmapped", ACTIVE, "munmap, send 66; page again, send 67"),
        *(_unmapped, *same("EFAULT OK 67")),
    ),
    Case(
        *("notifier.124_page_read_only", ACTIVE, "mprotect, send 66; writable, send 67"),
        *(_read_only, *same("EFAULT OK 67")),
    ),
    Case(
        *("notifier.125_page_elsewhere", ACTIVE, "new page elsewhere in RAM, send 66"),
        *(_elsewhere, *same("OK 66 sel=0x2 up=1")),
        source=Source.READ,
    ),
    Case(
        *("notifier.126_vcpu_info", ACTIVE, "new page under vcpu_info, send 66, run"),
        *(_vcpu_info_replaced, *same("OK 66 sel=0x0 up=0, run sel=0x2 up=1")),
    ),
)
