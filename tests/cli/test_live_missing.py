"""What a machine lacks for the live back end: each verb says it in one line and ends with 3."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.holdings import holdings
from xenperf.live import descriptors, vm
from xenperf.live.descriptors import Descriptor

Invoke = Callable[..., Any]
VERBS = (
    ("cases", "--only", "send.20_fresh"),
    ("run", "--quick", "--only", "overlay_at_once"),
    ("load", "--seconds", "0.1"),
)


def _no_kvm(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(descriptors, "DEVICE", Path("/no/kvm"))
    return "/no/kvm: is not there: no KVM module is loaded, or this machine has no virtualisation; "


def _no_permission(monkeypatch: pytest.MonkeyPatch) -> str:
    opened = os.open

    def denied(path: Any, *arguments: Any, **options: Any) -> int:
        if path == descriptors.DEVICE:
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", denied)
    return "/dev/kvm: permission denied; join the group kvm, or run as root"


def _no_xen(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(vm, "open_device", lambda: Descriptor(os.open(os.devnull, os.O_RDWR)))
    monkeypatch.setattr(vm, "capability", lambda device, which: 0)
    return (
        "backend live: the running kernel's KVM has no Xen support (KVM_CAP_XEN_HVM is 0x0); "
        "boot a kernel with CONFIG_KVM_XEN=y"
    )


@pytest.mark.parametrize("lack", [_no_kvm, _no_permission, _no_xen])
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb[0]))
def test_it_is_one_line_with_the_remedy_and_nothing_stays_open(
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
    verb: tuple[str, ...],
    lack: Callable[[pytest.MonkeyPatch], str],
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    told = lack(monkeypatch)
    name, *options = verb
    invoke(name, "--backend", "live", *options)  # whatever is imported stays
    before = holdings()
    found = invoke(name, "--backend", "live", *options)
    assert (found.code, found.out) == (3, "")
    assert found.err.startswith(f"xenperf: {told}")
    assert found.err.count("\n") == 1
    assert holdings() == before
