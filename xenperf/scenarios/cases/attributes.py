"""Cases of the attributes: activation and its refusals, deactivation, and what GET tells."""

from typing import Final

from xenperf.abi.kvm import HVA_OFF, INVALID_GFN, INVALID_GPA, MemslotFlag
from xenperf.hypervisor import Activation, MemoryRegion
from xenperf.scenarios.cases.case import Case, Source, same
from xenperf.scenarios.cases.stage import Stage, told
from xenperf.scenarios.cases.starts import ACTIVE, BARE, LAID, WHOLE
from xenperf.units import PAGE_SIZE, Gfn, Hva
from xenperf.vmm.machine import OVERLAY_GFN

NO_RAM_GFN: Final = Gfn(5000)
KERNEL_HALF: Final = Hva(0xFFFF_8000_0000_0000)
ALL_ONES: Final = Hva(2**64 - 1)


def shown(stage: Stage, answer: int, off: int) -> str:
    """Return what a GET answered: an error's name, "off", or whether it is a place we know."""
    if answer < 0:
        return told(answer)
    places = {off: "off", OVERLAY_GFN: "there", stage.overlay: "there"}
    places |= {stage.machine.vcpu_info_gpa(0): "there", stage.vcpu_info_hva(): "there"}
    return places.get(answer, f"{answer:#x}")


def _shinfo(stage: Stage) -> str:
    gfn = shown(stage, stage.host.get_shinfo_gfn(), INVALID_GFN)
    return f"gfn={gfn} hva={shown(stage, stage.host.get_shinfo_hva(), HVA_OFF)}"


def get_vcpu_info(stage: Stage) -> str:
    """Return what GET tells of vCPU 0's vcpu_info, by both kinds."""
    gpa = shown(stage, stage.host.get_vcpu_info_gpa(0), INVALID_GPA)
    return f"gpa={gpa} hva={shown(stage, stage.host.get_vcpu_info_hva(0), HVA_OFF)}"


def _fresh(stage: Stage) -> str:
    return f"{_shinfo(stage)}, {get_vcpu_info(stage)}"


def _never_activated(stage: Stage) -> str:
    return stage.send(66)


def _unresolvable(stage: Stage) -> str:
    """Activate where nothing lies: no slot by GPA, no page by HVA."""
    if stage.activation is Activation.GPA:
        stage.delete(stage.machine.whole)
    else:
        stage.host.unmap_pages(stage.overlay)
    return stage.shinfo()


def _unresolvable_stays(stage: Stage) -> str:
    return f"{_unresolvable(stage)} {_shinfo(stage)}"


def _unresolvable_send(stage: Stage) -> str:
    return f"{_unresolvable(stage)} {stage.send(66)}"


def _unresolvable_then_there(stage: Stage) -> str:
    _unresolvable(stage)
    before = stage.send(66)
    if stage.activation is Activation.GPA:
        stage.request(stage.machine.overlay())
    else:
        stage.host.replace_pages(stage.overlay)
    return f"{before} {stage.send(66)} {stage.pending()}"


def _off(stage: Stage) -> str:
    stage.shinfo_off()
    return f"{_shinfo(stage)} {stage.send(66)} {stage.look()}"


def _off_by_the_other(stage: Stage) -> str:
    if stage.activation is Activation.GPA:
        answer = stage.host.activate_shinfo_hva(HVA_OFF)
    else:
        answer = stage.host.activate_shinfo_gfn(INVALID_GFN)
    return f"{told(answer)} {stage.send(66)}"


def _off_twice(stage: Stage) -> str:
    stage.shinfo_off()
    if stage.activation is Activation.GPA:
        answer = stage.host.activate_shinfo_gfn(INVALID_GFN)
    else:
        answer = stage.host.activate_shinfo_hva(HVA_OFF)
    return f"{told(answer)} {_shinfo(stage)}"


def _back_on(stage: Stage) -> str:
    stage.shinfo_off()
    lost = stage.send(66)
    return f"{lost} {stage.shinfo()} {stage.pending()} {stage.send(67)} {stage.pending()}"


def _bad_hva(stage: Stage) -> str:
    bad = (stage.overlay + 1, stage.overlay + 8, KERNEL_HALF, ALL_ONES)
    answers = told(*(stage.host.activate_shinfo_hva(Hva(hva)) for hva in bad))
    return f"{answers} {_shinfo(stage)} {stage.send(66)}"


def _frame_zero(stage: Stage) -> str:
    answer = told(stage.host.activate_shinfo_gfn(Gfn(0)))
    frame = stage.machine.ram_at(Gfn(0))
    return f"{answer} gfn={stage.host.get_shinfo_gfn()} {stage.send(66)} {stage.pending(frame)}"


def _page_read_only(stage: Stage) -> str:
    stage.host.protect_page(stage.overlay, writable=False)
    refused = stage.shinfo()
    stage.host.protect_page(stage.overlay, writable=True)
    return f"{refused} {stage.send(66)}"


def _slot_read_only(stage: Stage) -> str:
    overlay = stage.machine.overlay()
    read_only = MemoryRegion(
        overlay.slot, overlay.gpa, PAGE_SIZE, overlay.hva, MemslotFlag.READONLY
    )
    stage.delete(overlay)
    return f"{stage.request(read_only)} {stage.shinfo()} {stage.send(66)}"


def _by_hva(stage: Stage) -> str:
    shinfo = stage.host.activate_shinfo_hva(stage.overlay)
    return told(shinfo, stage.host.activate_vcpu_info_hva(0, stage.vcpu_info_hva()))


def _other_kind(stage: Stage) -> str:
    """Activate the same page in the other way, without switching off in between."""
    if stage.activation is Activation.GPA:
        answer = stage.host.activate_shinfo_hva(stage.overlay)
    else:
        answer = stage.host.activate_shinfo_gfn(OVERLAY_GFN)
    return f"{told(answer)} {_shinfo(stage)} {stage.send(66)}"


def _wide_gfn(stage: Stage) -> str:
    answer = told(stage.host.activate_shinfo_gfn(Gfn(1 << 52 | OVERLAY_GFN)))
    return f"{answer} {stage.send(66)} {stage.pending()}"


OFF_ON: Final = "EINVAL OK none OK 67"
CASES: Final = (
    Case(
        *("attr.1_fresh", BARE, "get all four", _fresh),
        *same("gfn=off hva=off, gpa=off hva=off"),
        gpa_only="gfn=off hva=ENOENT, gpa=off hva=ENOENT",
    ),
    Case("attr.2_never_active", WHOLE, "send 66", _never_activated, *same("EINVAL")),
    Case(
        *("attr.3_unresolvable", WHOLE, "activate where nothing lies, get"),
        *(_unresolvable_stays, "EFAULT gfn=there hva=off", "EFAULT gfn=off hva=there"),
        gpa_only="EFAULT gfn=there hva=ENOENT",
    ),
    Case(
        *("attr.4_unresolvable_send", WHOLE, "activate where nothing lies, send 66"),
        *(_unresolvable_send, *same("EFAULT EFAULT")),
    ),
    Case(
        *("attr.101_resolves_later", WHOLE, "activate, send; then page or slot, send"),
        *(_unresolvable_then_there, *same("EFAULT OK 66")),
    ),
    Case(
        *("attr.7_off", ACTIVE, "GFN all-ones, get, send 66", _off),
        *("gfn=off hva=off EINVAL none sel=0x0 up=0", None),
        gpa_only="gfn=off hva=ENOENT EINVAL none sel=0x0 up=0",
    ),
    Case(
        *("attr.10_off", ACTIVE, "HVA 0, get, send 66", _off),
        *(None, "gfn=off hva=off EINVAL none sel=0x0 up=0"),
    ),
    Case(
        *("attr.151_off_by_other", ACTIVE, "switch off by the other attribute, send"),
        *(_off_by_the_other, *same("OK EINVAL")),
        gpa_only="ENOENT OK",
    ),
    Case(
        *("attr.102_off_twice", ACTIVE, "switch off twice, get", _off_twice),
        *same("OK gfn=off hva=off"),
        gpa_only="OK gfn=off hva=ENOENT",
    ),
    Case(
        *("attr.103_back_on", ACTIVE, "off, send 66, on, look, send 67, look"),
        *(_back_on, *same(OFF_ON)),
        source=Source.READ,
    ),
    Case(
        *("attr.8_bad_hva", ACTIVE, "HVA +1, +8, kernel half, all-ones; get, send"),
        *(_bad_hva, "EINVAL EINVAL EINVAL EINVAL gfn=there hva=off OK"),
        "EINVAL EINVAL EINVAL EINVAL gfn=off hva=there OK",
        gpa_only="ENOENT ENOENT ENOENT ENOENT gfn=there hva=ENOENT OK",
    ),
    Case(
        *("attr.11_get_shinfo", ACTIVE, "get both kinds", _shinfo),
        *("gfn=there hva=off", "gfn=off hva=there", "gfn=there hva=ENOENT"),
    ),
    Case(
        *("attr.13_frame_zero", ACTIVE, "set GFN 0, get, send 66", _frame_zero),
        *same("OK gfn=0 OK 66"),
    ),
    Case(
        *("attr.14_page_read_only", LAID, "activate; page writable, send"),
        *(_page_read_only, *same("EFAULT OK")),
    ),
    Case(
        *("attr.15_slot_read_only", LAID, "read-only slot, activate, send"),
        *(_slot_read_only, "OK EFAULT EFAULT", "OK OK OK"),
    ),
    Case(
        *("attr.19_hva_attributes", BARE, "set SHARED_INFO_HVA, VCPU_INFO_HVA"),
        *(_by_hva, *same("OK OK")),
        gpa_only="ENOENT ENOENT",
        source=Source.READ,
    ),
    Case(
        *("attr.106_other_kind", ACTIVE, "activate the other way, get, send"),
        *(_other_kind, "OK gfn=off hva=there OK", "OK gfn=there hva=off OK"),
        gpa_only="ENOENT gfn=there hva=ENOENT OK",
    ),
    Case(
        *("attr.107_wide_gfn", LAID, "GFN with bit 52 set, send 66"),
        *(_wide_gfn, *same("OK OK 66")),
    ),
)
