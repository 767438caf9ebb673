"""What this machine offers to the live back end, and for what it does not, why and what to do.

Nothing is changed: a VM is made, asked and closed again.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xenperf.abi.kvm import Capability, Ioctl, XenConfig
from xenperf.errors import MeasurementError, UnavailableError, UsageError
from xenperf.hypervisor import VmSize
from xenperf.live.descriptors import Descriptor, capability, made, open_device
from xenperf.live.vm import NEEDED, NO_XEN, Vm

OLD_KERNEL: Final = "boot Linux v6.9 or later"
_TWO_PROCESSORS: Final = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that live measurements need or profit from."""

    feature: str
    available: bool
    reason: str
    """What was found: why it is not there, or what is."""

    remedy: str | None = None
    """What to do about it; None where it is there."""


def diagnose() -> tuple[Finding, ...]:
    """Return what is there and what is not, from what all need to what one scenario needs."""
    try:
        with open_device() as device:
            flags = XenConfig(capability(device, Capability.XEN_HVM))
            return (
                Finding("device", True, "/dev/kvm opens, API version 12"),
                _tried("vm", "a VM can be made", lambda: _make_vm(device)),
                _memslots(device),
                _tried("guest", "a vCPU enters the guest and comes back", _enter),
                *_xen(flags),
                _processors(),
            )
    except UnavailableError as error:
        absent = Finding("device", False, f"{error.thing} {error.reason}", error.remedy)
        return absent, _processors()


def _make_vm(device: Descriptor) -> None:
    made("VM", device, Ioctl.CREATE_VM).close()


def _enter() -> None:
    with_guest = Vm(VmSize(nr_pages=1, nr_slots=1), needs_xen=False)
    try:
        with_guest.vcpus[0].enter()
    finally:
        with_guest.close()


def _tried(feature: str, success: str, attempt: Callable[[], None]) -> Finding:
    """Return whether *attempt* succeeds."""
    try:
        attempt()
    except (UnavailableError, MeasurementError, UsageError) as error:
        remedy = error.remedy or "see the kernel's log; nested virtualisation may be off"
        return Finding(feature, False, f"{error.thing}: {error.reason}", remedy)
    return Finding(feature, True, success)


def _memslots(device: Descriptor) -> Finding:
    nr_slots = capability(device, Capability.NR_MEMSLOTS)
    return Finding("memslots", nr_slots > 0, f"{nr_slots} memslots")


def _xen(flags: XenConfig) -> tuple[Finding, Finding]:
    """Return whether Xen guests are supported, and activation by HVA."""
    told = f"KVM_CAP_XEN_HVM is {int(flags):#x}"
    if flags & NEEDED == NEEDED:
        xen = Finding("xen", True, told)
    else:
        reason, remedy = NO_XEN
        xen = Finding("xen", False, reason.format(flags=int(flags)), remedy)
    if XenConfig.SHARED_INFO_HVA in flags:
        return xen, Finding("shared_info_hva", True, told)
    lacks = f"{told}, without the flag SHARED_INFO_HVA"
    return xen, Finding(
        "shared_info_hva", False, lacks, OLD_KERNEL if xen.available else xen.remedy
    )


def _processors() -> Finding:
    """Return whether events can arrive from one processor while another changes memslots."""
    nr_cpus = len(os.sched_getaffinity(0))
    found = f"{nr_cpus} processor" + ("s" if nr_cpus > 1 else "")
    if nr_cpus >= _TWO_PROCESSORS:
        return Finding("second_processor", True, found)
    return Finding("second_processor", False, f"{found} may be used", "allow this process two")
