"""Whether a vCPU's time stays as it is from entry to entry: the host's clock tells."""

from pathlib import Path

import pytest

from xenperf.abi.xen import LONG_MODE
from xenperf.hypervisor import Activation, Feature
from xenperf.live import host as module
from xenperf.live.host import LiveHost
from xenperf.scenarios.kinds import ready
from xenperf.vmm.machine import Shape


@pytest.mark.parametrize(
    ("clock", "is_steady"), [("tsc\n", True), ("hpet\n", False), ("kvm-clock\n", False)]
)
def test_only_the_tsc_is_a_steady_clock(
    clock: str, is_steady: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "current_clocksource"
    monkeypatch.setattr(module, "CLOCK_SOURCE", source)
    assert not module._has_steady_clock()  # there is no such file yet
    source.write_text(clock)
    assert module._has_steady_clock() == is_steady


@pytest.mark.live
def test_the_time_in_vcpu_info_rises_at_each_entry_unless_the_clock_is_steady(
    xen_host: LiveHost,
) -> None:
    machine = ready(xen_host, Shape(nr_slots=8), Activation.GPA).machine
    versions = []
    for _ in range(4):
        xen_host.enter_guest(0)
        time = machine.vcpu_info_hva(0) + LONG_MODE.vcpu_info.time
        versions.append(int.from_bytes(xen_host.read(time, 4), "little"))
    nr_writes = len(set(versions)) - 1
    assert (nr_writes == 0) == (Feature.STEADY_CLOCK in xen_host.features)
