"""Cases of memslot requests by themselves: their answers and their swaps."""

from dataclasses import replace
from typing import Final

from xenperf.abi.kvm import MemslotFlag
from xenperf.hypervisor import Feature, MemoryRegion
from xenperf.scenarios.cases.case import FILLED, Case, Source, same
from xenperf.scenarios.cases.stage import Stage
from xenperf.scenarios.cases.starts import ACTIVE, JOINED_BY_ONE, LAID
from xenperf.units import PAGE_SIZE, Gpa, Hva
from xenperf.vmm.machine import without
from xenperf.vmm.overlay import break_apart, regions, rejoin

COUNTERS: Final = frozenset({Feature.COUNTERS})


def _answers(stage: Stage) -> str:
    filler = stage.filler
    absent = without(filler)
    moved = replace(filler, gpa=Gpa(filler.gpa + 16 * PAGE_SIZE))
    wrong = (
        replace(filler, gpa=stage.machine.overlay().gpa),
        replace(filler, nr_bytes=2 * PAGE_SIZE),
        replace(filler, hva=Hva(filler.hva + PAGE_SIZE)),
        replace(filler, flags=MemslotFlag.READONLY),
        replace(filler, gpa=Gpa(filler.gpa + 1)),
        replace(filler, hva=Hva(filler.hva + 1)),
        replace(filler, nr_bytes=PAGE_SIZE - 1),
    )
    return f"{stage.request(*wrong)}, {stage.request(filler, moved, absent, absent)}"


def _nothing_behind(stage: Stage) -> str:
    """Create a slot where the VMM has nothing mapped."""
    stage.delete(stage.machine.overlay())
    stage.host.unmap_pages(stage.overlay)
    created = stage.request(stage.machine.overlay())
    refused = stage.shinfo()
    stage.host.replace_pages(stage.overlay)
    return f"{created} {refused} {stage.send(66)}"


def _rise(stage: Stage, requests: list[MemoryRegion]) -> int:
    before = stage.host.counters()["generation"]
    stage.host.set_memory_regions(requests)
    return stage.host.counters()["generation"] - before


def _generation(stage: Stage) -> str:
    apart = _rise(stage, regions(break_apart(stage.machine)))
    return f"+{apart} +{_rise(stage, regions(rejoin(stage.machine)))}"


def _each_generation(stage: Stage) -> str:
    filler = stage.filler
    logging = replace(filler, flags=MemslotFlag.LOG_DIRTY_PAGES)
    moved = replace(logging, gpa=Gpa(filler.gpa + 16 * PAGE_SIZE))
    requests = (filler, logging, moved, without(filler), filler)
    return " ".join(f"+{_rise(stage, [request])}" for request in requests)


def _unrelated(stage: Stage) -> str:
    return stage.sends_along([without(stage.filler), stage.filler])


def _logging(stage: Stage) -> str:
    logging = replace(stage.filler, flags=MemslotFlag.LOG_DIRTY_PAGES)
    return stage.sends_along([logging, stage.filler])


def _slow_sends(stage: Stage) -> str:
    """Count sends that leave the fast path after a change: the first, the second."""
    stage.delete(stage.filler)
    counts = [stage.host.counters()["nr_slow_sends"]]
    for port in (66, 67):
        stage.send(port)
        counts.append(stage.host.counters()["nr_slow_sends"])
    return f"{counts[1] - counts[0]} {counts[2] - counts[1]}"


CASES: Final = (
    Case(
        *("slots.80_answers", LAID, "over, resize, HVA, ro, odd x3, same, move, delete x2"),
        *(_answers, *same("EEXIST EINVAL EINVAL EINVAL EINVAL EINVAL EINVAL, OK OK OK EINVAL")),
        shape=FILLED,
    ),
    Case(
        *("slots.168_nothing_behind", LAID, "page unmapped, slot, activate; page, send"),
        *(_nothing_behind, *same("OK EFAULT OK")),
    ),
    Case(
        *("slots.84_generation", JOINED_BY_ONE, "break apart; rejoin", _generation),
        *same("+10 +14"),
        source=Source.READ,
        needs=COUNTERS,
    ),
    Case(
        *("slots.138_each_generation", LAID, "same, log, move, delete, create"),
        *(_each_generation, *same("+0 +2 +4 +4 +2")),
        source=Source.READ,
        shape=FILLED,
        needs=COUNTERS,
    ),
    Case(
        *("slots.39_unrelated", ACTIVE, "a slot elsewhere deleted, added, each with a send"),
        *(_unrelated, *same("oo")),
        shape=FILLED,
    ),
    Case(
        *("slots.40_dirty_log", ACTIVE, "a slot elsewhere logs, stops, each with a send"),
        *(_logging, *same("oo")),
        shape=FILLED,
    ),
    Case(
        *("slots.139_slow_sends", ACTIVE, "delete a slot elsewhere; send, send: slow?"),
        *(_slow_sends, "1 0", "0 0"),
        shape=FILLED,
        needs=COUNTERS,
        source=Source.READ,
    ),
)
