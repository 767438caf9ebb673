"""Counts of what the slow paths did, kept per processor so that they are exact and cheap."""

from xenperf.jit import op
from xenperf.model.constants import ONE
from xenperf.words import Word, load64, store64


@op
def count_one(counter: Word) -> None:
    """Add one to this processor's own *counter*; not locked, since nobody else writes it."""
    store64(counter, load64(counter) + ONE)
