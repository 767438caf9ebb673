"""What can be used here: counters, Valgrind, emulators, KVM. No tool is started."""

import os
import shutil
from pathlib import Path
from typing import Final

from xenperf.live.probe import diagnose
from xenperf.measure.probe_fact import Fact, Grade

PMUS: Final = Path("/sys/bus/event_source/devices")
KVM: Final = Path("/dev/kvm")
_SAID_ELSEWHERE: Final = ("device", "second_processor")
_LIVE_MATTERS: Final = {
    "memslots": "memslots can be measured on any KVM",
    "guest": "merges, timers and polls need a vCPU that runs",
    "xen": "sends, caches and cases need KVM's Xen support",
    "shared_info_hva": "activation by HVA needs it; without it only GPA is measured",
}
PROCESSOR_PMUS: Final = ("cpu", "cpu_*", "armv*")


def facts() -> list[Fact]:
    """Return what is there."""
    return [
        counters(PMUS),
        tool("valgrind", "valgrind", "it counts instructions: exact on a busy machine too"),
        tool("qemu", "qemu-system-x86_64", "it boots a kernel to be measured, and can count"),
        kvm(KVM),
        *live(),
    ]


def counters(pmus: Path) -> Fact:
    """Return whether the processor's own counters can be reached: does *pmus* list one?"""
    found = sorted(path.name for name in PROCESSOR_PMUS for path in pmus.glob(name))
    return Fact(
        "perf_counters",
        f"yes: {', '.join(found)}" if found else "no",
        ", ".join(found) or None,
        "cycles and misses explain a difference that time only shows",
        "in a guest, ask for a virtual PMU; for counts: run --count instructions",
        Grade.OK if found else Grade.NOTE,
    )


def tool(name: str, program: str, matters: str) -> Fact:
    """Return where *program* is."""
    path = shutil.which(program)
    return Fact(
        name,
        path or "no",
        path,
        matters,
        f"nothing: {name} is there" if path else f"install {program} if you want that",
        Grade.OK if path else Grade.NOTE,
    )


def live() -> list[Fact]:
    """Return what a real kernel could be asked here: a VM is made, asked and closed again."""
    return [
        Fact(
            f"live_{found.feature}",
            found.reason,
            found.available,
            _LIVE_MATTERS.get(found.feature, "the live back end needs it"),
            found.remedy or "nothing: it is there",
            Grade.OK if found.available else Grade.NOTE,
        )
        for found in diagnose()
        if found.feature not in _SAID_ELSEWHERE
    ]


def kvm(device: Path) -> Fact:
    """Return whether *device* can be opened; whether it knows Xen, only KVM itself can tell."""
    found = "no such device"
    if device.exists():
        may_open = os.access(device, os.R_OK | os.W_OK)
        found = "may be opened" if may_open else "permission denied"
    return Fact(
        "kvm",
        f"{device}: {found}",
        found,
        "a real kernel can be asked only through it",
        {
            "no such device": "load kvm_intel or kvm_amd; in a guest, allow nesting",
            "permission denied": "join the group that owns it, often kvm",
        }.get(found, "nothing: it is there"),
        Grade.OK if found == "may be opened" else Grade.NOTE,
    )
