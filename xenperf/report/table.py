"""Columns of text that never run wider than the page; what does not fit goes on below."""

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 100
GAP: Final = "  "
NARROWEST: Final = 8


def _unpainted(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is set."""

    title: str
    right: bool = False
    wraps: bool = False
    """May be made narrower, its cells then taking several lines."""

    paint: Callable[[str], str] = _unpainted
    """Adds what takes no room, such as colour."""


def lay_out(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int = WIDTH
) -> list[str]:
    """Return the lines of the table, titles first, none wider than *width*."""
    titles = [column.title for column in columns]
    widths = _widths(columns, [titles, *rows], width)
    plain = [Column(c.title, c.right, c.wraps) for c in columns]
    lines = _row_lines(plain, titles, widths)
    for row in rows:
        lines += _row_lines(columns, row, widths)
    return lines


def paragraph(label: str, text: str, indent: int, width: int = WIDTH) -> list[str]:
    """Return *text* after *label*, wrapped, every line but the first indented by *indent*."""
    first = label.ljust(indent)
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the natural widths, the widest of those that may wrap cut until all fit."""
    widths = [max(len(row[idx]) for row in rows) for idx in range(len(columns))]
    excess = sum(widths) + len(GAP) * (len(columns) - 1) - width
    shrinkable = [idx for idx, column in enumerate(columns) if column.wraps]
    while excess > 0 and shrinkable:
        widest = max(shrinkable, key=widths.__getitem__)
        if widths[widest] <= NARROWEST:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _row_lines(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Return one row; its cells start on the same line."""
    cells = [
        _wrapped(cell, width) if column.wraps else [cell]
        for column, cell, width in zip(columns, row, widths, strict=True)
    ]
    return [
        GAP.join(
            _set(column, cell[line] if line < len(cell) else "", width)
            for column, cell, width in zip(columns, cells, widths, strict=True)
        ).rstrip()
        for line in range(max(map(len, cells)))
    ]


def _wrapped(cell: str, width: int) -> list[str]:
    """Return *cell* as lines; a name that is too long for one goes on after a dot or underscore."""
    words = [part for word in cell.split() for part in _parted(word, width)]
    lines = [""]
    for word, follows_space in words:
        joined = f"{lines[-1]}{' ' if follows_space and lines[-1] else ''}{word}"
        if len(joined) <= width or not lines[-1]:
            lines[-1] = joined
        else:
            lines.append(word)
    return [part for line in lines for part in textwrap.wrap(line, width) or [""]]


def _parted(word: str, width: int) -> list[tuple[str, bool]]:
    """Return *word* in the parts that it may be broken into, and whether a space comes before."""
    parts = re.split(r"(?<=[._/])(?=.)", word) if len(word) > width else [word]
    return [(part, idx == 0) for idx, part in enumerate(parts)]


def _set(column: Column, text: str, width: int) -> str:
    padding = " " * (width - len(text))
    painted = column.paint(text) if text else text
    return padding + painted if column.right else painted + padding
