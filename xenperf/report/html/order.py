"""The order of a series: its base, its patches, and which pairs of them were compared."""

from dataclasses import dataclass

from xenperf.report.model import Report
from xenperf.stats.rows import Row


@dataclass(frozen=True, slots=True)
class Series:
    """The order of the patches, and the rows by benchmark, variant and pair."""

    base: str
    patches: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def against_base(self) -> list[tuple[str, str]]:
        """The pairs that compare each patch with the base."""
        return [(self.base, patch) for patch in self.patches]

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The pairs that compare each patch with the one before; empty where none was compared."""
        before = (self.base, *self.patches[:-1])
        pairs = list(zip(before, self.patches, strict=True))
        there = {row.sides for row in self.rows}
        return pairs if any(pair in there for pair in pairs[1:]) else []

    def numbered(self, label: str) -> str:
        """Return the place of *label* in the series: 0 is the base."""
        return str((self.base, *self.patches).index(label))


def series_of(report: Report) -> Series:
    """Return the order in which *report* has its sides."""
    base = report.sides[0][0]
    patches = tuple(dict.fromkeys(head for first, head in report.sides if first == base))
    return Series(base, patches, report.rows)
