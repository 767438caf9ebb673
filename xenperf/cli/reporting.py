"""From what was measured to what is reported: the bridge between ``measure`` and ``report``."""

from collections.abc import Mapping
from typing import Any

from xenperf.measure import trust
from xenperf.measure.samples import per_operation, said_of
from xenperf.measure.session import Session
from xenperf.report.model import Grade, Kind, Plain, Report, RowKey, Setting, WorkerSlices
from xenperf.stats.samples import WALL_TIME


def report_of(
    session: Session,
    *,
    environment: Mapping[str, Plain],
    settings: Mapping[str, Setting],
    command: str,
    kind: Kind = Kind.RUN,
    about: Mapping[str, str] | None = None,
    remarks: tuple[str, ...] = (),
    grade: Grade = Grade.ONE_PROCESS,
) -> Report:
    """Return the report of *session*, judged, with every slice that was taken."""
    return Report(
        rows=tuple(session.rows()),
        backend=session.plan.backend,
        environment=environment,
        settings=settings,
        command=command,
        nr_finished=session.nr_finished,
        cut_short=session.cut_short,
        kind=kind,
        about=about or {},
        seconds=session.seconds,
        slices=slices(session),
        remarks=(*remarks, *trust.remarks(session.workers)),
        grade=grade,
    )


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
        )
        found[key] = (*found.get(key, ()), taken)
    return found


def _base_first(message: Mapping[str, Any], pair: tuple[str, str]) -> bool:
    """Tell who of *pair* opened the first round: the sides follow each other from the start on."""
    labels = [label for label, taken in message["sides"].items() if taken is not None]
    turned = labels[message["start"] :] + labels[: message["start"]]
    return turned.index(pair[0]) < turned.index(pair[1])
