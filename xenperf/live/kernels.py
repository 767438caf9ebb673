"""Compiled loops over a real kernel's ioctls; each counts the answers that were expected."""

from typing import Any

import numpy as np

from xenperf.abi.kvm import USERSPACE_MEMORY_REGION, XEN_EVTCHN_SEND, Ioctl
from xenperf.jit import kernel, op
from xenperf.live.foreign import ZERO, drop_pages, request
from xenperf.units import PAGE_SIZE
from xenperf.words import Word, store8, store64

U64 = np.uint64
ONE, WORD_BYTES = U64(1), U64(8)
NO_UPCALL = np.uint8(0)
SEND = U64(Ioctl.XEN_HVM_EVTCHN_SEND)
SET_REGION = U64(Ioctl.SET_USER_MEMORY_REGION)
EVENT_BYTES = U64(XEN_EVTCHN_SEND.itemsize)
REGION_BYTES = U64(USERSPACE_MEMORY_REGION.itemsize)
PAGE_BYTES = U64(PAGE_SIZE)


@kernel
def loop_live_requests(
    fd: Word, number: Word, first: Word, nr_bytes: Word, count: Word, n: Word, expected: Word
) -> Word:
    """Make *n* operations of *count* requests each, whose arguments lie *nr_bytes* apart.

    Returns the operations all of whose requests were answered with *expected*.
    """
    hits = ZERO
    i = ZERO
    while i < n:
        good = ONE
        place = ZERO
        while place < count:
            if request(fd, number, first + place * nr_bytes) != expected:
                good = ZERO
            place += ONE
        hits += good
        i += ONE
    return hits


@op
def _forget_events(pending: Word, past: Word, selector: Word, upcall: Word) -> None:
    """Clear the pending bitmap, the selector and the upcall flag, where they are known."""
    while pending < past:
        store64(pending, ZERO)
        pending += WORD_BYTES
    if selector != ZERO:
        store64(selector, ZERO)
        store8(upcall, NO_UPCALL)


@kernel
def loop_live_sends(
    fd: Word, first: Word, count: Word, n: Word, expected: Word,
    pending: Word, past: Word, selector: Word, upcall: Word,
) -> Word:  # fmt: skip
    """Send *n* events, in the order they lie in; each pass over all *count* starts with none
    pending. The last four words say what to clear: 0 where nothing is.
    """
    hits = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        if place == count:
            _forget_events(pending, past, selector, upcall)
            place = ZERO
        if request(fd, SEND, first + place * EVENT_BYTES) == expected:
            hits += ONE
        place += ONE
        i += ONE
    _forget_events(pending, past, selector, upcall)
    return hits


@kernel
def loop_live_regions(fd: Word, first: Word, count: Word, n: Word, event: Word) -> Word:
    """Make *n* memslot requests in a cycle, each followed by one send of *event*, 0 for none.

    Returns how many requests succeeded: a send may fail here, which is what costs.
    """
    done = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == count else place
        if request(fd, SET_REGION, first + place * REGION_BYTES) == ZERO:
            done += ONE
        if event != ZERO:
            request(fd, SEND, event)
        place += ONE
        i += ONE
    return done


@kernel
def loop_live_notify(page: Word, n: Word) -> Word:
    """Drop a page that no cache has, *n* times; every time KVM's notifier visits all caches."""
    done = ZERO
    i = ZERO
    while i < n:
        if drop_pages(page, PAGE_BYTES) == ZERO:
            done += ONE
        i += ONE
    return done


KERNELS: tuple[Any, ...] = (
    *(loop_live_requests, loop_live_sends, loop_live_regions, loop_live_notify),
)
