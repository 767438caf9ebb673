"""Cases of the long-mode switch and the wall clock."""

from typing import Final

from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.scenarios.cases.case import FILLED, Case, Source, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE, LAID
from xenperf.units import Hva
from xenperf.vmm.events import pending_ports


def _versions(stage: Stage) -> str:
    """Return the wall clock's version where each mode has it."""
    at64 = stage.read_int(Hva(stage.overlay + LONG_MODE.wc_offset), 4)
    at32 = stage.read_int(Hva(stage.overlay + COMPAT.wc_offset), 4)
    return f"wc64={at64} wc32={at32}"


def _twice_active(stage: Stage) -> str:
    stage.shinfo()
    first = _versions(stage)
    stage.shinfo()
    return f"{first}, {_versions(stage)}"


def _refreshed(stage: Stage) -> str:
    stage.delete(stage.filler)
    return f"{stage.send(66)} {_versions(stage)}"


def _same_mode(stage: Stage) -> str:
    stage.host.set_long_mode(True)
    return _versions(stage)


def _other_mode(stage: Stage) -> str:
    stage.host.set_long_mode(False)
    return _versions(stage)


def _bits_stay(stage: Stage) -> str:
    """Send in 64-bit mode, switch, and send the same port: its byte is the same in both."""
    stage.send(66)
    stage.host.set_long_mode(False)
    told = stage.send(66, 1024)
    ports = pending_ports(stage.host, stage.overlay, COMPAT).tolist()
    return f"{told} {ports} {stage.upcall()}"


def _inactive(stage: Stage) -> str:
    stage.host.set_long_mode(False)
    stage.shinfo()
    return _versions(stage)


CASES: Final = (
    Case(
        *("mode.118_activation_writes", LAID, "activate twice", _twice_active),
        *same("wc64=2 wc32=0, wc64=4 wc32=0"),
    ),
    Case(
        *("mode.119_refresh_does_not", ACTIVE, "delete a slot elsewhere, send", _refreshed),
        *same("OK wc64=2 wc32=0"),
        shape=FILLED,
    ),
    Case(
        *("mode.37_same_mode", ACTIVE, "LONG_MODE 1 again", _same_mode),
        *same("wc64=4 wc32=0"),
        gpa_only="wc64=2 wc32=0",
    ),
    Case(
        *("mode.38_other_mode", ACTIVE, "LONG_MODE 0", _other_mode),
        *same("wc64=2 wc32=2"),
        gpa_only="wc64=2 wc32=0",
    ),
    Case(
        *("mode.120_bits_stay", ACTIVE, "send 66, LONG_MODE 0, send 66 and 1024", _bits_stay),
        *same("OK EINVAL [66] sel=0x2 up=1"),
        source=Source.READ,
    ),
    Case(
        *("mode.121_before_activation", LAID, "LONG_MODE 0, activate", _inactive),
        *same("wc64=0 wc32=2"),
        source=Source.READ,
    ),
)
