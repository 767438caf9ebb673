"""One pair of operations: all its schedules counted, each kind of violation with a schedule."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from xenperf.abi.status import Status, outcome_of
from xenperf.explore.accesses import peek
from xenperf.explore.actor import Actor, Run, Sharing, Touched
from xenperf.explore.ended import Ended
from xenperf.explore.engine import End, Engine
from xenperf.explore.guards import guards_of
from xenperf.explore.invariants import violations
from xenperf.explore.machine import Machine
from xenperf.explore.operations import OPERATIONS
from xenperf.explore.schedule import names_of, parse, render
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation

NEVER_ENDED: Final = "never ended"


@dataclass(frozen=True, slots=True)
class Violation:
    """What does not hold, in how many schedules, and one that shows it."""

    what: str
    nr_schedules: int
    schedule: str


@dataclass(frozen=True, slots=True)
class Found:
    """All schedules of one pair by one activation."""

    first: str
    second: str
    activation: str
    nr_preemptions: int
    nr_schedules: int
    outcomes: dict[str, int]
    """Schedules by both outcomes, such as ``delivered + ok``."""

    nr_refused_sends: int
    """Schedules in which a send gets -EFAULT: there is a page, but it does not resolve now."""

    nr_lost_events: int
    """Schedules in which an event of an irqfd or a timer is nowhere in the end, and nobody told."""

    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is wrong with an end, and which events are lost there."""

    violations: tuple[str, ...]
    lost: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Replayed:
    """One schedule and what it came to."""

    schedule: str
    outcomes: str
    violations: tuple[str, ...]


class Pair:
    """Two operations on one machine."""

    def __init__(
        self, first: str, second: str, activation: Activation, tap: Tap | None = None
    ) -> None:
        """Set the machine up; *tap* is the model, if there is one loaded already."""
        self.names = (first, second)
        self.operations = OPERATIONS[first], OPERATIONS[second]
        self.machine = Machine(tap or Tap(), activation)
        for name in dict.fromkeys(self.names):
            OPERATIONS[name].prepare(self.machine)
        self.machine.note_start()
        self.effects = tuple(operation.effects for operation in self.operations)
        self._acts = [
            operation.act(self.machine, actor) for actor, operation in enumerate(self.operations)
        ]
        layout = self.machine.tap.model("layout")
        self._retried = frozenset({int(self.machine.vm + layout.VM_MN_ACTIVE)})
        self._guards = guards_of(self.machine, frozenset().union(*self.effects))
        self._shared = set(self._guards.words)
        self._judged: dict[object, _Judged] = {}

    def explore(
        self,
        nr_preemptions: int,
        *,
        everywhere: bool = False,
        listen: Callable[[End], object] = lambda end: None,
    ) -> Found:
        """Run every schedule, in rounds: until nothing more turns out to be shared.

        everywhere
            Preempt before every access, also where the other cannot notice.
        listen
            Hears every end, of each round.
        """
        while True:
            found = self._explore_round(nr_preemptions, everywhere, listen)
            if found is not None:
                return found

    def replay(self, schedule: str) -> Replayed:
        """Run one schedule, every access in turn; ``ValueError`` if it does not fit the code."""
        names = names_of(*self.names)
        turns = parse(schedule, names)
        engine, _ = self._engine(everywhere=True)
        try:
            end = engine.replay(turns)
        except ValueError as error:
            raise ValueError(f"schedule {schedule!r} no longer fits the code: {error}") from None
        return Replayed(render(turns, names), self.outcomes_of(end), self._judge(end).violations)

    def outcomes_of(self, end: End) -> str:
        """Return what both were told at *end*, in words."""
        if end.leaves is None:
            return NEVER_ENDED
        told = zip(self.operations, end.leaves, strict=True)
        return " + ".join(operation.outcome(outcome) for operation, (outcome, _) in told)

    def close(self) -> None:
        """Give the machine back."""
        self.machine.close()

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _explore_round(
        self, nr_preemptions: int, everywhere: bool, listen: Callable[[End], object]
    ) -> Found | None:
        """Run every schedule with the words known to be shared; None if there are more."""
        engine, touched = self._engine(everywhere)
        outcomes, wrong, nr_refused, nr_lost = Counter[str](), Counter[str](), 0, 0
        shown: dict[str, str] = {}
        for end in self._ends(engine, touched, nr_preemptions):
            listen(end)
            outcomes[self.outcomes_of(end)] += 1
            nr_refused += self._has_refused_send(end)
            judged = self._judge(end)
            nr_lost += bool(judged.lost)
            for what in judged.violations:
                wrong[what] += 1
                if what not in shown:
                    shown[what] = render(end.turns, names_of(*self.names))
        new = _conflicts(touched) - self._shared
        self._shared |= new
        if new:
            return None
        return Found(
            *(*self.names, str(self.machine.activation), nr_preemptions, outcomes.total()),
            *(dict(sorted(outcomes.items())), nr_refused, nr_lost),
            tuple(Violation(what, wrong[what], schedule) for what, schedule in shown.items()),
        )

    def _ends(
        self, engine: Engine, touched: tuple[Touched, ...], nr_preemptions: int
    ) -> Iterator[End]:
        """Yield the ends, as long as nothing shows that more words are shared."""
        nr_touched = 0
        for end in engine.schedules(nr_preemptions):
            yield end
            total = sum(len(each.read) + len(each.written) for each in touched)
            if total != nr_touched and _conflicts(touched) - self._shared:
                return
            nr_touched = total

    def _engine(self, everywhere: bool) -> tuple[Engine, tuple[Touched, ...]]:
        """Return a new engine; what was judged for another one, by identity, is forgotten."""
        self._judged.clear()
        touched = (Touched(), Touched())
        sharing = Sharing(self._shared, set(self._guards.by_page), everything=everywhere)
        tap, retried = self.machine.tap, self._retried

        def actor(idx: int) -> Actor:
            return Actor(lambda: Run(tap, self._acts[idx], sharing, touched[idx], retried))

        return Engine((actor(0), actor(1)), self._guards.by_page), touched

    def _has_refused_send(self, end: End) -> bool:
        return end.leaves is not None and any(
            "sends" in effects and outcome_of(outcome) == Status.EFAULT
            for effects, (outcome, _) in zip(self.effects, end.leaves, strict=True)
        )

    def _judge(self, end: End) -> _Judged:
        """Return what is wrong and lost at *end*; states judged before are looked up."""
        if end.leaves is None:
            return _Judged(end.faults)
        first, second = (own for _, own in end.leaves)
        key = id(first), id(second), tuple(sorted(end.memory.items()))
        if key not in self._judged:
            words = changed_words(first | second | end.memory)
            outcomes = tuple(outcome for outcome, _ in end.leaves)
            with self.machine.holding(words):
                ended = Ended(self.machine, self.operations, outcomes, frozenset(words))
                self._judged[key] = _Judged(violations(ended), tuple(ended.lost()))
        judged = self._judged[key]
        return _Judged((*end.faults, *judged.violations), judged.lost)


def changed_words(words: dict[int, int]) -> dict[int, int]:
    """Return those of *words* that are not what the real pages hold."""
    return {word: value for word, value in words.items() if value != peek(word)}


def _conflicts(touched: tuple[Touched, ...]) -> set[int]:
    """Return the words that both touched and at least one wrote."""
    a, b = touched
    return a.written & (b.read | b.written) | b.written & a.read
