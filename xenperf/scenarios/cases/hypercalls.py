"""Cases of what the guest itself asks for: sends by hypercall, and polls."""

from typing import Final

from xenperf.abi.kvm import EvtchnFlag
from xenperf.abi.status import errno_name
from xenperf.abi.xen import MAX_POLLED_PORTS, EvtchnStat
from xenperf.scenarios.cases.case import COMPAT, FILLED, Case, Source, same
from xenperf.scenarios.cases.stage import Stage, told
from xenperf.scenarios.cases.starts import ACTIVE, JOINED_BY_ONE
from xenperf.sources import GuestCall, PortRequest
from xenperf.units import Hva

SENT: Final = PortRequest(port=127, deliver_port=15)
TO_ITSELF: Final = PortRequest(port=20, deliver_port=20, type=EvtchnStat.IPI)
EVENTFD: Final = 0
SIGNALLED: Final = PortRequest(port=30, eventfd=EVENTFD)
TIMEOUT_NS: Final = 1_000_000_000


def answered(rc: int) -> str:
    """Return the name of what a hypercall came to: OK, ASLEEP, LEFT_TO_VMM or an errno."""
    return errno_name(rc) if rc < 0 else GuestCall(rc).name


def _assign(stage: Stage) -> str:
    return told(stage.host.set_evtchn(SENT), stage.host.set_evtchn(SENT))


def _refusals(stage: Stage) -> str:
    wrong = (
        PortRequest(port=21, deliver_port=22, type=EvtchnStat.IPI),
        PortRequest(port=21, deliver_port=22, type=EvtchnStat.VIRQ),
        PortRequest(port=21, flags=EvtchnFlag.DEASSIGN),
        PortRequest(port=0, deliver_port=22),
        PortRequest(port=stage.layout.nr_ports, deliver_port=22),
    )
    return told(*(stage.host.set_evtchn(request) for request in wrong))


def _guest_sends(stage: Stage, request: PortRequest) -> str:
    stage.host.set_evtchn(request)
    answer = answered(stage.host.guest_send(0, request.port))
    return f"{answer} {stage.pending()}"


def _guest_send(stage: Stage) -> str:
    return f"{_guest_sends(stage, SENT)} {stage.upcall()}"


def _unassigned(stage: Stage) -> str:
    return f"{answered(stage.host.guest_send(0, 127))} {stage.pending()}"


def _forgotten(stage: Stage) -> str:
    stage.host.set_evtchn(SENT)
    forget = told(stage.host.set_evtchn(PortRequest(port=127, flags=EvtchnFlag.DEASSIGN)))
    return f"{forget} {_unassigned(stage)}"


def _stale_send(stage: Stage) -> str:
    stage.delete(stage.filler)
    return _guest_sends(stage, SENT)


def _ipi(stage: Stage) -> str:
    return _guest_sends(stage, TO_ITSELF)


def _window_send(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    return _guest_sends(stage, SENT)


def _window_eventfd(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    return f"{_guest_sends(stage, SIGNALLED)} signals={stage.host.read_eventfd(EVENTFD)}"


def _poll(stage: Stage, *ports: int) -> str:
    return answered(stage.host.guest_poll(0, list(ports), TIMEOUT_NS))


def _poll_set(stage: Stage) -> str:
    stage.send(66)
    return _poll(stage, 66)


def _poll_timeout(stage: Stage) -> str:
    begun = _poll(stage, 66)
    stage.host.advance_time(TIMEOUT_NS // 2)
    half = answered(stage.host.poll_result(0))
    stage.host.advance_time(TIMEOUT_NS)
    return f"{begun} {half} {answered(stage.host.poll_result(0))}"


def _poll_limits(stage: Stage) -> str:
    too_many = _poll(stage, *range(1, MAX_POLLED_PORTS + 2))
    return f"{too_many} {_poll(stage, stage.layout.nr_ports)}"


def _poll_masked(stage: Stage) -> str:
    """Poll a masked port, send another masked one, then the one."""
    mask = Hva(stage.overlay + stage.layout.mask_offset)
    stage.host.write(mask, b"\xff" * stage.layout.mask_bytes)
    begun = _poll(stage, 66)
    stage.send(67)
    other = answered(stage.host.poll_result(0))
    stage.send(66)
    return f"{begun} {other} {answered(stage.host.poll_result(0))}"


def _poll_unmasked(stage: Stage) -> str:
    begun = _poll(stage, 66)
    stage.send(66)
    return f"{begun} {answered(stage.host.poll_result(0))}"


def _poll_stale(stage: Stage) -> str:
    stage.delete(stage.filler)
    return _poll(stage, 66)


def _poll_refreshed(stage: Stage) -> str:
    """Poll before and after a send of another word has refreshed the cache."""
    stage.delete(stage.filler)
    stale = _poll(stage, 66)
    sent = stage.send(1000)
    if stale == GuestCall.ASLEEP.name:
        stage.host.poll_result(0)
    stage.run()
    return f"{stale} {sent} {_poll(stage, 66)}"


def _poll_held(stage: Stage) -> str:
    """Change a memslot while a poll sleeps: the request comes back when the poll has ended."""
    begun = _poll(stage, 66)
    before = stage.host.now_ns()
    stage.delete(stage.filler)
    waited = stage.host.now_ns() - before > TIMEOUT_NS // 2
    return f"{begun} {'waited' if waited else 'at_once'} {answered(stage.host.poll_result(0))}"


def _poll_window(stage: Stage) -> str:
    stage.delete(stage.machine.whole)
    return _poll(stage, 66)


CASES: Final = (
    Case("ports.56_assign_twice", ACTIVE, "assign 127 twice", _assign, *same("OK EEXIST")),
    Case(
        *("ports.57_refusals", ACTIVE, "IPI elsewhere, VIRQ, forget unknown, 0, 4096", _refusals),
        *same("EINVAL EINVAL ENOENT EINVAL EINVAL"),
    ),
    Case(
        *("ports.58_guest_send", ACTIVE, "assign 127 to 15, guest sends 127", _guest_send),
        *same("OK 15 sel=0x1 up=1"),
    ),
    Case(
        *("ports.59_unassigned", ACTIVE, "guest sends 127", _unassigned),
        *same("LEFT_TO_VMM none"),
    ),
    Case(
        *("ports.165_forgotten", ACTIVE, "assign 127, forget it, guest sends 127", _forgotten),
        *same("OK LEFT_TO_VMM none"),
        source=Source.READ,
    ),
    Case(
        *("ports.60_stale", ACTIVE, "delete a slot elsewhere, guest sends 127", _stale_send),
        *same("OK 15"),
        shape=FILLED,
    ),
    Case("ports.63_ipi", ACTIVE, "guest sends IPI 20", _ipi, *same("OK 20")),
    Case(
        *("ports.160_window", JOINED_BY_ONE, "delete RAM, guest sends 127", _window_send),
        *("LEFT_TO_VMM none", "OK 15"),
    ),
    Case(
        *("ports.161_eventfd", JOINED_BY_ONE, "delete RAM, guest sends 30", _window_eventfd),
        *same("OK none signals=1"),
    ),
    Case("poll.64_set", ACTIVE, "send 66, poll 66", _poll_set, *same("OK")),
    Case(
        *("poll.65_timeout", ACTIVE, "poll 66 for 1 s; at 0.5 s, at 1.5 s", _poll_timeout),
        *same("ASLEEP ASLEEP OK"),
    ),
    Case(
        *("poll.67_limits", ACTIVE, "poll 129 ports; port 4096", _poll_limits),
        *same("EINVAL EINVAL"),
    ),
    Case(
        *("poll.180_compat", ACTIVE, "32-bit: poll 66 for 200 ms; at 100, at 300", _poll_timeout),
        *same("ASLEEP ASLEEP OK"),
        shape=COMPAT,
        source=Source.READ,
    ),
    Case(
        *("poll.181_compat_limit", ACTIVE, "32-bit: poll 129 ports; port 1024", _poll_limits),
        *same("EINVAL EINVAL"),
        shape=COMPAT,
        source=Source.READ,
    ),
    Case(
        *("poll.77_masked", ACTIVE, "all masked: poll 66, send 67, send 66", _poll_masked),
        *same("ASLEEP ASLEEP OK"),
        source=Source.READ,
    ),
    Case(
        *("poll.162_unmasked", ACTIVE, "poll 66, send 66", _poll_unmasked),
        *same("ASLEEP OK"),
    ),
    Case(
        *("poll.163_stale", ACTIVE, "delete a slot elsewhere, poll 66", _poll_stale),
        *("OK", "ASLEEP"),
        shape=FILLED,
    ),
    Case(
        *("poll.166_refreshed", ACTIVE, "as stale, then send 1000, run, poll 66"),
        *(_poll_refreshed, "OK OK ASLEEP", "ASLEEP OK ASLEEP"),
        shape=FILLED,
    ),
    Case(
        *("poll.182_held_up", ACTIVE, "poll 66 for 1 s, delete a slot elsewhere", _poll_held),
        *same("ASLEEP waited OK"),
        shape=FILLED,
    ),
    Case(
        *("poll.164_window", JOINED_BY_ONE, "delete RAM, poll 66", _poll_window),
        *("OK", "ASLEEP"),
    ),
)
