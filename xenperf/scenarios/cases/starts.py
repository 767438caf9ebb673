"""The states that cases begin in."""

from typing import Final

from xenperf.errors import MeasurementError
from xenperf.scenarios.cases.case import Start
from xenperf.scenarios.cases.stage import Stage


def _must(*answers: str) -> None:
    if any(word != "OK" for answer in answers for word in answer.split()):
        raise MeasurementError("start of a case", f"refused: {', '.join(answers)}")


def _bare(stage: Stage) -> None:
    """Leave it as it was assembled."""


def _whole(stage: Stage) -> None:
    _must(stage.vcpu_info())
    stage.run()


def _laid(stage: Stage) -> None:
    _must(stage.lay(), stage.vcpu_info())
    stage.run()


def _active(stage: Stage) -> None:
    _must(stage.lay(), stage.shinfo())
    for vcpu_idx in range(stage.host.nr_vcpus):
        _must(stage.vcpu_info(vcpu_idx))
        stage.run(vcpu_idx)  # what activation asked of the vCPU is then done


def _shinfo_only(stage: Stage) -> None:
    _must(stage.lay(), stage.shinfo())


def _joined(stage: Stage) -> None:
    gpa = stage.machine.vcpu_info_gpa(0)
    _must(stage.shinfo())
    if stage.host.activate_vcpu_info_gpa(0, gpa) != 0:
        raise MeasurementError("start of a case", "vcpu_info does not resolve")
    stage.run()


def _joined_by_one(stage: Stage) -> None:
    _must(stage.shinfo(), stage.vcpu_info())
    stage.run()


BARE: Final = Start("bare", "RAM whole, nothing active", _bare)
WHOLE: Final = Start("whole", "RAM whole, shared_info off, vcpu_info active", _whole)
LAID: Final = Start("laid", "overlay laid, shared_info off, vcpu_info active", _laid)
ACTIVE: Final = Start("active", "overlay laid, shared_info and vcpu_info active", _active)
SHINFO_ONLY: Final = Start("half", "overlay laid, shared_info active, vcpu_info off", _shinfo_only)
JOINED: Final = Start("joined", "RAM whole, shared_info active, vcpu_info by GPA", _joined)
JOINED_BY_ONE: Final = Start(
    "in_ram", "RAM whole, shared_info and vcpu_info active", _joined_by_one
)
STARTS: Final = (BARE, WHOLE, LAID, ACTIVE, SHINFO_ONLY, JOINED, JOINED_BY_ONE)
