import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.holdings import holdings
from xenperf.abi.kvm import XenConfig
from xenperf.errors import MeasurementError, UnavailableError
from xenperf.live import descriptors, probe
from xenperf.live.probe import Finding, diagnose

ORDER = ["device", "vm", "memslots", "guest", "xen", "shared_info_hva", "second_processor"]
SINCE_V6_9 = sum(XenConfig)
BEFORE_V6_9 = 0x3F


def test_where_there_is_no_device_that_is_all_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "DEVICE", tmp_path / "kvm")
    device, processors = diagnose()
    assert not device.available
    assert device.reason.startswith(f"{tmp_path / 'kvm'} is not there")
    assert device.remedy
    assert processors.feature == "second_processor"


@pytest.mark.live
def test_every_feature_is_found_or_has_a_remedy_and_nothing_stays_open() -> None:
    before = holdings()
    found = diagnose()
    assert holdings() == before
    if not found[0].available:
        pytest.skip(found[0].reason)
    assert [each.feature for each in found] == ORDER
    for each in found:
        assert each.reason
        assert (each.remedy is None) == each.available


@pytest.mark.parametrize(
    ("flags", "has_xen", "has_hva"),
    [(SINCE_V6_9, True, True), (BEFORE_V6_9, True, False), (0, False, False)],
)
def test_the_capability_decides_about_xen_and_hva(flags: int, has_xen: bool, has_hva: bool) -> None:
    xen, hva = probe._xen(XenConfig(flags))
    assert (xen.available, hva.available) == (has_xen, has_hva)
    assert (xen.remedy is None, hva.remedy is None) == (has_xen, has_hva)
    assert f"{flags:#x}" in xen.reason
    if has_xen and not has_hva:
        assert hva.remedy == "boot Linux v6.9 or later"


def test_xen_support_without_sends_is_none() -> None:
    (xen, _) = probe._xen(XenConfig(SINCE_V6_9) & ~XenConfig.EVTCHN_SEND)
    assert not xen.available


@pytest.mark.parametrize(
    ("error", "reason", "remedy"),
    [
        (UnavailableError("VM", "refused", "be patient"), "VM: refused", "be patient"),
        (
            MeasurementError("vcpu 0", "KVM_RUN ended with exit 9"),
            "vcpu 0: KVM_RUN ended with exit 9",
            "see the kernel's log; nested virtualisation may be off",
        ),
    ],
)
def test_what_was_tried_in_vain_says_why(error: Exception, reason: str, remedy: str) -> None:
    def fail() -> None:
        raise error

    assert probe._tried("vm", "made", fail) == Finding("vm", False, reason, remedy)
    assert probe._tried("vm", "made", lambda: None) == Finding("vm", True, "made")


@pytest.mark.parametrize(("cpus", "available"), [({0}, False), ({0, 5}, True)])
def test_load_needs_two_processors(
    cpus: set[int], available: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: cpus)
    assert probe._processors().available is available


def test_asking_costs_no_numba() -> None:
    code = "import sys, xenperf.live.probe; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
