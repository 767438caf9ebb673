"""Instructions counted beside the times: the same benchmarks, sides and revisions, in one report.

What has been timed is counted afterwards, build by build, so that nothing disturbs the clock.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from xenperf.hypervisor import Activation
from xenperf.measure import instructions
from xenperf.measure.count_plan import CountPlan, Pair
from xenperf.measure.count_process import Step
from xenperf.measure.instructions import Counts
from xenperf.measure.session import Session
from xenperf.measure.sides import Build, Comparison, Side
from xenperf.stats.instructions import Tally
from xenperf.stats.rows import Row

Message = Mapping[str, Any]
NOT_YET: Final = "stopped before its end"
NOTHING: Final = "no cost was timed"
SideKey: TypeAlias = tuple[str, str, str]
"""Benchmark, variant and label."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """What was counted of a session, or why nothing was."""

    runs: int
    """Processes that count each build."""

    counted: tuple[Message, ...] = ()
    """For each cost timed its ``name``, ``comparison`` and ``variant``, and in ``sides`` what each
    run found, in instructions an operation, by label; ``invalid`` says why there is nothing.
    """

    missing: str | None = NOT_YET
    """Why nothing was counted; None when all was."""

    @property
    def is_due(self) -> bool:
        """Tell whether counting is still to be done."""
        return self.missing == NOT_YET


def count(
    session: Session, asked: Instructions, listen: Callable[[Step], None] = lambda step: None
) -> Instructions:
    """Count all that *session* timed, but for the base against itself.

    ``UnavailableError`` where this machine cannot; ``MeasurementError`` with a dead worker's last
    words.
    """
    timed = list(_timed(session))
    wanted: dict[Build, dict[Pair, None]] = {}
    for message, sides in timed:
        for side in sides:
            wanted.setdefault(side.build, {})[message["name"], side.activation] = None
    if not wanted:
        return replace(asked, missing=NOTHING)
    plan, found = session.plan, {}
    for build, pairs in wanted.items():
        asked_of = CountPlan(tuple(pairs), plan.shape, build, asked.runs, plan.compile_all)
        found[build] = instructions.count(asked_of, listen)
    counted = tuple(_message(message, sides, found) for message, sides in timed)
    return replace(asked, counted=counted, missing=None)


def filled(rows: Iterable[Row], found: Instructions) -> list[Row]:
    """Return *rows*, those with the instructions of both sides that were counted."""
    means = means_of(found)
    return [_filled(row, means) for row in rows]


def means_of(found: Instructions) -> dict[SideKey, float]:
    """Return the instructions of one operation of each side: the mean over the runs."""
    return {
        (message["name"], message["variant"], label): Tally(tuple(runs)).mean
        for message in found.counted
        for label, runs in message["sides"].items()
        if runs is not None
    }


def uncounted(found: Instructions) -> dict[str, str]:
    """Return the costs that gave a wrong answer while they were counted, and which."""
    return {
        f"{message['name']} {message['variant']}".rstrip(): message["invalid"]
        for message in found.counted
        if "invalid" in message
    }


def _timed(session: Session) -> Iterator[tuple[Message, list[Side]]]:
    """Yield a message of each cost and comparison that was timed, and the sides that it has."""
    comparisons = {each.variant: each for each in session.plan.comparisons if not each.is_control}
    seen: set[tuple[str, str]] = set()
    for message in (each for said in session.workers for each in said):
        if message["kind"] != "cost" or "invalid" in message:
            continue
        key = message["name"], message["comparison"]
        if message["comparison"] in comparisons and key not in seen:
            seen.add(key)
            yield message, _there(message, comparisons[message["comparison"]])


def _there(message: Message, comparison: Comparison) -> list[Side]:
    return [side for side in comparison.sides if message["sides"][side.label] is not None]


def _message(message: Message, sides: Sequence[Side], found: Mapping[Build, Counts]) -> Message:
    name = message["name"]
    known = {key: message[key] for key in ("name", "comparison", "variant")}
    wrong = [found[side.build].invalid.get(name) for side in sides]
    reason = next((each for each in wrong if each is not None), None)
    if reason is not None:
        return {**known, "sides": {}, "invalid": reason}
    return {**known, "sides": {side.label: _runs(found[side.build], name, side) for side in sides}}


def _runs(counts: Counts, name: str, side: Side) -> list[float] | None:
    tally = counts.tallies.get((name, Activation(side.activation)))
    return None if tally is None else list(tally.runs)


def _filled(row: Row, means: Mapping[SideKey, float]) -> Row:
    base, head = (means.get((row.benchmark, row.variant, label)) for label in row.sides)
    return row if base is None or head is None else replace(row, instructions=(base, head))
