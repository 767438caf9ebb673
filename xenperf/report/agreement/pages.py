"""The agreement laid out as a page."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from xenperf.report.agreement import tables, words
from xenperf.report.agreement.model import LIVE, MODEL, Agreement, Difference, Lone, Subject
from xenperf.report.agreement.page import Block, Notes, Page
from xenperf.report.header import described
from xenperf.stats.agreement import RatioAgreement

TITLE: Final = "xenperf report --agreement: the model and a real kernel, asked the same"
NO_DIFFERENCE: Final = "None: no difference was found."
NONE_OPEN: Final = "None: every difference has a known reason."


def page(found: Agreement) -> Page:
    """Return *found* as a page: verdicts first, then tables, and every difference by name."""
    return Page(
        title=TITLE,
        header=tuple(_header(found)),
        verdict=tuple(verdicts(found)),
        blocks=tuple(_blocks(found)),
        command=found.command,
    )


def verdicts(found: Agreement) -> Iterator[tuple[str, str]]:
    """Yield what was compared, and of how much the two say the same."""
    for label, subject, pairs in (
        ("cases", Subject.CASE, found.cases),
        ("costs", Subject.COST, found.costs),
        ("outcomes", Subject.OUTCOME, found.counts),
        ("load", Subject.LOAD, found.phases),
    ):
        if pairs:
            nr_agreeing = sum(pair.agrees for pair in pairs)
            yield label, f"{nr_agreeing} of {len(pairs)} agree{_why(found, subject)}"
    nr_open = len(found.open_questions)
    yield "open", f"{nr_open} open question{'' if nr_open == 1 else 's'}"


def summary(found: Agreement) -> str:
    """Return the verdicts on one line."""
    return "; ".join(f"{label}: {said}" for label, said in verdicts(found))


def _why(found: Agreement, subject: Subject) -> str:
    """Return what became of those that do not agree."""
    counted = Counter(each.reason is not None for each in found.of(subject))
    nr_unknown = sum(pair.found is RatioAgreement.UNKNOWN for pair in found.costs)
    parts = [f"{counted[True]} differ for a known reason"] if counted[True] else []
    parts += [f"{counted[False]} open"] if counted[False] else []
    if nr_unknown and subject is Subject.COST:
        parts.append(f"{nr_unknown} unknown, their intervals have no bounds")
    nr_unsaid = sum(pair.allowed is None for pair in found.phases)
    if nr_unsaid and subject is Subject.LOAD:
        parts.append(f"{nr_unsaid} of which the model's file says nothing")
    return f"; {', '.join(parts)}" if parts else ""


def _header(found: Agreement) -> Iterator[tuple[str, str]]:
    for side in (MODEL, LIVE):
        environment = found.environments[side]
        said = f"Linux {environment.get('kernel') or 'unknown'}, {described(environment)}"
        if side == MODEL and found.modelled:
            said = f"{found.modelled}; on {said}"
        yield side, said
    yield "files", ", ".join(found.files)


def _blocks(found: Agreement) -> Iterator[Block]:
    if found.remarks:
        yield Notes("DISTRUST", found.remarks, is_warning=True)
    yield from tables.tables(found)
    if found.orders:
        yield Notes("ORDER: Spearman's rank correlation, model against live", tuple(_order(found)))
    if found.explained:
        yield Notes("DIFFERENCES with a known reason", tuple(_explained(found.explained)))
    items = [f"{each.name}: model {each.model}, live {each.live}" for each in found.open_questions]
    none = NONE_OPEN if found.differences else NO_DIFFERENCE
    yield Notes("OPEN QUESTIONS", tuple(items or [none]), is_warning=bool(items))
    if found.lone:
        yield Notes("ASKED OF ONE ONLY, or of neither", tuple(_lone(found.lone)))
    yield from tables.in_full(found)


def _order(found: Agreement) -> Iterator[str]:
    for order in found.orders:
        yield f"{order.what}: {words.figure(order)}: {words.meaning(order, found)}"


def _explained(differences: Iterable[Difference]) -> Iterator[str]:
    """Yield each reason once, with every difference that it explains."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for each in differences:
        assert each.reason is not None
        key = each.reason.text, each.reason.source
        by_reason.setdefault(key, []).append(f"{each.name}: model {each.model}, live {each.live}")
    for (text, source), names in by_reason.items():
        yield f"{text} ({source}): {'; '.join(names)}"


def _lone(lone: Iterable[Lone]) -> Iterator[str]:
    """Yield each reason once, with every name; counts of a scenario are many, and numbered."""
    by_reason: dict[tuple[str, str], Counter[str]] = {}
    for each in lone:
        who = {MODEL: "model only", LIVE: "live only"}.get(each.side, "neither")
        is_count = each.subject is Subject.OUTCOME
        name = f"counts of {each.name.partition('.')[0]}" if is_count else each.name
        by_reason.setdefault((who, each.reason), Counter())[name] += 1
    for (who, reason), names in by_reason.items():
        shown = (
            f"{nr} {name}" if name.startswith("counts") else name for name, nr in names.items()
        )
        yield f"{who}: {reason}: {', '.join(shown)}"
