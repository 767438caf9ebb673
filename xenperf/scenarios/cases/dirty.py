"""Cases of dirty logging: which deliveries mark which page."""

from dataclasses import replace
from typing import Final

from xenperf.abi.kvm import MemslotFlag
from xenperf.hypervisor import Feature, MemoryRegion
from xenperf.scenarios.cases.case import Case, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE


def _logged(region: MemoryRegion) -> MemoryRegion:
    return replace(region, flags=MemslotFlag.LOG_DIRTY_PAGES)


def _log(stage: Stage) -> None:
    machine = stage.machine
    stage.request(_logged(machine.low()), _logged(machine.overlay()))


def _marked(stage: Stage) -> str:
    """Return the marked pages of vcpu_info's slot and of shared_info's."""
    found = [stage.host.dirty_pages(r.slot) for r in (stage.machine.low(), stage.machine.overlay())]
    low, overlay = (",".join(map(str, pages)) or "none" for pages in found)
    return f"ram={low} overlay={overlay}"


def _direct(stage: Stage) -> str:
    _log(stage)
    stage.vcpu_info()
    return f"{stage.send(66)} {stage.look()} {_marked(stage)}"


def _merged(stage: Stage) -> str:
    _log(stage)
    sent = stage.send(66)
    stage.run()
    return f"{sent} {stage.look()} {_marked(stage)}"


def _nothing(stage: Stage) -> str:
    _log(stage)
    stage.run()
    return _marked(stage)


CASES: Final = (
    Case(
        *("dirty.68_direct", ACTIVE, "log, activate vcpu_info, send 66", _direct),
        *same("OK 66 sel=0x2 up=1 ram=none overlay=none"),
    ),
    Case(
        *("dirty.136_merge", ACTIVE, "log, send 66, run", _merged),
        *("OK 66 sel=0x2 up=1 ram=16 overlay=none", "OK 66 sel=0x2 up=1 ram=none overlay=none"),
    ),
    Case(
        *("dirty.137_no_event", ACTIVE, "log, run", _nothing),
        *same("ram=none overlay=none"),
        needs=frozenset({Feature.STEADY_CLOCK}),
    ),
)
