"""Timed loops over what a vCPU does on its way into the guest."""

from xenperf.jit import kernel
from xenperf.model.constants import BIT_MASK32, ONE, ZERO
from xenperf.model.evtchn import is_long_mode, vcpu_at
from xenperf.model.guest import take_selector
from xenperf.model.layout import GPC_KHVA, VCPU_VCPU_INFO
from xenperf.model.locks import srcu_read_lock, srcu_read_unlock
from xenperf.model.vcpu import has_interrupt, inject_pending_events
from xenperf.words import Word, load64, store64


@kernel
def loop_merge(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Put one bit into the shadow selector, merge it into vcpu_info and let the guest take it."""
    vcpu = vcpu_at(vm, ZERO)
    vcpu_info = load64(vcpu + VCPU_VCPU_INFO + GPC_KHVA)
    long_mode = is_long_mode(vm)
    merged = ZERO
    i = ZERO
    while i < n:
        bit = ONE << (i & BIT_MASK32)
        store64(vcpu, bit)
        idx = srcu_read_lock(vm, cpu)
        inject_pending_events(vm, cpu, vcpu)
        srcu_read_unlock(cpu, idx)
        merged += ONE if take_selector(vcpu_info, long_mode) == bit else ZERO
        i += ONE
    return merged


@kernel
def loop_has_interrupt(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Ask whether an upcall is pending. *c*: the answer expected."""
    vcpu = vcpu_at(vm, ZERO)
    hits = ZERO
    i = ZERO
    while i < n:
        hits += ONE if has_interrupt(vm, cpu, vcpu) == c else ZERO
        i += ONE
    return hits
