"""Cases of a vcpu_info's attributes: where it may lie, and what GET tells."""

from typing import Final

from xenperf.hypervisor import Activation
from xenperf.scenarios.cases.attributes import ALL_ONES, KERNEL_HALF, get_vcpu_info
from xenperf.scenarios.cases.case import Case, same
from xenperf.scenarios.cases.stage import Stage, told
from xenperf.scenarios.cases.starts import ACTIVE, LAID
from xenperf.units import PAGE_SIZE, Gfn, Gpa, Hva, gfn_to_gpa, hva_to_page
from xenperf.vmm.machine import RAM_PAGES

LAST_IN_PAGE: Final = PAGE_SIZE - 64


def _places(stage: Stage) -> str:
    by_gpa = stage.activation is Activation.GPA
    start = gfn_to_gpa(Gfn(20))
    answers = []
    for offset in (2, LAST_IN_PAGE, LAST_IN_PAGE + 1):
        if by_gpa:
            answers.append(stage.host.activate_vcpu_info_gpa(0, Gpa(start + offset)))
        else:
            hva = Hva(stage.machine.ram_hva + start + offset)
            answers.append(stage.host.activate_vcpu_info_hva(0, hva))
    return told(*answers)


def _bad_hva(stage: Stage) -> str:
    bad = (KERNEL_HALF, ALL_ONES)
    answers = told(*(stage.host.activate_vcpu_info_hva(0, hva) for hva in bad))
    return f"{answers} {get_vcpu_info(stage)}"


def _beyond(stage: Stage) -> str:
    beyond = gfn_to_gpa(Gfn(RAM_PAGES))
    return told(stage.host.activate_vcpu_info_gpa(0, beyond))


def _page_read_only(stage: Stage) -> str:
    page = hva_to_page(stage.vcpu_info_hva())
    stage.host.protect_page(page, writable=False)
    refused = stage.vcpu_info()
    sent = f"{stage.send(66)} {stage.look()}"
    stage.host.protect_page(page, writable=True)
    stage.run()
    return f"{refused} {sent}, run {stage.upcall()}"


CASES: Final = (
    Case(
        *("vcpu_info.167_page_read_only", ACTIVE, "page read-only, activate, send; writable, run"),
        *(_page_read_only, *same("EFAULT OK 66 sel=0x0 up=0, run sel=0x2 up=1")),
    ),
    Case(
        *("vcpu_info.104_get", ACTIVE, "get both kinds", get_vcpu_info),
        *("gpa=there hva=off", "gpa=off hva=there", "gpa=there hva=ENOENT"),
    ),
    Case(
        *("vcpu_info.17_places", LAID, "vcpu_info at 2, at 4032, at 4033"),
        *(_places, *same("OK OK EINVAL")),
    ),
    Case(
        *("vcpu_info.18_bad_hva", ACTIVE, "HVA kernel half, all-ones; get"),
        *(_bad_hva, "EINVAL EINVAL gpa=there hva=off"),
        "EINVAL EINVAL gpa=off hva=there",
        gpa_only="ENOENT ENOENT gpa=there hva=ENOENT",
    ),
    Case(
        *("vcpu_info.105_beyond", LAID, "vcpu_info by GPA past RAM"),
        *(_beyond, *same("EFAULT")),
    ),
)
