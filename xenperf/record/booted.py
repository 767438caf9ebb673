"""What one boot of a kernel brought back: its costs, its counts, its answers, read with care.

The kernel that wrote it is under test, so it is read as a file from anywhere would be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from xenperf.errors import UsageError
from xenperf.record import untrusted
from xenperf.record.checks import flag, having, items, text
from xenperf.record.figures import CountKey, source_of
from xenperf.record.recorded import is_ours, recorded_of
from xenperf.stats.files import Figure

AnswerKey: TypeAlias = tuple[str, str]
"""A case and the activation that it was played by."""

Answer: TypeAlias = tuple[str, bool]
"""What was observed, and whether that is what was expected."""

_CASES: Final = having(
    {"cases": items(having({"id": text, "activation": text, "observed": text, "ok": flag}))}
)


@dataclass(frozen=True, slots=True)
class Booted:
    """One boot, seen from the host."""

    release: str
    manner: str
    """How its VM ran, as it was told there: an emulator may have had to take turns."""

    figures: Mapping[tuple[str, str], Figure]
    """Each cost, by benchmark and activation."""

    counts: Mapping[CountKey, tuple[int, ...]]
    answers: Mapping[AnswerKey, Answer] = field(default_factory=dict)
    run: Any = field(default=None, compare=False, repr=False)
    cases: Any = field(default=None, compare=False, repr=False)
    """The two objects that all of this was taken from, to be kept; None: no cases were played."""


def booted(name: str, run: str, cases: str) -> Booted:
    """Return what a boot of the image *name* brought back.

    run, cases
        What ``run -o FILE.json`` wrote and what ``cases --format json`` printed; *cases* may be
        empty, where they were not played.

    ``UsageError`` where either is not what xenperf writes.
    """
    said = untrusted.parse(cases.encode(), name) if cases.strip() else None
    return taken_from(name, untrusted.parse(run.encode(), name), said)


def taken_from(name: str, run: Any, cases: Any) -> Booted:
    """Return the same of two objects, which may hold anything."""
    if not is_ours(run):
        raise untrusted.refusal(name, "what came back is no recorded run")
    source = source_of(recorded_of(run, name), name)
    if source.cut_short:
        raise UsageError(name, f"the run inside was cut short: {source.cut_short}")
    return Booted(
        release=str(source.environment.get("kernel") or "unknown"),
        manner=str(source.environment.get("booted") or "unknown"),
        figures={figure.key: figure for figure in source.figures},
        counts=source.counts,
        answers={} if cases is None else _answers(name, cases),
        run=run,
        cases=cases,
    )


def _answers(name: str, cases: Any) -> dict[AnswerKey, Answer]:
    with untrusted.refusing(name):
        _CASES(cases, "")
    return {
        (case["id"], case["activation"]): (case["observed"], case["ok"]) for case in cases["cases"]
    }
