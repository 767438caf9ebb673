"""The agreement as a page: a title, lines with labels, tables and lists, whatever their form."""

from dataclasses import dataclass
from typing import TypeAlias

from xenperf.report.table import Column


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under titles."""

    title: str
    columns: tuple[Column, ...]
    cells: tuple[tuple[str, ...], ...]
    in_full: bool = False
    """Long, and for a closer look: forms that cannot fold it away leave it out."""


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences under a title."""

    title: str
    items: tuple[str, ...]
    is_warning: bool = False


Block: TypeAlias = Table | Notes


@dataclass(frozen=True, slots=True)
class Page:
    """Everything there is to show, in its order."""

    title: str
    header: tuple[tuple[str, str], ...]
    verdict: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    command: str
