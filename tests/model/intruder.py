"""Another actor between two steps of interpreted model code: ``traced_by``, made handy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from xenperf.jit import INTERPRETED
from xenperf.words import traced_by

single_stepped = pytest.mark.skipif(
    not INTERPRETED,
    reason="compiled code cannot be stopped; test_interleavings runs it interpreted",
)


class Steps:
    """Counts the shared accesses of a block and does something before some of them."""

    def __init__(self, intrude: Callable[["Steps", str, int], None]) -> None:
        self.intrude = intrude
        self.nr_steps = 0
        self._inside = False

    def __call__(self, operation: str, khva: int) -> None:
        if not self._inside:
            self._inside = True
            self.intrude(self, operation, khva)
            self.nr_steps += 1
            self._inside = False


@contextmanager
def intruded_by(intrude: Callable[[Steps, str, int], None]) -> Iterator[Steps]:
    steps = Steps(intrude)
    with traced_by(steps):
        yield steps


def at_every_step(operate_intruded_at: Callable[[int], bool]) -> int:
    """Call it with 0, 1, 2... until it tells that there is no such step; return how many."""
    place = 0
    while operate_intruded_at(place):
        place += 1
    return place
