"""What must hold for events when both operations are done: none is lost unseen, none is invented.

Each check returns a line for what is wrong, as in ``invariants``.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from xenperf.abi.xen import COMPAT, LONG_MODE
from xenperf.explore.accesses import peek
from xenperf.explore.ended import Ended
from xenperf.explore.machine import SHADOWED
from xenperf.hypervisor import Activation
from xenperf.units import PAGE_SIZE

_OF_EVENTS: Final = frozenset({"sends", "untold", "enters", "slots"})
_UNTOLD: Final = frozenset({"queued", "fired", "interrupt", "quiet"})


def sends_do_what_they_tell(end: Ended) -> Iterator[str]:
    """A refused event changed nothing (I6), one that is delivered or masked set its bit."""
    raised = Counter(event.port for event in end.events())
    for event in end.events():
        port, is_pending = event.port, end.is_pending(event.port)
        if event.is_refused and is_pending and raised[port] == 1:
            yield f"the send of port {port} failed and yet it is pending"
        elif event.told in ("delivered", "masked", "sent") and not is_pending:
            yield f"the send of port {port} was {event.told} and its bit is lost"


def pending_ports_have_a_selector(end: Ended) -> Iterator[str]:
    """An event that is new has a selector bit (I8); a masked one has none, nor any other (I9, I12).

    Not while the mode is switched, as an event then has the selector of either layout.
    """
    if "mode" in end.all_effects:
        return
    selectors, masked = _selectors(end), end.are_masked
    wanted = SHADOWED if "shadow" in end.all_effects else 0
    for event in end.events():
        if not masked:
            wanted |= 1 << event.port // 64
            is_told = selectors >> event.port // 64 & 1
            if end.is_pending(event.port) and not is_told and not event.is_refused:
                yield f"port {event.port} is pending but no selector tells so (I8)"
    if selectors & ~wanted:
        what = "masked ports" if masked else "ports that nobody sent"
        yield f"selector bits {selectors & ~wanted:#x} are those of {what}"


def one_port_is_delivered_once(end: Ended) -> Iterator[str]:
    """Of several sends of one port one is new, and only that one tells the vCPU (I9, I23)."""
    told: dict[int, list[str]] = {}
    for event in end.events():
        told.setdefault(event.port, []).append(event.told)
    for port, each in told.items():
        nr_new = each.count("delivered") + each.count("masked")
        if "merged" in each and nr_new == 0 and not _UNTOLD & set(each):
            yield f"the send of port {port} was merged into one that was never made"
        if nr_new > 1:
            yield f"port {port} was new {nr_new} times"
        if len(told) == 1 and "merged" in each and _nr_kicks(end) > 1:
            yield f"the merged send of port {port} told the vCPU again"


def _nr_kicks(end: Ended) -> int:
    return int(end.machine.vcpu_record()["nr_kicks"]) - end.machine.first_kicks


def by_hva_nothing_fails(end: Ended) -> Iterator[str]:
    """By HVA every event arrives, as long as nobody switches shared_info off (I16)."""
    if end.machine.activation is Activation.HVA and "deactivates" not in end.all_effects:
        for event in end.events():
            if event.is_refused and not (event.told == "returned" and "forgets" in end.all_effects):
                yield f"the send of port {event.port} failed by HVA"
        yield from (f"the event of port {port} is lost by HVA" for port in end.lost())


def _selectors(end: Ended) -> int:
    """Return the bits of the shadow and of every selector, in the layout of the mode."""
    shadow = int(end.machine.host.observed.shadow_sel(0))
    layout = LONG_MODE if end.vm()["long_mode"] else COMPAT
    offset, mask = layout.vcpu_info.pending_sel, (1 << layout.nr_selector_bits) - 1
    found = shadow
    for page in end.machine.event_pages:
        found |= peek(page + (offset & ~7)) >> (offset & 7) * 8 & mask
    return found


def merges_lose_no_bit(end: Ended) -> Iterator[str]:
    """The bit that was in the shadow is there still, or in a selector of either layout (I10)."""
    if "shadow" in end.all_effects:
        shadow = int(end.machine.host.observed.shadow_sel(0))
        wide = [peek(page + LONG_MODE.vcpu_info.pending_sel) for page in end.machine.event_pages]
        narrow = [peek(page) >> 32 for page in end.machine.event_pages]
        if not any(word & SHADOWED for word in (shadow, *wide, *narrow)):
            yield "a merge lost a selector bit"


def selectors_are_announced(end: Ended) -> Iterator[str]:
    """A selector bit comes with the upcall flag, a shadowed one with a kick (I11).

    A vCPU that enters the guest may use the kick up in a merge that fails.
    """
    for page in end.machine.event_pages:
        first, second = peek(page), peek(page + 8)
        if (first >> 32 or second) and not first & 1:
            yield "a selector bit is set without the upcall flag"
    vcpu = end.machine.vcpu_record()
    if (
        "enters" not in end.all_effects
        and int(vcpu["shadow_sel"])
        and not int(vcpu["requests"]) & 1
    ):
        yield "a selector bit waits in the shadow and nobody was kicked"


def events_stay_in_their_fields(end: Ended) -> Iterator[str]:
    """A send writes pending bits, a selector and the upcall flag, nothing else (I13)."""
    if end.all_effects <= _OF_EVENTS and all(end.effects):
        for word in end.changed:
            offset = word % PAGE_SIZE
            if word & -PAGE_SIZE in end.machine.event_pages and not (
                offset < 16 or LONG_MODE.pending_offset <= offset < LONG_MODE.mask_offset
            ):
                yield f"a send wrote at offset {offset:#x} of a shared page"


def a_mode_switch_moves_no_bit(end: Ended) -> Iterator[str]:
    """A switch leaves pending and mask bits where they are, and writes the wall clock (I24)."""
    if "mode" not in end.all_effects:
        return
    clock = {(at & ~7) for at in (COMPAT.wc_offset, COMPAT.wc_offset + 8, COMPAT.wc_sec_hi_offset)}
    ports = {event.port for event in end.events()}
    words = {LONG_MODE.pending_offset + port // 64 * 8 for port in ports}
    for word in end.changed & end.words_of_shinfo():
        offset = word % PAGE_SIZE
        is_bitmap = LONG_MODE.pending_offset <= offset < LONG_MODE.wc_offset
        if is_bitmap and offset not in clock | words:
            yield f"a mode switch changed the bits at offset {offset:#x}"


def timers_come_to_rest(end: Ended) -> Iterator[str]:
    """What a timer left to its vCPU is there once, and a timer that is done is off (I18)."""
    vcpu = end.machine.vcpu_record()
    pending, expires = int(vcpu["timer_pending"]), int(vcpu["timer_expires"])
    if pending > 1:
        yield f"the timer left {pending} events to the vCPU"
    if bool(pending) != bool(expires):
        yield f"the timer has pending {pending}, and expires at {expires}"


def pollers_are_woken(end: Ended) -> Iterator[str]:
    """No vCPU sleeps on a pending port with nothing to wake it; a poll that ended left no trace."""
    if "polls" not in end.all_effects:
        return
    vcpu = end.machine.vcpu_record()
    reasons = int(vcpu["shadow_sel"]) | int(vcpu["timer_pending"]) | int(vcpu["requests"]) & 1
    is_pending = any(end.is_pending(event.port) for event in end.events())
    if vcpu["is_halted"] and is_pending and not reasons:
        yield "a vCPU sleeps in its poll of a port that is pending"
    if not vcpu["is_halted"] and (vcpu["poll_evtchn"] or any(end.vm()["poll_mask"])):
        yield "a poll that ended is still recorded"


EVENT_CHECKS: Final[tuple[Callable[[Ended], Iterator[str]], ...]] = (
    sends_do_what_they_tell,
    pending_ports_have_a_selector,
    one_port_is_delivered_once,
    by_hva_nothing_fails,
    merges_lose_no_bit,
    selectors_are_announced,
    events_stay_in_their_fields,
    a_mode_switch_moves_no_bit,
    timers_come_to_rest,
    pollers_are_woken,
)
