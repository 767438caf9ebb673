"""The two compiled loops of a race over a real kernel's ioctls; neither needs the interpreter.

What a loop is to do lies in words at *plan*, in the order that its docstring says.
"""

from typing import Any

import numpy as np

from xenperf.abi.kvm import Ioctl
from xenperf.jit import kernel, op
from xenperf.live.foreign import ZERO, clock_ns, request, rest, write_word
from xenperf.racing import EVENT, IN_OVERLAY, IN_RAM, STEP, Shared
from xenperf.words import Word, fetch_and64, load64, load_acquire64, store64, store_release64

U64 = np.uint64
ONE = U64(1)
WORD_BYTES = U64(8)
CALL_BYTES = U64(24)
EVENT_BYTES = U64(EVENT.itemsize)
STEP_BYTES = U64(STEP.itemsize)
STOP, FULL, TROUBLE = (
    U64(8 * word) for word in (Shared.STOP, Shared.FULL, Shared.TROUBLE)
)  # the phase is the first word
SET_REGION = U64(Ioctl.SET_USER_MEMORY_REGION)
OVERLAY_FOUND, RAM_FOUND = U64(IN_OVERLAY), U64(IN_RAM)
SIGN = U64(1 << 63)


@op
def _planned(plan: Word, idx: Any) -> Word:
    return load64(plan + U64(idx) * WORD_BYTES)


@op
def _step(fd: Word, region: Word, rest_us: Word) -> Word:
    """Make one memslot request; rest where there is none."""
    if region == ZERO:
        rest(rest_us)
        return ZERO
    return request(fd, SET_REGION, region)


@kernel
def race_live_player(fd: Word, plan: Word, until_ns: Word) -> Word:
    """Make memslot requests in cycles until *until_ns*; return how many steps were written down.

    The plan: the shared words, the addresses of one cycle's regions (0: a rest), how many there
    are, the length of a rest in us, the records, how many they are, and two words for the clock.
    A request that is refused is the last.
    """
    words, regions, nr_steps = _planned(plan, 0), _planned(plan, 1), _planned(plan, 2)
    rest_us, records, room = _planned(plan, 3), _planned(plan, 4), _planned(plan, 5)
    clock = _planned(plan, 6)
    done = ZERO
    while clock_ns(clock) < until_ns and done + nr_steps <= room and load64(words + FULL) == ZERO:
        place = ZERO
        while place < nr_steps:
            record = records + done * STEP_BYTES
            store_release64(words, load64(words) + ONE)
            store64(record, clock_ns(clock))
            answer = _step(fd, load64(regions + place * WORD_BYTES), rest_us)
            store64(record + U64(8), clock_ns(clock))
            store64(record + U64(16), answer)
            done += ONE
            place += ONE
            if answer != ZERO:
                return done
    return done


@op
def _call(calls: Word, idx: Word) -> Word:
    """Make one call: an ioctl, or where its number is 0 a write of the word at its argument."""
    call = calls + idx * CALL_BYTES
    fd, number, argument = _planned(call, 0), _planned(call, 1), _planned(call, 2)
    if number == ZERO:
        return write_word(fd, argument)
    return request(fd, number, argument)


@op
def _settle(words: Word, calls: Word, nr_calls: Word) -> None:
    """Make the calls after the first; none of them may fail."""
    idx = ONE
    while idx < nr_calls:
        answer = _call(calls, idx)
        if answer & SIGN != ZERO:
            store64(words + TROUBLE, answer)
            store_release64(words + FULL, ONE)
        idx += ONE


@op
def _taken(word: Word, mask: Word, found: Word) -> Word:
    """Return *found* if the bit was set, which clears it."""
    if load64(word) & mask == ZERO:
        return ZERO
    fetch_and64(word, ~mask)
    return found


@kernel
def race_live_sender(plan: Word) -> Word:
    """Raise one event after another until told to stop; return how many were written down.

    The plan: the shared words, the calls that raise an event and settle it, how many they are, the
    word of its bit in the overlay and in RAM, its mask, the records, how many they are, and two
    words for the clock. The first call's answer is what the raiser was told.
    """
    words, calls, nr_calls = _planned(plan, 0), _planned(plan, 1), _planned(plan, 2)
    overlay, ram, mask = _planned(plan, 3), _planned(plan, 4), _planned(plan, 5)
    records, room, clock = _planned(plan, 6), _planned(plan, 7), _planned(plan, 8)
    done = ZERO
    while done < room and load_acquire64(words + STOP) == ZERO:
        record = records + done * EVENT_BYTES
        store64(record, load_acquire64(words))
        store64(record + U64(8), clock_ns(clock))
        store64(record + U64(32), _call(calls, ZERO))
        _settle(words, calls, nr_calls)
        store64(record + U64(16), clock_ns(clock))
        store64(record + U64(24), load_acquire64(words))
        places = _taken(overlay, mask, OVERLAY_FOUND) | _taken(ram, mask, RAM_FOUND)
        store64(record + U64(40), places)
        done += ONE
    if done == room:
        store_release64(words + FULL, ONE)
    return done


KERNELS: tuple[Any, ...] = (race_live_player, race_live_sender)
