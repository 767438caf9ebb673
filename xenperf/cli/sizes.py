"""The sizes that a sweep goes through, as they are typed: whole numbers with commas between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from xenperf.errors import UsageError
from xenperf.measure.cells import shapes
from xenperf.vmm.machine import Shape

SLOTS: Final = (1, 8, 64, 512, 1024, 8192)
VCPUS: Final = (1, 4, 16, 64)
_SHOWN: Final = 20
_DIGITS: Final = 18  # no machine has more, and no message should show more


def parse(name: str, text: str) -> tuple[int, ...]:
    """Return the sizes in *text*, rising; ``UsageError`` for what is no number, or there twice."""
    found: list[int] = []
    for word in (part.strip() for part in text.split(",")):
        if not (word.isascii() and word.isdecimal() and len(word) <= _DIGITS):
            shown = word if len(word) <= _SHOWN else f"{word[:_SHOWN]}..."
            reason = f"{shown or 'nothing'} between commas is no size"
            raise UsageError(f"--{name}", reason, "give whole numbers, such as 1,8,64")
        if int(word) in found:
            raise UsageError(f"--{name}", f"{word} is there twice", "give each size once")
        found.append(int(word))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Grid:
    """The sizes asked for: text of each axis, None where nothing was said."""

    slots: str | None
    vcpus: str | None
    full: bool

    def sizes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the sizes of both axes.

        With neither given both are swept; with one given, the other stays at its usual size.
        """
        usual = Shape()
        slots = parse("slots", self.slots) if self.slots is not None else SLOTS
        vcpus = parse("vcpus", self.vcpus) if self.vcpus is not None else VCPUS
        if not self.full and self.slots is None and self.vcpus is not None:
            slots = (usual.nr_slots,)
        if not self.full and self.vcpus is None and self.slots is not None:
            vcpus = (usual.nr_vcpus,)
        return slots, vcpus

    def machines(self, usual: Shape) -> list[Shape]:
        """Return the machine of each cell; ``UsageError`` where there is nothing to compare.

        An axis of a single size stays there while the other one is swept.
        """
        slots, vcpus = self.sizes()
        there = replace(
            usual,
            nr_slots=slots[0] if len(slots) == 1 else usual.nr_slots,
            nr_vcpus=vcpus[0] if len(vcpus) == 1 else usual.nr_vcpus,
        )
        found = shapes(_swept(slots), _swept(vcpus), there)
        if self.full:
            found = shapes(slots, vcpus, usual, full=True)
        if len(found) < 2:
            remedy = "give two sizes of slots or of vcpus, or use xenperf run"
            raise UsageError("sweep", "one cell has nothing to be compared with", remedy)
        return found


def _swept(sizes: Sequence[int]) -> Sequence[int]:
    return sizes if len(sizes) > 1 else ()
