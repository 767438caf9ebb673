"""From what was measured to what is reported: the bridge between ``measure`` and ``report``."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from xenperf.backends import LIVE
from xenperf.cli.request import common_settings, settings, sweep_settings
from xenperf.measure import callgrind, curves, trust
from xenperf.measure.beside import Instructions, filled, uncounted
from xenperf.measure.moves import moved_in, moves
from xenperf.measure.samples import per_operation, said_of
from xenperf.measure.session import Session
from xenperf.record.image_file import ImageSeries
from xenperf.record.images import changes_of, rows_of
from xenperf.record.recorded import Recorded
from xenperf.record.saved import Saved
from xenperf.report.model import (
    EVERY_COST,
    Grade,
    Kind,
    Report,
    RowKey,
    Setting,
    WorkerSlices,
)
from xenperf.stats.paired import round_log_ratios
from xenperf.stats.power import Detectable, detectable
from xenperf.stats.rows import Row
from xenperf.stats.samples import WALL_TIME

_SETTINGS: Final = {Kind.RUN: settings, Kind.SWEEP: sweep_settings}


def report_of(saved: Saved) -> Report:
    """Return the report of what was *saved*, judged anew, with every slice that was taken."""
    return _of_images(saved) if isinstance(saved, ImageSeries) else _of_session(saved)


def _of_session(recorded: Recorded) -> Report:
    session, plan = recorded.session, recorded.session.plan
    kind = Kind(recorded.kind)
    found, is_sweep = recorded.instructions, kind is Kind.SWEEP
    rows = curves.rows(session) if is_sweep else session.rows()
    taken = {} if is_sweep else slices(session)
    return Report(
        rows=tuple(rows if found is None else filled(rows, found)),
        backend=plan.backend,
        environment=recorded.environment,
        settings={
            **_SETTINGS.get(kind, common_settings)(plan),
            **({} if found is None else counting_settings(found)),
        },
        command=recorded.command,
        nr_finished=session.nr_finished,
        cut_short=session.cut_short,
        kind=kind,
        about=recorded.about,
        skipped=recorded.skipped,
        seconds=session.seconds,
        slices=taken,
        noise=noise(taken, rows) if kind is Kind.SELFCHECK else {},
        moved=moves(session.workers),
        growth=curves.growth(session) if is_sweep else (),
        uncounted={} if found is None else why_uncounted(found),
        remarks=(*recorded.remarks, *(() if plan.counts else trust.remarks(session.workers))),
        grade=Grade.OWN_PROCESSES if plan.apart else Grade.ONE_PROCESS,
    )


def _of_images(series: ImageSeries) -> Report:
    return Report(
        rows=tuple(rows_of(series.boots)),
        backend=LIVE,
        environment=series.environment,
        settings=series.settings,
        command=series.command,
        nr_finished=series.nr_boots,
        cut_short=series.cut_short,
        kind=Kind.SERIES,
        grade=Grade.OWN_PROCESSES,
        about=series.about,
        remarks=series.remarks,
        answers=tuple(changes_of(series.boots)),
    )


def counting_settings(found: Instructions) -> dict[str, Setting]:
    """Return how instructions were counted."""
    return {"instruction_runs": found.runs, "instruction_cpu": callgrind.CPU_NAME}


def why_uncounted(found: Instructions) -> dict[str, str]:
    """Return why costs lack their instructions, by name."""
    return uncounted(found) if found.missing is None else {EVERY_COST: found.missing}


def slices(session: Session) -> dict[RowKey, tuple[WorkerSlices, ...]]:
    """Return the slices of every cost that both of its sides have, worker by worker."""
    found: dict[RowKey, tuple[WorkerSlices, ...]] = {}
    for begin, message, pair in said_of(session.plan, session.workers):
        clock = "wall_ns" if message["metric"] == WALL_TIME else "cpu_ns"
        base, head = (per_operation(message, label, clock) for label in pair)
        if base is None or head is None:
            continue
        key = message["name"], message["variant"], pair
        taken = WorkerSlices(
            base_ns=base,
            head_ns=head,
            base_first=_base_first(message, pair),
            load_1min=begin["conditions"]["load_1min"],
            seconds=begin["at"],
            nr_moved=sum(sum(moved_in(message["sides"][label])) for label in pair),
        )
        found[key] = (*found.get(key, ()), taken)
    return found


def noise(
    taken: Mapping[RowKey, Sequence[WorkerSlices]], rows: Sequence[Row]
) -> dict[RowKey, Detectable]:
    """Return what a build against itself says about each benchmark of *rows*."""
    nr_rows = max(1, sum(row.ratio is not None for row in rows))
    return {
        key: detectable([round_log_ratios(w.base_ns, w.head_ns) for w in workers], nr_rows)
        for key, workers in taken.items()
    }


def _base_first(message: Mapping[str, Any], pair: tuple[str, str]) -> bool:
    """Tell who of *pair* opened the first round: the sides follow each other from the start on."""
    labels = [label for label, taken in message["sides"].items() if taken is not None]
    turned = labels[message["start"] :] + labels[: message["start"]]
    return turned.index(pair[0]) < turned.index(pair[1])
