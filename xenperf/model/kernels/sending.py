"""Timed loops over sends. *a* points at ``uint32`` ports in drawn order, *b* says how many."""

from xenperf.jit import kernel, op
from xenperf.model.constants import MASK32, MASK64, ONE, PENDING, THREE, TWO, ZERO
from xenperf.model.evtchn import hvm_evtchn_send, is_long_mode, vcpu_at
from xenperf.model.guest import handle_upcall, take_selector
from xenperf.model.layout import GPC_KHVA, U64, VCPU_VCPU_INFO, VM_SHINFO
from xenperf.model.slot_update import bump_generation
from xenperf.words import Word, load32, load64, store64

LOW_WORD = U64(0xFFFFFFFF)


@op
def _forget_events(vm: Word, vcpu: Word) -> None:
    """Clear every pending bit, selector and shadow: some 70 stores, once per pass."""
    long_mode = is_long_mode(vm)
    shared_info = load64(vm + VM_SHINFO + GPC_KHVA)
    if shared_info != ZERO:
        offset = PENDING
        past = MASK64 if long_mode else MASK32
        while offset < past:
            store64(shared_info + offset, ZERO)
            offset += ONE << THREE
    vcpu_info = load64(vcpu + VCPU_VCPU_INFO + GPC_KHVA)
    if vcpu_info != ZERO:
        take_selector(vcpu_info, long_mode)
    store64(vcpu, ZERO)


@kernel
def loop_send(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Send; each pass over the ports starts with no event pending. *c*: the outcome expected."""
    vcpu = vcpu_at(vm, ZERO)
    hits = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        if place == b:
            _forget_events(vm, vcpu)
            place = ZERO
        port = U64(load32(a + (place << TWO)))
        hits += ONE if hvm_evtchn_send(vm, cpu, ZERO, port) == c else ZERO
        place += ONE
        i += ONE
    _forget_events(vm, vcpu)
    return hits


@kernel
def loop_send_again(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Send without ever clearing anything: what is pending stays so. *c*: outcome expected."""
    hits = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == b else place
        port = U64(load32(a + (place << TWO)))
        hits += ONE if hvm_evtchn_send(vm, cpu, ZERO, port) == c else ZERO
        place += ONE
        i += ONE
    return hits


@kernel
def loop_send_after_slot_change(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Change the generation, as any memslot update does, then send. *c*: outcome expected."""
    vcpu = vcpu_at(vm, ZERO)
    hits = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        if place == b:
            _forget_events(vm, vcpu)
            place = ZERO
        bump_generation(vm)
        port = U64(load32(a + (place << TWO)))
        hits += ONE if hvm_evtchn_send(vm, cpu, ZERO, port) == c else ZERO
        place += ONE
        i += ONE
    _forget_events(vm, vcpu)
    return hits


@kernel
def loop_send_and_handle(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Send *c* events, let the guest handle them, and so on: the whole way of an event."""
    vcpu = vcpu_at(vm, ZERO)
    shared_info = load64(vm + VM_SHINFO + GPC_KHVA)
    vcpu_info = load64(vcpu + VCPU_VCPU_INFO + GPC_KHVA)
    handled = ZERO
    place = ZERO
    waiting = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == b else place
        hvm_evtchn_send(vm, cpu, ZERO, U64(load32(a + (place << TWO))))
        place += ONE
        i += ONE
        waiting += ONE
        if waiting == c or i == n:
            handled += handle_upcall(shared_info, vcpu_info, is_long_mode(vm)) & LOW_WORD
            waiting = ZERO
    return handled
