"""The order of a series: its base, its patches, and where a row has its place among them."""

from collections.abc import Mapping
from dataclasses import dataclass

from xenperf.report.model import Report
from xenperf.stats.rows import Row


@dataclass(frozen=True, slots=True)
class Series:
    """The order of the patches, and what each variant is compared with."""

    base: str
    patches: tuple[str, ...]
    bases: Mapping[str, str]
    """By variant: the first that has it. By HVA that may be a patch, and not the base."""

    rows: tuple[Row, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The base and the patches; a label's index is its number."""
        return (self.base, *self.patches)

    def against_base(self, row: Row) -> str | None:
        """Return the patch that *row* compares with the base of its variant; None if none."""
        return row.sides[1] if row.sides[0] == self.bases.get(row.variant) else None

    def against_previous(self, row: Row) -> str | None:
        """Return the patch that *row* compares with the one before; None if it does not."""
        there = row.variant in self.bases and set(row.sides) <= set(self.labels)
        if there and self.number(row.sides[1]) == self.number(row.sides[0]) + 1:
            return row.sides[1]
        return None

    @property
    def has_steps(self) -> bool:
        """Tell whether patches were compared with the ones before them."""
        return any(self.against_previous(r) and not self.against_base(r) for r in self.rows)

    def elsewhere(self) -> list[Row]:
        """Return the rows whose sides are no patches: what the whole series buys."""
        return [r for r in self.rows if r.variant not in self.bases and not r.is_control]

    def number(self, label: str) -> int:
        """Return the place of *label* in the series: 0 is the base."""
        return self.labels.index(label)


def series_of(report: Report) -> Series:
    """Return the order in which *report* has its sides."""
    base = report.sides[0][0]
    patches = tuple(dict.fromkeys(head for first, head in report.sides if first == base))
    bases: dict[str, str] = {}
    for row in report.rows:
        if not row.is_control and row.sides[0] in (base, *patches):
            bases.setdefault(row.variant, row.sides[0])
    return Series(base, patches, bases, report.rows)
