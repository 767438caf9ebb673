"""Cases of KVM_XEN_HVM_EVTCHN_SEND: what it answers and which bits it sets."""

from typing import Final

from xenperf.abi.xen import vcpu_info_offset
from xenperf.scenarios.cases.case import COMPAT, Case, Source, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE
from xenperf.units import Gpa, Hva
from xenperf.vmm.machine import Shape

UNKNOWN_VCPU: Final = 9
TWO_VCPUS: Final = Shape(nr_vcpus=2)


def _once(stage: Stage) -> str:
    return f"{stage.send(66)} {stage.look()}"


def _again(stage: Stage) -> str:
    stage.send(66)
    stage.set_selector(0)
    return _once(stage)


def _masked(stage: Stage) -> str:
    mask = Hva(stage.overlay + stage.layout.mask_offset + 66 // 8)
    stage.write_int(mask, 1 << 66 % 8, 1)
    return _once(stage)


def _upcall_masked(stage: Stage) -> str:
    upcall_mask = Hva(stage.vcpu_info_hva() + stage.layout.vcpu_info.upcall_mask)
    stage.write_int(upcall_mask, 1, 1)
    return _once(stage)


def _selector_set(stage: Stage) -> str:
    stage.set_selector(2)
    return _once(stage)


def _limits(stage: Stage) -> str:
    most = stage.layout.nr_ports
    return f"{stage.send(0, most, most - 1, 0xFFFF_FFFF)} {stage.look()}"


def _unknown_vcpu(stage: Stage) -> str:
    return f"{stage.send(66, vcpu_idx=UNKNOWN_VCPU)} {stage.look()}"


def _four_words(stage: Stage) -> str:
    return f"{stage.send(1, 66, 130, 1000)} {stage.upcall()}"


def _second_vcpu(stage: Stage) -> str:
    second = stage.upcall(stage.vcpu_info_hva(1))
    sent = stage.send(66, vcpu_idx=1)
    return f"{sent} {stage.look()}, {second} then {stage.upcall(stage.vcpu_info_hva(1))}"


def _nothing_else(stage: Stage) -> str:
    """Return where the page differs after a send: offsets and bytes."""
    before = stage.host.read(stage.overlay, stage.layout.sizeof)
    stage.send(66)
    after = stage.host.read(stage.overlay, stage.layout.sizeof)
    changed = [f"{i:#x}={after[i]:#x}" for i in range(len(after)) if after[i] != before[i]]
    return " ".join(changed)


def _inline(stage: Stage) -> str:
    """Send to a vcpu_info in its default place: inside the shared page."""
    place = vcpu_info_offset(stage.layout, 0)
    where = Hva(stage.overlay + place)
    overlay_gpa = stage.machine.overlay().gpa
    stage.host.activate_vcpu_info_gpa(0, Gpa(overlay_gpa + place))
    return f"{stage.send(66)} {stage.pending()} {stage.upcall(where)}"


CASES: Final = (
    Case("send.20_fresh", ACTIVE, "send 66", _once, *same("OK 66 sel=0x2 up=1")),
    Case(
        *("send.21_again", ACTIVE, "send 66, guest clears selector, send 66", _again),
        *same("OK 66 sel=0x0 up=0"),
    ),
    Case("send.23_masked", ACTIVE, "mask 66, send 66", _masked, *same("OK 66 sel=0x0 up=0")),
    Case(
        *("send.25_upcall_mask", ACTIVE, "upcall mask 1, send 66", _upcall_masked),
        *same("OK 66 sel=0x2 up=1"),
    ),
    Case(
        *("send.108_selector_set", ACTIVE, "selector 2 and upcall 0, send 66", _selector_set),
        *same("OK 66 sel=0x2 up=0"),
    ),
    Case(
        *("send.26_limits", ACTIVE, "send 0, 4096, 4095, 2^32-1", _limits),
        *same("EINVAL EINVAL OK EINVAL 4095 sel=0x8000000000000000 up=1"),
    ),
    Case(
        *("send.109_limits_compat", ACTIVE, "send 0, 1024, 1023, 2^32-1", _limits),
        *same("EINVAL EINVAL OK EINVAL 1023 sel=0x80000000 up=1"),
        shape=COMPAT,
    ),
    Case(
        *("send.28_unknown_vcpu", ACTIVE, "send 66 to vCPU 9", _unknown_vcpu),
        *same("EINVAL none sel=0x0 up=0"),
    ),
    Case(
        *("send.110_four_words", ACTIVE, "send 1, 66, 130, 1000", _four_words),
        *same("OK OK OK OK sel=0x8007 up=1"),
    ),
    Case(
        *("send.111_four_words_compat", ACTIVE, "send 1, 66, 130, 1000", _four_words),
        *same("OK OK OK OK sel=0x80000015 up=1"),
        shape=COMPAT,
    ),
    Case(
        *("send.112_second_vcpu", ACTIVE, "send 66 to vCPU 1, look at both", _second_vcpu),
        *same("OK 66 sel=0x0 up=0, sel=0x0 up=0 then sel=0x2 up=1"),
        shape=TWO_VCPUS,
        source=Source.READ,
    ),
    Case("send.113_one_byte", ACTIVE, "send 66, compare pages", _nothing_else, *same("0x808=0x4")),
    Case(
        *("send.114_inline_vcpu_info", ACTIVE, "vcpu_info in the page, send 66", _inline),
        *same("OK 66 sel=0x2 up=1"),
        source=Source.READ,
    ),
)
