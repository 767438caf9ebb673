"""The words that the two threads of a stress run share, and the plan that one of them plays."""

from typing import Final

from xenperf.abi.structs import Field, struct


def _words(first: int, *names: str) -> list[Field]:
    """Return 64-bit fields of these names from byte *first* on."""
    return [(name, "<u8", first + 8 * idx) for idx, name in enumerate(names)]


SENDERS: Final = (
    *("delivered", "merged", "masked", "efault", "einval", "otherwise"),
    *("sends", "churned_meanwhile"),
)
"""The sender's words: what became of its sends, how many there were, and how many of them had a
step of the other thread end within."""

CHURNERS: Final = (
    *("steps", "cycles", "sent_meanwhile", "stale", "failed", "slipped"),
    *("while_absent", "while_off"),
)
"""The other thread's: steps of the plan, whole cycles, steps that had a send end within, words that
got an event when nobody might write any more, steps refused, times that more than the send under
way ended while a range was open, and sends that lay wholly in a window without a slot, or with
shared_info off."""

GIVEN: Final = (
    *("nr_sends", "max_sends", "min_cycles", "min_overlap", "seed", "plan", "nr_steps"),
    *("raised", "consumed", "frames", "nr_frames", "vcpu_info", "fault"),
)
"""Set before: the sender ends after nr_sends if the other has played min_cycles and both
kinds of meanwhile have come to min_overlap, or after max_sends; khvas of the plan, of a count for
each port raised and consumed, and of the khvas of the frames."""

RUN: Final = struct(
    320,
    *_words(0, *SENDERS),
    *_words(64, *CHURNERS),
    *_words(128, "arrived", "is_done"),
    *_words(192, *GIVEN),
)
STEP: Final = struct(64, *_words(0, "action", "a", "b", "c", "closed", "window"))
"""One step of the plan: what to do with three words; the frames (a bit each) that nobody may write
to from its end on; and the word of RUN that counts the sends up to the next step, or 0."""
