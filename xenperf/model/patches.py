"""The patches between two kernels, and which of them this copy of the model is built with.

Each switch is a constant of this module, so that the compiler drops what it turns off: a patch that
is not there costs nothing. Commits by which no answer and no step of the model changes (helpers,
exports, selftests, the capability's flag, a4bff3df5147) have no switch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from xenperf import switches
from xenperf.errors import UsageError

GPA_ONLY, GPA_HVA, ATOMIC = "gpa-only", "gpa-hva", "atomic"


@dataclass(frozen=True, slots=True)
class Patch:
    """One change of KVM's behaviour."""

    name: str
    commits: tuple[str, ...]
    """The first 12 digits of each; none where it is not known, or for a wish."""

    subject: str
    switches: str
    path: str
    """The paths that take other steps because of it."""

    needs: tuple[str, ...] = ()
    is_hypothetical: bool = False


_SERIES: Final = (
    Patch(
        "dirty-under-lock",
        ("4438355ec6e1", "78b74638eb6d"),
        "mark dirty under lock",
        "vcpu_info is marked dirty before its cache is unlocked, so that gpa and memslot agree",
        "merge, clock update",
    ),
    Patch(
        "offset-in-uhva",
        ("53e63e953e14", "406c10962a4c"),
        "offset kept in uhva",
        "the check takes the offset in the page from uhva, not from gpa",
        "check, refresh",
    ),
    Patch(
        "hva-activation",
        ("721f5b0dda78",),
        "HVA activation",
        "a gpa of all-ones means that uhva was given: no memslot, no generation; a refresh without "
        "any address warns; an inactive cache keeps its translation",
        "check, refresh, activate",
        needs=("offset-in-uhva",),
    ),
    Patch(
        "content-loop",
        ("c01c55a34f28",),
        "split cache set-up from content set-up",
        "the content step checks in full and refreshes, where it looked at valid and re-activated",
        "activation of shared_info",
    ),
    Patch(
        "clock-on-mode",
        (),
        "re-initialize shared_info if mode is set",
        "setting the long mode rewrites the wall clock at its new place",
        "long-mode switch",
        needs=("content-loop",),
    ),
    Patch(
        "shinfo-hva",
        ("b9220d32799a",),
        "attribute 6",
        "shared_info may be activated by HVA; else -ENOENT",
        "activation, sends during memslot changes",
        needs=("hva-activation",),
    ),
    Patch(
        "vcpu-info-hva",
        ("3991f35805d0",),
        "attribute 9",
        "vcpu_info may be activated by HVA; else -ENOENT",
        "selector write, merge, has_interrupt",
        needs=("hva-activation",),
    ),
    Patch(
        "read-lock-first",
        ("9fa336e343b2",),
        "test under read lock first",
        "the notifier write-locks only the caches it hits",
        "invalidate",
    ),
    Patch(
        "vcpu-info-copied",
        ("003d914220c9",),
        "vcpu_info safely copied",
        "a send to a vCPU whose vcpu_info is off goes to the shadow selector; else -EINVAL",
        "send",
    ),
    Patch(
        "activate-locked",
        ("6addfcf27139",),
        "refresh_lock covers activate/deactivate",
        "activation and deactivation exclude a refresh from their first step to their last",
        "activate, deactivate",
    ),
    Patch(
        "no-xen-lock",
        ("7a36d680658b",),
        "no xen_lock in set_evtchn",
        "the slow path of a send no longer takes xen_lock",
        "slow send",
    ),
)
_WISH: Final = Patch(
    "atomic-overlay",
    (),
    "atomic overlay update",
    "several memslot requests may be made in one publish; else -ENOSYS",
    "memslot updates",
    is_hypothetical=True,
)
PATCHES: Final = {patch.name: patch for patch in (*_SERIES, _WISH)}
KERNELS: Final = {
    GPA_ONLY: frozenset[str](),
    GPA_HVA: frozenset(switches.MERGED),
    ATOMIC: frozenset((*switches.MERGED, "atomic-overlay")),
}
"""Before the series, as merged in v6.9, and with what is only wished for."""

CHOSEN: Final = switches.PATCHES
DIRTY_UNDER_LOCK: Final = "dirty-under-lock" in CHOSEN
OFFSET_IN_UHVA: Final = "offset-in-uhva" in CHOSEN
HVA_ACTIVATION: Final = "hva-activation" in CHOSEN
CONTENT_LOOP: Final = "content-loop" in CHOSEN
CLOCK_ON_MODE: Final = "clock-on-mode" in CHOSEN
SHINFO_HVA: Final = "shinfo-hva" in CHOSEN
VCPU_INFO_HVA: Final = "vcpu-info-hva" in CHOSEN
READ_LOCK_FIRST: Final = "read-lock-first" in CHOSEN
VCPU_INFO_COPIED: Final = "vcpu-info-copied" in CHOSEN
ACTIVATE_LOCKED: Final = "activate-locked" in CHOSEN
NO_XEN_LOCK: Final = "no-xen-lock" in CHOSEN
ATOMIC_OVERLAY: Final = "atomic-overlay" in CHOSEN


def choose(kernel: str, added: Iterable[str] = (), removed: Iterable[str] = ()) -> frozenset[str]:
    """Return the patches of *kernel* with some more and some less; ``UsageError`` if impossible."""
    if kernel not in KERNELS:
        raise UsageError(f"kernel {kernel}", "unknown", f"choose one of {', '.join(KERNELS)}")
    more, less = frozenset(added), frozenset(removed)
    check(more | less, alone=True)
    if more & less:
        both = min(more & less)
        raise UsageError(f"patch {both}", "both with and without it", "give one of the two")
    names = (KERNELS[kernel] | more) - less
    check(names)
    return names


def check(names: Iterable[str], *, alone: bool = False) -> None:
    """Raise ``UsageError`` for a patch that is unknown or, unless *alone*, lacks what it needs."""
    wanted = frozenset(names)
    for name in sorted(wanted):
        if name not in PATCHES:
            raise UsageError(f"patch {name}", "unknown", f"there are {', '.join(PATCHES)}")
    for name in () if alone else sorted(wanted):
        for needed in PATCHES[name].needs:
            if needed not in wanted:
                raise UsageError(
                    f"patch {name}", f"needs {needed}", f"add {needed} or leave {name} out"
                )


def describe(names: Iterable[str]) -> str:
    """Return the kernel nearest to *names*, by name, and the patches that make the difference."""
    wanted = frozenset(names)
    kernel = min(KERNELS, key=lambda name: len(KERNELS[name] ^ wanted))
    more = [name for name in PATCHES if name in wanted - KERNELS[kernel]]
    less = [name for name in PATCHES if name in KERNELS[kernel] - wanted]
    words = [kernel]
    words += [f"with {', '.join(more)}"] if more else []
    words += [f"without {', '.join(less)}"] if less else []
    return " ".join(words)


check(CHOSEN)
