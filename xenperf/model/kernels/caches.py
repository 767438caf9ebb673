"""Timed loops over caches: check, refresh, activation, invalidation."""

from xenperf.jit import kernel
from xenperf.model import activation, notifier, pfncache, shinfo
from xenperf.model.constants import BYTE0, ONE, PAGE, TWO, VCPU_INFO_BYTES, ZERO
from xenperf.model.layout import GPC_VALID, U64, VCPU_BYTES, VCPU_VCPU_INFO, VM_SHINFO, VM_VCPUS
from xenperf.model.locks import read_lock, read_unlock, srcu_read_lock, srcu_read_unlock
from xenperf.model.slot_update import bump_generation
from xenperf.words import Word, load64, store8

FOUR = U64(4)


@kernel
def loop_check(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Check the vcpu_info caches in turn, no lock. *a*: a power of two of vCPUs, less one.

    More than one, or the compiler would do the check once for all.
    """
    first = load64(vm + VM_VCPUS) + VCPU_VCPU_INFO
    good = ZERO
    i = ZERO
    while i < n:
        gpc = first + (i & a) * VCPU_BYTES
        good += ONE if pfncache.check(vm, gpc, VCPU_INFO_BYTES) else ZERO
        i += ONE
    return good


@kernel
def loop_lock_and_check(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Read-lock, check and unlock the vcpu_info caches in turn. *a* as in ``loop_check``."""
    first = load64(vm + VM_VCPUS) + VCPU_VCPU_INFO
    good = ZERO
    i = ZERO
    while i < n:
        gpc = first + (i & a) * VCPU_BYTES
        read_lock(gpc)
        good += ONE if pfncache.check(vm, gpc, VCPU_INFO_BYTES) else ZERO
        read_unlock(gpc)
        i += ONE
    return good


@kernel
def loop_refresh(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Spoil the cache of shared_info and refresh it. *c*: the outcome expected.

    a
        How it is spoiled: bit 0, by a memslot change elsewhere; bit 1, by a notifier.
    """
    shinfo_gpc = vm + VM_SHINFO
    hits = ZERO
    i = ZERO
    while i < n:
        if a & ONE != ZERO:
            bump_generation(vm)
        if a & TWO != ZERO:
            store8(shinfo_gpc + GPC_VALID, BYTE0)
        idx = srcu_read_lock(vm, cpu)
        hits += ONE if pfncache.refresh(vm, cpu, shinfo_gpc, PAGE) == c else ZERO
        srcu_read_unlock(cpu, idx)
        i += ONE
    return hits


@kernel
def loop_activate(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Activate shared_info. *a*: gpa or all-ones; *b*: uhva.

    c
        What comes before: bit 0, a memslot change elsewhere; bit 2, a deactivation.
    """
    done = ZERO
    i = ZERO
    while i < n:
        if c & ONE != ZERO:
            bump_generation(vm)
        if c & FOUR != ZERO:
            activation.deactivate(vm, vm + VM_SHINFO)
        done += ONE if shinfo.activate_shinfo(vm, cpu, a, b) == ZERO else ZERO
        i += ONE
    return done


@kernel
def loop_notify(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Open and close the range ``[a, b)`` of the VMM's addresses: the whole notifier."""
    i = ZERO
    while i < n:
        notifier.invalidate_range_start(vm, cpu, a, b)
        notifier.invalidate_range_end(vm, cpu, a, b)
        i += ONE
    return n


@kernel
def loop_invalidate(vm: Word, cpu: Word, n: Word, a: Word, b: Word, c: Word) -> Word:
    """Visit all active caches for ``[a, b)``. *c*: 1 with 9fa336e343b2, 0 without it."""
    i = ZERO
    while i < n:
        notifier.invalidate_caches(vm, cpu, a, b, c != ZERO)
        i += ONE
    return n
