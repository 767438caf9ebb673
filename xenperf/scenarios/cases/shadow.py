"""Cases of the shadow selector: events while vcpu_info is away, and the merge at guest entry."""

from typing import Final

from xenperf.hypervisor import Activation
from xenperf.scenarios.cases.case import COMPAT, FILLED, Case, Source, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE, SHINFO_ONLY
from xenperf.units import Gfn, Hva, gfn_to_gpa
from xenperf.vmm.machine import VCPU_INFO_BYTES

NEW_PLACE: Final = Gfn(17)
LOST: Final = "EINVAL none sel=0x0 up=0"


def _away(stage: Stage) -> str:
    return f"{stage.send(66)} {stage.look()}"


def _back_not_run(stage: Stage) -> str:
    sent = stage.send(66)
    stage.vcpu_info()
    return f"{sent} {stage.look()}"


def _back_and_run(stage: Stage) -> str:
    sent = stage.send(66)
    stage.vcpu_info()
    stage.run()
    return f"{sent} {stage.look()}"


def _compat(stage: Stage) -> str:
    sent = stage.send(1000)
    stage.vcpu_info()
    stage.run()
    return f"{sent} {stage.look()}"


def _gather(stage: Stage) -> str:
    sent = stage.send(1, 66, 130, 1000)
    stage.vcpu_info()
    stage.run()
    return f"{sent} {stage.upcall()}"


def _slot_change(stage: Stage) -> str:
    stage.delete(stage.filler)
    sent = f"{stage.send(66)} {stage.look()}"
    stage.run()
    return f"{sent}, run {stage.upcall()}"


def _used_up(stage: Stage, *then: int) -> str:
    """Enter once while vcpu_info does not resolve; bring it back, send *then*, enter again."""
    low = stage.machine.low()
    stage.delete(low)
    sent = stage.send(66)
    stage.run()
    stage.request(low)
    if then:
        sent = f"{sent} {stage.send(*then)}"
    stage.run()
    return f"{sent} {stage.upcall()}"


def _used_up_alone(stage: Stage) -> str:
    return _used_up(stage)


def _used_up_same_word(stage: Stage) -> str:
    return _used_up(stage, 67)


def _used_up_other_word(stage: Stage) -> str:
    return _used_up(stage, 130)


def _not_used_up(stage: Stage) -> str:
    low = stage.machine.low()
    stage.delete(low)
    sent = stage.send(66)
    stage.request(low)
    stage.run()
    return f"{sent} {stage.upcall()}"


def _compat_selector(stage: Stage) -> str:
    where = Hva(stage.vcpu_info_hva() + COMPAT.layout.vcpu_info.pending_sel)
    return f"sel32={stage.read_int(where, 4):#x}"


def _mode_switch(stage: Stage) -> str:
    sent = stage.send(66)
    stage.host.set_long_mode(False)
    stage.vcpu_info()
    stage.run()
    return f"{sent} {_compat_selector(stage)} {stage.upcall()}"


def _mode_and_back(stage: Stage) -> str:
    sent = stage.send(4095)
    stage.host.set_long_mode(False)
    stage.vcpu_info()
    stage.run()
    seen = f"{sent} {_compat_selector(stage)} {stage.upcall()}"
    stage.host.set_long_mode(True)
    stage.send(1)
    stage.run()
    return f"{seen}, {stage.upcall()}"


def _moved(stage: Stage) -> str:
    """Move vcpu_info the safe way: off, copy, on; an event comes in between."""
    new_gpa = gfn_to_gpa(NEW_PLACE)
    new_hva = stage.machine.ram_at(NEW_PLACE)
    stage.vcpu_info_off()
    sent = stage.send(66)
    stage.host.write(new_hva, stage.host.read(stage.vcpu_info_hva(), VCPU_INFO_BYTES))
    if stage.activation is Activation.GPA:
        stage.host.activate_vcpu_info_gpa(0, new_gpa)
    else:
        stage.host.activate_vcpu_info_hva(0, new_hva)
    stage.run()
    return f"{sent} old {stage.upcall()}, new {stage.upcall(new_hva)}"


SENT: Final = "OK 66 sel=0x0 up=0"
CASES: Final = (
    Case("shadow.29_away", SHINFO_ONLY, "send 66", _away, *same(SENT), gpa_only=LOST),
    Case(
        *("shadow.30_back_not_run", SHINFO_ONLY, "send 66, vcpu_info on", _back_not_run),
        *same(SENT),
        gpa_only=LOST,
    ),
    Case(
        *("shadow.31_back_and_run", SHINFO_ONLY, "send 66, vcpu_info on, run", _back_and_run),
        *same("OK 66 sel=0x2 up=1"),
        gpa_only=LOST,
    ),
    Case(
        *("shadow.32_compat", SHINFO_ONLY, "send 1000, vcpu_info on, run", _compat),
        *same("OK 1000 sel=0x80000000 up=1"),
        gpa_only=LOST,
        shape=COMPAT,
    ),
    Case(
        *("shadow.127_gather", SHINFO_ONLY, "send 1, 66, 130, 1000; on, run", _gather),
        *same("OK OK OK OK sel=0x8007 up=1"),
        gpa_only="EINVAL EINVAL EINVAL EINVAL sel=0x0 up=0",
    ),
    Case(
        *("shadow.128_gather_compat", SHINFO_ONLY, "send 1, 66, 130, 1000; on, run", _gather),
        *same("OK OK OK OK sel=0x80000015 up=1"),
        gpa_only="EINVAL EINVAL EINVAL EINVAL sel=0x0 up=0",
        shape=COMPAT,
    ),
    Case(
        *("shadow.75_slot_change", ACTIVE, "delete a slot elsewhere, send 66, run", _slot_change),
        *("OK 66 sel=0x0 up=0, run sel=0x2 up=1", None),
        shape=FILLED,
    ),
    Case(
        *("shadow.88_slot_change", ACTIVE, "delete a slot elsewhere, send 66, run", _slot_change),
        *(None, "OK 66 sel=0x2 up=1, run sel=0x2 up=1"),
        shape=FILLED,
    ),
    Case(
        *("shadow.129_waits", ACTIVE, "delete vcpu_info's slot, send 66, slot back, run"),
        *(_not_used_up, *same("OK sel=0x2 up=1")),
    ),
    Case(
        *("shadow.130_wake_up_used", ACTIVE, "as waits, but run before the slot is back"),
        *(_used_up_alone, "OK sel=0x0 up=0", "OK sel=0x2 up=1"),
    ),
    Case(
        *("shadow.131_same_word", ACTIVE, "as wake_up_used, then send 67, run"),
        *(_used_up_same_word, "OK OK sel=0x0 up=0", "OK OK sel=0x2 up=1"),
    ),
    Case(
        *("shadow.132_other_word", ACTIVE, "as wake_up_used, then send 130, run"),
        *(_used_up_other_word, *same("OK OK sel=0x6 up=1")),
    ),
    Case(
        *("shadow.133_mode_switch", SHINFO_ONLY, "send 66, LONG_MODE 0, on, run", _mode_switch),
        *same("OK sel32=0x2 sel=0x0 up=1"),
        gpa_only="EINVAL sel32=0x0 sel=0x0 up=0",
    ),
    Case(
        *("shadow.134_high_bit_waits", SHINFO_ONLY, "send 4095, as before; LONG_MODE 1, send 1"),
        *(_mode_and_back, *same("OK sel32=0x0 sel=0x0 up=1, sel=0x8000000000000001 up=1")),
        gpa_only="EINVAL sel32=0x0 sel=0x0 up=0, sel=0x1 up=1",
    ),
    Case(
        *("shadow.135_safe_move", ACTIVE, "off, send 66, copy vcpu_info, on elsewhere, run"),
        *(_moved, *same("OK old sel=0x0 up=0, new sel=0x2 up=1")),
        gpa_only="EINVAL old sel=0x0 up=0, new sel=0x0 up=0",
        source=Source.READ,
    ),
)
