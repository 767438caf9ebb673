"""One litmus test: what must never be seen, and variants without a fence or a lock that show it."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from tests.words.racing import Outcome, Race, Step
from xenperf.jit import INTERPRETED

LIMIT_S = 15.0
LIMIT_UNTIL_SHOWN_S = 60.0  # only a very busy machine comes near it
FACTOR, MIN_ROUNDS, MAX_ROUNDS, MAX_ROUNDS_UNTIL_SHOWN = 5, 20, 400, 4000

native_threads = [
    pytest.mark.skipif(
        INTERPRETED, reason="the interpreter reorders nothing: NUMBA_DISABLE_JIT is set"
    ),
    pytest.mark.skipif(
        len(os.sched_getaffinity(0)) < 2, reason="one processor: two threads never run at once"
    ),
]


@dataclass(frozen=True)
class Litmus:
    """Two steps of the model, and the same with something missing."""

    model: tuple[Step, Step]
    weak: Mapping[str, tuple[Step, Step]]
    """By what is missing."""

    forbidden: Callable[[Outcome], bool]
    start: tuple[int, int, int, int] = field(default=(0, 0, 0, 0))


def assert_only_the_weak_fail(litmus: Litmus) -> None:
    """Every weak variant shows what is forbidden; the model does not, in 5 times as many rounds."""
    rounds = max(_rounds_until_shown(litmus, missing) for missing in litmus.weak)
    race = Race(*litmus.model, litmus.start)
    deadline = time.monotonic() + LIMIT_S
    for _ in range(min(max(rounds * FACTOR, MIN_ROUNDS), MAX_ROUNDS)):
        seen = race.outcomes()
        assert [outcome for outcome in seen if litmus.forbidden(outcome)] == []
        if time.monotonic() > deadline:
            break


def _rounds_until_shown(litmus: Litmus, missing: str) -> int:
    """Return how many rounds it took until what is forbidden was seen."""
    race = Race(*litmus.weak[missing], litmus.start)
    deadline = time.monotonic() + LIMIT_UNTIL_SHOWN_S
    for idx in range(MAX_ROUNDS_UNTIL_SHOWN):
        if any(map(litmus.forbidden, race.outcomes())):
            return idx + 1
        if time.monotonic() > deadline:
            break
    pytest.fail(f"without {missing}: what is forbidden was not seen, so the test shows nothing")
