"""Compiled loops over a real kernel's ioctls; each counts the answers that were expected.

What a loop is to do lies in words at *plan*, in the order that its docstring says. At *stamps*, if
that is not 0, it stores the time stamp counter before and after each operation, so two words each.
"""

from typing import Any

import numpy as np

from xenperf.abi.kvm import USERSPACE_MEMORY_REGION, XEN_EVTCHN_SEND, Ioctl
from xenperf.jit import kernel, op
from xenperf.live.foreign import ZERO, drop_pages, request
from xenperf.units import PAGE_SIZE
from xenperf.words import Word, load64, store8, store64, timestamp

U64 = np.uint64
ONE, TWO, THREE, FOUR, FIVE, SIX = (U64(number) for number in range(1, 7))
WORD_BYTES = U64(8)
NO_UPCALL = np.uint8(0)
SEND = U64(Ioctl.XEN_HVM_EVTCHN_SEND)
SET_REGION = U64(Ioctl.SET_USER_MEMORY_REGION)
EVENT_BYTES = U64(XEN_EVTCHN_SEND.itemsize)
REGION_BYTES = U64(USERSPACE_MEMORY_REGION.itemsize)
PAGE_BYTES = U64(PAGE_SIZE)


@op
def _planned(plan: Word, idx: Word) -> Word:
    return load64(plan + idx * WORD_BYTES)


@op
def _stamp(stamps: Word, idx: Word) -> None:
    """Store the time at the word *idx* of *stamps*, if there is such a place."""
    if stamps != ZERO:
        store64(stamps + idx * WORD_BYTES, timestamp())


@kernel
def loop_live_requests(fd: Word, n: Word, plan: Word, stamps: Word) -> Word:
    """Make *n* operations of several requests each.

    The plan: the ioctl's number, its first argument, the bytes of each, how many there are, and the
    answer expected. Returns the operations all of whose requests were answered so.
    """
    number, first, nr_bytes = _planned(plan, ZERO), _planned(plan, ONE), _planned(plan, TWO)
    count, expected = _planned(plan, THREE), _planned(plan, FOUR)
    hits = ZERO
    i = ZERO
    while i < n:
        good = ONE
        place = ZERO
        _stamp(stamps, TWO * i)
        while place < count:
            if request(fd, number, first + place * nr_bytes) != expected:
                good = ZERO
            place += ONE
        _stamp(stamps, TWO * i + ONE)
        hits += good
        i += ONE
    return hits


@op
def _forget_events(plan: Word) -> None:
    """Clear the pending bitmap, the selector and the upcall flag, where they are known."""
    pending, past = _planned(plan, THREE), _planned(plan, FOUR)
    selector, upcall = _planned(plan, FIVE), _planned(plan, SIX)
    while pending < past:
        store64(pending, ZERO)
        pending += WORD_BYTES
    if selector != ZERO:
        store64(selector, ZERO)
        store8(upcall, NO_UPCALL)


@kernel
def loop_live_sends(fd: Word, n: Word, plan: Word, stamps: Word) -> Word:
    """Send *n* events in a cycle; each pass over all of them starts with none pending.

    The plan: the first event, how many there are, the answer expected, and what to clear: the
    bitmap's start and end, the selector's word, the upcall flag; 0 where nothing is.
    """
    first, count, expected = _planned(plan, ZERO), _planned(plan, ONE), _planned(plan, TWO)
    hits = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        if place == count:
            _forget_events(plan)
            place = ZERO
        _stamp(stamps, TWO * i)
        answer = request(fd, SEND, first + place * EVENT_BYTES)
        _stamp(stamps, TWO * i + ONE)
        if answer == expected:
            hits += ONE
        place += ONE
        i += ONE
    _forget_events(plan)
    return hits


@kernel
def loop_live_regions(fd: Word, n: Word, plan: Word, stamps: Word) -> Word:
    """Make *n* memslot requests in a cycle, each followed by one send.

    The plan: the first request, how many there are, and the event that is sent, 0 for none. Returns
    how many requests succeeded: a send may fail here, which is what costs.
    """
    first, count, event = _planned(plan, ZERO), _planned(plan, ONE), _planned(plan, TWO)
    done = ZERO
    place = ZERO
    i = ZERO
    while i < n:
        place = ZERO if place == count else place
        _stamp(stamps, TWO * i)
        answer = request(fd, SET_REGION, first + place * REGION_BYTES)
        if event != ZERO:
            request(fd, SEND, event)
        _stamp(stamps, TWO * i + ONE)
        if answer == ZERO:
            done += ONE
        place += ONE
        i += ONE
    return done


@kernel
def loop_live_notify(page: Word, n: Word, stamps: Word) -> Word:
    """Drop a page that no cache has, *n* times; every time KVM's notifier visits all caches."""
    done = ZERO
    i = ZERO
    while i < n:
        _stamp(stamps, TWO * i)
        answer = drop_pages(page, PAGE_BYTES)
        _stamp(stamps, TWO * i + ONE)
        if answer == ZERO:
            done += ONE
        i += ONE
    return done


KERNELS: tuple[Any, ...] = (
    *(loop_live_requests, loop_live_sends, loop_live_regions, loop_live_notify),
)
