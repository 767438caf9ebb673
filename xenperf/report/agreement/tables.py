"""The tables of the agreement."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from xenperf.report.agreement.costs import in_activations, shown
from xenperf.report.agreement.model import (
    LIVE,
    MODEL,
    Agreement,
    CasePair,
    CostPair,
    CountPair,
    LoadPair,
)
from xenperf.report.agreement.page import Block, Notes, Table
from xenperf.report.figures import figures
from xenperf.report.load_model import ALL
from xenperf.report.table import Column
from xenperf.stats.samples import INSTRUCTIONS

Cells: TypeAlias = tuple[tuple[str, ...], ...]
UNSAID: Final = "-"
"""Of a phase that the model says nothing about."""

RATIOS: Final = ("model hva/gpa", "live hva/gpa")
_WHAT: Final = ("cost", *RATIOS, "agree")
SIDES: Final = (MODEL, LIVE)
NS: Final = "ns"
INSTR: Final = "instr"
TIMES: Final = tuple(f"{who} {unit}" for who in SIDES for unit in (NS, INSTR))
"""What columns of times or of instructions may be called."""

_EVENTS: Final = ("events", "failed", "share", "unexpected")


def tables(found: Agreement) -> Iterator[Block]:
    """Yield a table for each subject that was compared, counted where there are many."""
    if found.cases:
        subjects = [(pair.id.partition(".")[0], pair.agrees) for pair in found.cases]
        yield _counted("CASES: both showed the same, to the letter", "subject", subjects)
    yield from _costs(found.costs)
    if found.counts:
        scenarios = [(pair.scenario, pair.agrees) for pair in found.counts]
        yield _counted("OUTCOMES: exact counts, by GPA and by HVA", "scenario", scenarios)
    totals = [pair for pair in found.loads if pair.row.phase == ALL]
    if totals:
        title = (
            "LOAD, on the real kernel alone: the share that failed is up to timing; unexpected are "
            "events with a fate that the model does not have in their phase"
        )
        columns = (Column("source"), Column("by"), *(Column(name, right=True) for name in _EVENTS))
        yield Table(title, columns, tuple(_total(pair, found.loads) for pair in totals))


def in_full(found: Agreement) -> Iterator[Table]:
    """Yield every case, every count and every phase under load."""
    if found.cases:
        titles = ("case", "by", "expected", "model", "live", "agree")
        yield _wrapping("Every case", titles, tuple(map(_case, found.cases)))
    if found.counts:
        what = ("scenario", "metric", "unit", "by", "model", "live", "agree")
        yield _wrapping("Every count", what, tuple(map(_count, found.counts)))
    if found.phases:
        where = ("source", "by", "raised in", "events", "failed", "the model has", "agree")
        yield _wrapping("Every phase under load", where, tuple(map(_phase, found.phases)))


def _case(pair: CasePair) -> tuple[str, ...]:
    said = _said(pair.agrees)
    return pair.id, pair.activation, pair.expected, pair.model, pair.live, said


def _count(pair: CountPair) -> tuple[str, ...]:
    values = str(pair.model), str(pair.live), _said(pair.agrees)
    return pair.benchmark, pair.metric, pair.unit, pair.activation, *values


def _counted(title: str, first: str, said: Sequence[tuple[str, bool]]) -> Table:
    """Return a line for each group, and one for all."""
    groups: dict[str, list[bool]] = {}
    for name, agrees in (*said, *((ALL, agrees) for _, agrees in said)):
        groups.setdefault(name, []).append(agrees)
    columns = (Column(first), *(Column(name, right=True) for name in ("asked", "agree", "differ")))
    cells = tuple(
        (name, str(len(found)), str(sum(found)), str(len(found) - sum(found)))
        for name, found in groups.items()
    )
    return Table(title, columns, cells)


def _costs(pairs: Sequence[CostPair]) -> Iterator[Block]:
    if not pairs:
        return
    title = "COSTS: ratios with their intervals, and the cost by GPA; whole requests on live"
    costs = zip(SIDES, (pairs[0].model, pairs[0].live), strict=True)
    figure = [f"{who} {INSTR if row.metric == INSTRUCTIONS else NS}" for who, row in costs]
    columns = (
        *(Column(name, wraps=name in RATIOS) for name in _WHAT),
        *(Column(name, right=True) for name in figure),
    )
    cells = tuple(
        (
            *(pair.model.benchmark, shown(pair.model), shown(pair.live), str(pair.found)),
            *(figures(row).base for row in (pair.model, pair.live)),
        )
        for pair in pairs
    )
    yield Table(title, columns, cells)
    items = tuple(
        f"by {side.upper()}: {on_model:.3g} on the model, {on_live:.3g} live"
        for side, (on_model, on_live) in in_activations(pairs).items()
    )
    if items:
        yield Notes(
            "A MEMSLOT REQUEST and the send after it cost as much as so many shinfo.activate_again",
            items,
        )


def _total(pair: LoadPair, pairs: Sequence[LoadPair]) -> tuple[str, ...]:
    """Return the line of a source and an activation; its phases say what is unexpected."""
    row = pair.row
    mine = [
        each
        for each in pairs
        if (each.row.source, each.row.activation) == (row.source, row.activation)
    ]
    phases = [each for each in mine if each.row.phase != ALL]
    says = [each.nr_unexpected for each in phases if each.allowed is not None]
    share = f"{row.nr_failed / row.nr_events:.3f} [{pair.share.low:.3f}, {pair.share.high:.3f}]"
    unexpected = str(sum(says)) if says else UNSAID
    return (
        *(row.source, row.activation, str(row.nr_events), str(row.nr_failed)),
        *(share, unexpected),
    )


def _phase(pair: LoadPair) -> tuple[str, ...]:
    row = pair.row
    has = UNSAID if pair.allowed is None else " or ".join(pair.allowed)
    said = UNSAID if pair.allowed is None else _said(pair.agrees)
    figures_of = str(row.nr_events), str(row.nr_failed)
    return row.source, row.activation, row.phase, *figures_of, has, said


def _wrapping(title: str, titles: Sequence[str], cells: Cells) -> Table:
    return Table(title, tuple(Column(name, wraps=True) for name in titles), cells, in_full=True)


def _said(agrees: bool) -> str:
    return "yes" if agrees else "NO"
