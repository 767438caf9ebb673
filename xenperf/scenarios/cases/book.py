"""All cases in their order, and the ways to choose among them."""

import fnmatch
from collections.abc import Sequence
from typing import Final

from xenperf.errors import UsageError
from xenperf.scenarios.cases import (
    attributes,
    devices,
    dirty,
    hypercalls,
    modes,
    notifier,
    sends,
    shadow,
    slots,
    unasked,
    vcpu_infos,
    vectors,
    window,
)
from xenperf.scenarios.cases.case import Case, Unasked

CASES: Final = (
    *attributes.CASES,
    *vcpu_infos.CASES,
    *sends.CASES,
    *shadow.CASES,
    *modes.CASES,
    *slots.CASES,
    *window.CASES,
    *notifier.CASES,
    *dirty.CASES,
    *vectors.CASES,
    *devices.CASES,
    *hypercalls.CASES,
)
UNASKED: Final = unasked.UNASKED


def select(only: Sequence[str]) -> tuple[list[Case], list[Unasked]]:
    """Return what matches a glob of *only*, all if there is none; ``UsageError`` if one is void."""
    names = [each.id for each in (*CASES, *UNASKED)]
    for glob in only:
        if not fnmatch.filter(names, glob):
            raise UsageError(f"case {glob}", "no such name", "xenperf cases shows them all")
    return (
        [case for case in CASES if _is_wanted(case.id, only)],
        [case for case in UNASKED if _is_wanted(case.id, only)],
    )


def _is_wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatchcase(name, glob) for glob in only)
