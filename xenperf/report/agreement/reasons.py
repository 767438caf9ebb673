"""Why a real kernel is known to differ from the model, each with the place where that is written.

A difference that no entry explains is an open question. An entry is added when somebody found out,
not when a difference is in the way.
"""

import fnmatch
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from xenperf.report.agreement.model import Reason, Subject

Release: TypeAlias = tuple[int, ...]
LIVE_RELEASES: Final = "docs/live.md, 'Releases differ in a few answers'"
LIVE_TIMING: Final = "docs/live.md, 'Where a real kernel is not the model'"
LIVE_COSTS: Final = "docs/live.md, 'Costs'"
NO_SWITCH: Final = (
    "docs/kernels.md, 'The timer's fast path, 77c9b9dea4fb (v6.7), has no switch yet'"
)
MODEL_LIMITS: Final = "docs/model.md, 'Where it stops'"


class Condition(StrEnum):
    """What must hold of a difference, besides its name, for a reason to explain it."""

    RIGHT = "the model shows what is expected"
    TIMED_OUT = "a poll was over at the second look, and the model shows what is expected"
    NEARER = "the live ratio is nearer to 1, and not on the other side of it"
    AT_ONCE = "as many events arrive, at once instead of later"


@dataclass(frozen=True, slots=True)
class Known:
    """One reason, and the differences that it explains."""

    subject: Subject
    glob: str
    """Of the difference's name."""

    text: str
    source: str
    since: Release = ()
    """The first kernel release that it is about."""

    before: Release = ()
    """The first that it is no longer about; empty: none."""

    condition: Condition | None = None

    def explains(self, name: str, release: Release, holding: Collection[Condition]) -> bool:
        """Tell whether this is the reason for the difference *name* on the kernel *release*."""
        if not fnmatch.fnmatchcase(name, self.glob):
            return False
        if self.condition is not None and self.condition not in holding:
            return False
        if not (self.since or self.before):
            return True
        return self.since <= release != () and (not self.before or release < self.before)


def _release(glob: str, text: str, *, since: Release = (), before: Release = ()) -> Known:
    """Return a reason for a case on some releases: there the kernel and not the model differs."""
    return Known(Subject.CASE, glob, text, LIVE_RELEASES, since, before, Condition.RIGHT)


_WAKE_UP: Final = (
    "an interrupt that lands in the guest's few instructions gives the kernel one more chance to "
    "merge the shadow selector"
)
_TIMED_OUT: Final = (
    "time passes by itself on a kernel: on a busy machine a poll's second may be over before the "
    "second look at it"
)
_TIMERS: Final = "the model's timers are those of v6.7 and later, whatever kernel it is"
_AT_ONCE: Final = "an irqfd's work cannot be held back on a kernel: it counts as delivered at once"
KNOWN: Final = (
    _release(
        "timer.*",
        "before v6.7 an expired timer always waits for KVM_RUN, and reading it loses nothing",
        before=(6, 7),
    ),
    _release(
        "poll.*",
        "in v6.1 a poll from 32-bit code is a yield and returns at once",
        since=(6, 1),
        before=(6, 2),
    ),
    _release(
        "irqfd.79_far_port",
        "before v6.12.39 a route to a port beyond the limit is refused with EINVAL",
        before=(6, 12, 39),
    ),
    _release(
        "vcpu_info.17_places",
        "v6.12.117 refuses a vcpu_info that is not 4-byte aligned with ENXIO",
        since=(6, 12, 117),
        before=(6, 13),
    ),
    *(
        Known(Subject.CASE, f"shadow.{name}", _WAKE_UP, LIVE_TIMING, condition=Condition.RIGHT)
        for name in ("130_wake_up_used", "131_same_word")
    ),
    *(
        Known(Subject.CASE, name, _TIMED_OUT, LIVE_TIMING, condition=Condition.TIMED_OUT)
        for name in ("poll.65_timeout", "poll.180_compat")
    ),
    *(
        Known(Subject.OUTCOME, glob, _AT_ONCE, LIVE_TIMING, condition=Condition.AT_ONCE)
        for glob in ("event_sources.irqfd.*", "event_sources.all *")
    ),
    Known(Subject.OUTCOME, "event_sources.timer_*", _TIMERS, NO_SWITCH, before=(6, 7)),
    Known(
        Subject.COST,
        "slots.overlay_cycle",
        "most of a memslot request on a kernel is waiting for a grace period, which is the same "
        "for both activations; the model's has nobody to wait for",
        MODEL_LIMITS,
        condition=Condition.NEARER,
    ),
    Known(
        Subject.COST,
        "*",
        "on a kernel whole requests are timed: the system call is a part of each, the same for "
        "both activations, and draws the ratio to 1",
        LIVE_COSTS,
        condition=Condition.NEARER,
    ),
)

WORK: Final = frozenset({"slow_sends", "refreshes", "gups", "swaps", "kicks"})
NO_COUNTERS: Final = "a kernel counts none of its refreshes for its VMM"


def explain(
    subject: Subject, name: str, release: Release, holding: Collection[Condition] = ()
) -> Reason | None:
    """Return the known reason for a difference; None: it is an open question.

    name
        Of the case, of the cost, or of the scenario with its metric after a space.
    release
        Of the real kernel; empty where it is not known, and then no release's reason applies.
    """
    for known in KNOWN:
        if known.subject is subject and known.explains(name, release, holding):
            return Reason(known.text, known.source)
    return None


def release_of(kernel: object) -> Release:
    """Return the numbers that a kernel's release begins with; empty if there are none."""
    found = re.match(r"\d{1,4}(?:\.\d{1,4}){1,2}", str(kernel))
    return tuple(int(part) for part in found.group().split(".")) if found else ()
