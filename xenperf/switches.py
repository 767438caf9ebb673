"""The patches that this copy of the model is built with: names, decided before it is imported.

``model.patches`` says what each one switches. Whoever loads a copy of the package may store other
names here first (``copies``); afterwards they are compiled in and nobody changes them.
"""

from collections.abc import Iterable
from typing import Final

MERGED: Final = (
    "dirty-under-lock",
    "offset-in-uhva",
    "hva-activation",
    "content-loop",
    "clock-on-mode",
    "shinfo-hva",
    "vcpu-info-hva",
    "read-lock-first",
    "vcpu-info-copied",
    "activate-locked",
    "no-xen-lock",
)
"""What Linux v6.9 has and the kernel before the series had not, in the order of the series."""

PATCHES: frozenset[str] = frozenset(MERGED)


def as_text(names: Iterable[str]) -> str:
    """Return *names* as one text that does not depend on their order."""
    return ",".join(sorted(names))
