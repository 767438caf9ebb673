"""Cases of the upcall vector, VM-wide and a vCPU's own."""

from typing import Final

from xenperf.scenarios.cases.case import Case, Source, same
from xenperf.scenarios.cases.stage import Stage, told
from xenperf.scenarios.cases.starts import ACTIVE

VECTORS: Final = (0x0F, 0x01, 0x10, 0xF3, 0)
ANSWERS: Final = "EINVAL EINVAL OK OK OK"


def _vm_wide(stage: Stage) -> str:
    return told(*(stage.host.set_upcall_vector(vector) for vector in VECTORS))


def _own(stage: Stage) -> str:
    return told(*(stage.host.set_vcpu_upcall_vector(0, vector) for vector in VECTORS))


def _interrupted(stage: Stage) -> str:
    stage.send(66)
    without = stage.run()
    stage.host.set_upcall_vector(0xF3)
    return f"{without} {stage.run()}"


def _quiet(stage: Stage) -> str:
    stage.host.set_upcall_vector(0xF3)
    return f"{stage.run()}"


CASES: Final = (
    Case("vector.74_vm_wide", ACTIVE, "0x0f, 0x01, 0x10, 0xf3, 0", _vm_wide, *same(ANSWERS)),
    Case("vector.115_own", ACTIVE, "the same to a vCPU", _own, *same(ANSWERS), source=Source.READ),
    Case(
        *("vector.116_interrupts", ACTIVE, "send 66, run; vector 0xf3, run", _interrupted),
        *same("False True"),
        source=Source.READ,
    ),
    Case(
        "vector.117_quiet", ACTIVE, "vector 0xf3, run", _quiet, *same("False"), source=Source.READ
    ),
)
