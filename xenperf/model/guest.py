"""The guest's side of event delivery, as a Linux guest does it (drivers/xen/events/events_2l.c).

It reads the pages at its own address; here that is the khva of the frames it is shown.
"""

from typing import Final

from xenperf.jit import op
from xenperf.model.bits import clear_bit
from xenperf.model.constants import (
    BYTE0,
    FIVE,
    MASK32,
    MASK64,
    ONE,
    PENDING,
    SEL32,
    SEL64,
    SIX,
    THREE,
    TWO,
    W0,
    ZERO,
)
from xenperf.model.layout import U64
from xenperf.words import (
    Flag,
    Word,
    exchange32,
    exchange64,
    load32,
    load64,
    store8,
    trailing_zeros,
)

SUM_SHIFT: Final = U64(32)


@op
def take_selector(vcpu_info: Word, long_mode: Flag) -> Word:
    """Clear the upcall flag, then exchange the selector with 0 and return it."""
    store8(vcpu_info, BYTE0)
    if long_mode:
        return exchange64(vcpu_info + SEL64, ZERO)
    return U64(exchange32(vcpu_info + SEL32, W0))


@op
def _unmasked_word(shared_info: Word, word: Word, long_mode: Flag) -> Word:
    """Return the ports of pending word *word* that are set and not masked."""
    if long_mode:
        offset = word << THREE
        return load64(shared_info + PENDING + offset) & ~load64(shared_info + MASK64 + offset)
    offset = word << TWO
    pending = load32(shared_info + PENDING + offset)
    return U64(pending & ~load32(shared_info + MASK32 + offset))


@op
def handle_upcall(shared_info: Word, vcpu_info: Word, long_mode: Flag) -> Word:
    """Scan what the selector names, clear each event found and return a digest of them.

    The digest is the number of events, and from bit 32 on the exclusive-or of their ports.
    """
    selector = take_selector(vcpu_info, long_mode)
    word_bits_shift = SIX if long_mode else FIVE
    nr_events = ZERO
    ports = ZERO
    while selector != ZERO:
        word = trailing_zeros(selector)
        selector &= selector - ONE
        left = _unmasked_word(shared_info, word, long_mode)
        while left != ZERO:
            port = (word << word_bits_shift) + trailing_zeros(left)
            left &= left - ONE
            clear_bit(shared_info + PENDING, port)
            ports ^= port
            nr_events += ONE
    return (ports << SUM_SHIFT) | nr_events
