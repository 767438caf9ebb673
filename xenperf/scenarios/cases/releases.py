"""In which cases releases of Linux differ, since which release, and how that is known.

A case's own expectation is what mainline showed last; the table has what others show instead. A
release is what the running kernel says of itself, which is a hint: a distribution may have taken a
change earlier or left it out. Such a kernel shows something else than is expected here, and that is
then shown as wrong; no case takes either answer.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from xenperf.hypervisor import Activation
from xenperf.scenarios.cases.case import Case, Kernel

USUAL: Final = "usual"
"""The expectation is the case's own."""


class Release(NamedTuple):
    """A release of Linux, as far as its numbers tell."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        shown = f"v{self.major}.{self.minor}"
        return f"{shown}.{self.patch}" if self.patch else shown


class Side(StrEnum):
    """The kernels that a difference is about: those without a change, or those with it."""

    BEFORE = "before"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit changed, and where it is."""

    what: str
    source: str
    """The commit, or how else it is known."""

    mainline: Release | None
    """The first release that has it; None: no mainline release is known to."""

    stable: tuple[Release, ...] = ()
    """For older series, the first release that is known to have it."""

    def is_in(self, release: Release) -> bool:
        """Tell whether *release* has it: by its own series if that is listed, else by mainline."""
        for first in self.stable:
            if first[:2] == release[:2]:
                return release >= first
        return self.mainline is not None and release >= self.mainline

    def first_in(self, release: Release) -> Release | None:
        """Return the release that decides for *release*."""
        series = [first for first in self.stable if first[:2] == release[:2]]
        return series[0] if series else self.mainline


@dataclass(frozen=True, slots=True)
class Difference:
    """What kernels on one side of a change show in one case, instead of the usual."""

    case: str
    side: Side
    change: Change
    by_gpa: str
    by_hva: str | None = None
    """None: kernels on that side have no HVA."""


TIMER: Final = Change(
    what="an expired timer is delivered at once where that can be, and when it is read",
    source='77c9b9dea4fb ("KVM: x86/xen: Use fast path for Xen timer delivery")',
    mainline=Release(6, 7),
)
POLL: Final = Change(
    what="a poll from 32-bit code sleeps; before, it was a yield",
    source='214b0a88c46d ("KVM: x86/xen: add support for 32-bit guests in SCHEDOP_poll")',
    mainline=Release(6, 2),
)
FAR_PORT: Final = Change(
    what="a route may name a port beyond the limit; before, it was refused",
    source="\"KVM: x86/xen: Allow 'out of range' event channel ports in IRQ routing table.\"",
    mainline=Release(6, 16),
    stable=(Release(6, 12, 39), Release(6, 1, 192)),  # in v6.1 maybe earlier: read in 6.1.192
)
ALIGNED: Final = Change(
    what="a vcpu_info that is not 4-byte aligned is refused",
    source="read in the source of 6.12.117",
    mainline=None,
    stable=(Release(6, 12, 117),),
)
CHANGES: Final = (TIMER, POLL, FAR_PORT, ALIGNED)

# what v6.1 shows in cases of timers and polls was read in the source of 6.1.192, and observed there
_NOT_RAISED: Final = "none sel=0x0 up=0"
_RAISED: Final = "66 sel=0x2 up=1"
DIFFERENCES: Final = (
    Difference("timer.51_fresh", Side.BEFORE, TIMER, f"{_NOT_RAISED} set"),
    Difference("timer.46_window_get", Side.BEFORE, TIMER, f"set {_RAISED}"),
    Difference("timer.155_ahead", Side.BEFORE, TIMER, "set none, set none"),
    Difference("timer.169_guest", Side.BEFORE, TIMER, "none none"),
    Difference("poll.65_timeout", Side.BEFORE, POLL, "OK OK OK"),
    Difference("poll.67_limits", Side.BEFORE, POLL, "OK OK"),
    Difference("poll.180_compat", Side.BEFORE, POLL, "OK OK OK"),
    Difference("poll.181_compat_limit", Side.BEFORE, POLL, "OK OK"),
    Difference("poll.77_masked", Side.BEFORE, POLL, "OK OK OK"),
    Difference("poll.162_unmasked", Side.BEFORE, POLL, "OK OK"),
    Difference("poll.166_refreshed", Side.BEFORE, POLL, "OK OK OK"),
    Difference("poll.182_held_up", Side.BEFORE, POLL, "OK at_once OK"),
    Difference("irqfd.79_far_port", Side.BEFORE, FAR_PORT, "EINVAL none", "EINVAL none"),
    Difference("vcpu_info.17_places", Side.SINCE, ALIGNED, "ENXIO OK EINVAL", "ENXIO OK EINVAL"),
)


class Expectation(NamedTuple):
    """What must be observed, and why just that."""

    text: str
    basis: str
    """``usual``, or the release that decides: "before v6.7", "since v6.12.117"."""


def release_of(release: str, version: str = "") -> Release | None:
    """Return which release a kernel is by what ``uname -r`` and ``uname -v`` say; None: unknown.

    Distributions that keep one name for many patch levels, such as 6.1.0-50-amd64, may tell the
    level in the version: that of the same series counts.
    """
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    if not found:
        return None
    told = Release(*(int(number or 0) for number in found.groups()))
    levels = re.findall(rf"\b{told.major}\.{told.minor}\.(\d+)\b", version)
    return told._replace(patch=max(told.patch, *map(int, levels))) if levels else told


def expectation(
    case: Case, kernel: Kernel, activation: Activation, release: Release | None
) -> Expectation | None:
    """Return what *case* must show on a kernel of *release*; None: nothing is asked.

    Without a *release*, as for the model, it is the case's own expectation.
    """
    usual = case.expected(kernel, activation)
    if usual is None:
        return None
    for difference in DIFFERENCES:
        if release is not None and difference.case == case.id:
            found = _instead(difference, activation, release)
            if found is not None:
                return found
    return Expectation(usual, USUAL)


def _instead(
    difference: Difference, activation: Activation, release: Release
) -> Expectation | None:
    """Return what *difference* makes of the expectation; None where *release* is usual."""
    change = difference.change
    if change.is_in(release) != (difference.side is Side.SINCE):
        return None
    text = difference.by_gpa if activation is Activation.GPA else difference.by_hva
    if text is None:
        return None
    return Expectation(text, f"{difference.side} {change.first_in(release)}")
