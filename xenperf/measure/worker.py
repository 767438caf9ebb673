"""One fresh process: measures everything in the plan once, all sides of a comparison in turn.

Reads a plan from standard input and writes one JSON object a line to standard output, so that what
is finished survives whatever happens next. Run as ``python -m xenperf.measure.worker``.
"""

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from xenperf.hypervisor import Loop
from xenperf.measure import conditions
from xenperf.measure.builds import MODEL, LoadedBuild, load
from xenperf.measure.counted import count_in_turn
from xenperf.measure.plan import Plan
from xenperf.measure.schedule import WrongAnswerError, take_turns
from xenperf.measure.sides import Build, Comparison, Side
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS, WALL_TIME

NS, INSTR = "ns/", "instr/"
Message = dict[str, Any]


class CompiledLateError(Exception):
    """Code was compiled while slices ran."""


def measure(plan: Plan) -> Iterator[Message]:
    """Yield what began, a message for each name and comparison of *plan*, and what ended."""
    worker = Worker(plan)
    started = time.monotonic()
    yield {"kind": "begin", "seed": plan.seed, "conditions": conditions.now()}
    if plan.compile_all:
        yield {"kind": "progress", "doing": "compile"}
        worker.warm_up()
    for name in plan.names:
        for comparison in plan.of(name):
            yield from worker.measured(name, comparison)
    seconds = round(time.monotonic() - started, 3)
    yield {"kind": "end", "seconds": seconds, "conditions": conditions.now()}


class Worker:
    """The builds of a plan, loaded, and the dice that decide who goes first."""

    def __init__(self, plan: Plan) -> None:
        """Load every build that *plan* names."""
        self.plan = plan
        self._drawn = random.Random(plan.seed)
        builds = [side.build for comparison in plan.comparisons for side in comparison.sides]
        self._builds = load(builds, plan.backend, self._drawn)
        self._able: dict[tuple[Build, str], bool] = {}

    def warm_up(self) -> None:
        """Compile everything that timing needs."""
        for build in self._builds.values():
            build.warm_up()

    def measured(self, name: str, comparison: Comparison) -> Iterator[Message]:
        """Yield the message of one name in one comparison; none if it takes no part."""
        there = [side for side in comparison.sides if self._has(side, name)]
        if not there:
            return
        entry = self._build(there[0]).benchmark(name)
        message = {"name": name, "comparison": comparison.variant, "variant": comparison.variant}
        if entry is None:
            yield {"kind": "count", **message, **self._observed(name, comparison, there)}
        elif not entry.is_control or comparison.has_controls:
            message |= described(entry, comparison, self.plan.backend)
            message |= counted(entry) if self.plan.counts else {}
            yield {"kind": "cost", **message, **self._timed(name, comparison, there, entry.cycle)}

    def _timed(self, name: str, comparison: Comparison, there: list[Side], cycle: int) -> Message:
        """Time *name* on the sides that have it; the order of building them is drawn."""
        order = self._drawn.sample(there, len(there))
        message: Message = {"order": [side.label for side in order]}
        errors: tuple[type[Exception], ...] = (
            WrongAnswerError,
            CompiledLateError,
            *{self._build(side).errors for side in there},
        )
        with contextlib.ExitStack() as machines:
            try:
                loops = {
                    side: machines.enter_context(self._loop(name, comparison, side))
                    for side in order
                }
                start = self._drawn.randrange(len(there))
                timed = [with_planted(loops[side], side.planted, cycle) for side in there]
                n, slices = self._take_turns(timed, start, cycle)
                offsets = {side.label: page_offsets(loops[side]) for side in there}
            except errors as error:
                return {**message, "invalid": str(error)}
        found = {side.label: asdict(s) for side, s in zip(there, slices, strict=True)}
        known = {"start": start, "n": n, "page_offsets": offsets}
        return {**message, **known, **_by_side(comparison, found)}

    def _loop(self, name: str, comparison: Comparison, side: Side) -> AbstractContextManager[Loop]:
        """Open a machine of its own; where its objects lie is drawn by this worker's seed."""
        shape, is_exact = comparison.shape or self.plan.shape, comparison.shape is not None
        build = self._build(side)
        return build.loop(name, shape, side.activation, exact=is_exact, placement=self.plan.seed)

    def _take_turns(self, loops: list[Any], start: int, cycle: int) -> tuple[int, list[Any]]:
        """Time *loops*; ``CompiledLateError`` if slices would hold the time of a compiler."""
        plan = self.plan
        for loop in loops:
            loop(cycle)  # whatever is compiled when first called is compiled here
        before = self._nr_compiled()
        if plan.counts:
            found = count_in_turn(loops, rounds=plan.rounds, start=start, cycle=cycle)
        else:
            found = take_turns(
                loops, slice_ns=plan.slice_ns, rounds=plan.rounds, start=start, cycle=cycle
            )
        if self._nr_compiled() != before:
            raise CompiledLateError("code was compiled while slices were timed")
        return found

    def _nr_compiled(self) -> int:
        return sum(build.nr_compiled() for build in self._builds.values())

    def _observed(self, name: str, comparison: Comparison, there: list[Side]) -> Message:
        """Run the scenario *name* once on each side and return its counts."""
        found: dict[str, Any] = {}
        shape = comparison.shape or self.plan.shape
        for side in self._drawn.sample(there, len(there)):
            build = self._build(side)
            try:
                found[side.label] = build.counts(name, shape, side.activation)
            except build.errors as error:
                return {"invalid": str(error), **_by_side(comparison, {})}
        return _by_side(comparison, found)

    def _build(self, side: Side) -> LoadedBuild:
        return self._builds[side.build]

    def _has(self, side: Side, name: str) -> bool:
        """Tell whether *side* knows *name* and its kernel can be asked by its activation."""
        asked = side.build, str(side.activation)
        if asked not in self._able:
            self._able[asked] = self._build(side).supports(side.activation)
        return self._able[asked] and self._build(side).has(name)


def with_planted(loop: Loop, share: float, cycle: int) -> Loop:
    """Return *loop* with *share* more operations than it is asked for, in whole cycles."""
    if not share:
        return loop

    def longer(n: int) -> int:
        extra = round(n * share / cycle) * cycle
        return loop(n + extra) - extra

    return longer


def page_offsets(loop: Any) -> dict[str, int] | None:
    """Return where in their pages the code and data of *loop* begin; None if it does not say so.

    Loops of a real kernel and of older revisions do not.
    """
    known: Callable[[], dict[str, int]] | None = getattr(loop, "page_offsets", None)
    return None if known is None else known()


def described(entry: Any, comparison: Comparison, backend: str) -> Message:
    """Return what a report needs to know of a benchmark; other revisions may say less."""
    is_between = comparison.is_between_builds
    is_asleep = backend != MODEL and getattr(entry, "sleeps", False)
    return {
        "unit": entry.unit,
        "metric": WALL_TIME if is_asleep else CPU_TIME,
        "is_control": comparison.is_control or (entry.is_control and not is_between),
        "variant": "" if entry.is_control and is_between else comparison.variant,
    }


def counted(entry: Any) -> Message:
    """Return what a report needs to know where the clock counts instructions, as nanoseconds."""
    return {"unit": entry.unit.replace(NS, INSTR, 1), "metric": INSTRUCTIONS}


def _by_side(comparison: Comparison, found: dict[str, Any]) -> Message:
    """Return what was *found* under the name of each side; None where it does not exist."""
    return {"sides": {side.label: found.get(side.label) for side in comparison.sides}}


def main(source: Callable[[], str], out: Callable[[str], object]) -> None:
    """Measure the plan that *source* returns and hand each message, as a line, to *out*."""
    for message in measure(Plan.from_json(source())):
        out(json.dumps(message) + "\n")


def _write(line: str) -> None:
    """Write *line* at once, whole: the reader may be waiting for it, or about to end us."""
    os.write(1, line.encode())


if __name__ == "__main__":
    main(sys.stdin.readline, _write)
