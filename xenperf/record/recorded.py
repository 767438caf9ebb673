"""A session on disk: written whole after each worker, checked key by key when it is read."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

from xenperf.errors import UsageError
from xenperf.measure.beside import Instructions
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session
from xenperf.record import coherence, layout, untrusted
from xenperf.record.checks import having
from xenperf.record.suite import suite

Plain: TypeAlias = str | int | float | None
SCHEMA: Final = "xenperf/1"
RAW: Final = "raw"
BOOTS: Final = "boots"
"""The key of a file about kernel images (``image_file``)."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Everything that a report is made from, so that it can be made again."""

    session: Session
    environment: Mapping[str, Plain]
    command: str
    kind: str
    about: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    """What the back end could not be asked, by name, and why."""

    begun: str = ""
    """When measuring began, ISO 8601 with the offset from UTC."""

    sources: str = ""
    """The digest of the sources and settings that were measured (``xenperf.digest``)."""

    instructions: Instructions | None = None
    """What was counted beside the times; None where it was not asked for."""

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing is left to be measured."""
        plan, session = self.session.plan, self.session
        is_due = self.instructions is not None and self.instructions.is_due
        return session.cut_short is None and session.nr_finished >= plan.workers and not is_due


def document(recorded: Recorded, report: Mapping[str, object]) -> str:
    """Return the text of a file: *report* as one object, which is a pyperf suite as well.

    report
        The object that ``--format json`` prints, with the keys that ``layout.OURS`` reads again.
    """
    session = recorded.session
    raw = {
        "plan": asdict(session.plan),
        "looks": session.looks,
        "budget_s": session.budget_s,
        "remarks": recorded.remarks,
        "skipped": dict(recorded.skipped),
        "begun": recorded.begun,
        "sources": recorded.sources,
        "workers": session.workers,
    }
    if recorded.instructions is not None:
        raw["instructions"] = asdict(recorded.instructions)
    as_suite = suite(session, recorded.environment, recorded.begun)
    return line_by_line({**report, **as_suite, RAW: raw})


def line_by_line(content: Mapping[str, object]) -> str:
    """Return *content* as one JSON object, a line for each of its keys."""
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in content.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read(path: str | os.PathLike[str]) -> Recorded:
    """Return what the file at *path* recorded; ``UsageError`` says why it cannot be used."""
    return checked(untrusted.load(path), path)


def checked(content: Any, path: str | os.PathLike[str]) -> Recorded:
    """Return the same of what the file holds, whatever that is."""
    if not is_ours(content):
        remedy = "xenperf wrote no such file; compare takes files of pyperf and asv too"
        raise untrusted.refusal(path, "not a recorded run", remedy)
    return recorded_of(content, path)


def is_ours(content: Any) -> bool:
    """Tell whether *content* claims to be a file of xenperf, of whatever version."""
    return isinstance(content, dict) and str(content.get("schema", "")).startswith("xenperf/")


def check_schema(content: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Raise ``UsageError`` for a file of another version of xenperf."""
    if content["schema"] != SCHEMA:
        reason = f"its schema is {content['schema']}, this xenperf knows {SCHEMA}"
        raise untrusted.refusal(path, reason, "read it with the xenperf that wrote it")


def recorded_of(content: Mapping[str, Any], path: str | os.PathLike[str]) -> Recorded:
    """Return what the object *content* of the file at *path* recorded; ``UsageError`` if broken."""
    check_schema(content, path)
    if BOOTS in content:
        remedy = "show it with xenperf report, go on with xenperf resume"
        raise untrusted.refusal(path, "a series of kernel images, not one run", remedy)
    if RAW not in content:
        remedy = "record it with -o FILE.json"
        raise untrusted.refusal(path, "a report alone, without what was measured", remedy)
    with untrusted.refusing(path):
        having(layout.OURS)(content, "")
        plan = _plan_of(content[RAW], path)
        coherence.check(plan, content[RAW])
    return _recorded(plan, content)


def _plan_of(raw: Mapping[str, Any], path: str | os.PathLike[str]) -> Plan:
    try:
        return Plan.from_fields(raw["plan"])
    except UsageError as error:  # its own word on numbers that fit no machine
        raise untrusted.refusal(path, f"raw.plan: {error.thing}: {error.reason}") from None


def _recorded(plan: Plan, content: Mapping[str, Any]) -> Recorded:
    raw = content[RAW]
    counted = raw.get("instructions")
    return Recorded(
        Session(
            plan,
            workers=raw["workers"],
            cut_short=content["cut_short"],
            budget_s=raw["budget_s"],
            looks=raw["looks"],
        ),
        environment=content["environment"],
        command=content["command"],
        kind=content["kind"],
        about=content["about"],
        skipped=raw["skipped"],
        remarks=tuple(raw["remarks"]),
        begun=raw["begun"],
        sources=raw["sources"],
        instructions=None
        if counted is None
        else Instructions(counted["runs"], tuple(counted["counted"]), counted["missing"]),
    )
