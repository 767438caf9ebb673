"""All schedules of two actors with a bounded number of preemptions, or one that was asked for.

A schedule is a walk through both actors' trees over one memory. An actor may be preempted before
any access that the other may notice. An actor that waits hands over for free, and gets no turn
until something it looked at has changed; when neither can go on the schedule ends as blocked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from xenperf.explore.accesses import DONE, LOAD, PAUSE, Memory, perform
from xenperf.explore.actor import Actor, Node
from xenperf.explore.guards import Guard
from xenperf.explore.schedule import Trail, Turn, turns_of

MAX_STEPS: Final = 50_000
"""Shared accesses of one schedule, after which it counts as never ending."""

BLOCKED: Final = "blocked for ever: each waits for the other"
ENDLESS: Final = f"no end after {MAX_STEPS} steps"


@dataclass(slots=True)
class State:
    """A schedule under way."""

    memory: Memory
    nodes: list[Node]
    now: int
    budget: int
    trail: Trail | None = None
    blocked: list[tuple[tuple[int, int, int, int], ...] | None] = field(
        default_factory=lambda: [None, None]
    )
    faults: tuple[str, ...] = ()
    has_moved: bool = False
    """Whether the running actor made an access in this turn."""
    nr_steps: int = 0

    def cut_off(self) -> "State":
        """Return the schedule in which the other actor goes on from here."""
        trail = (self.trail, self.now, self.nodes[self.now].nr)
        return State(
            *(Memory(self.memory), list(self.nodes), 1 - self.now, self.budget - 1, trail),
            *(list(self.blocked), self.faults, False, self.nr_steps),
        )

    def hand_over(self) -> None:
        """Let the other actor go on, as this one waits or is done."""
        self.trail = (self.trail, self.now, None)
        self.now = 1 - self.now
        self.has_moved = False

    def can_run(self, actor: int) -> bool:
        """Tell whether *actor* is not done and does not wait for something unchanged."""
        if self.nodes[actor].kind == DONE:
            return False
        seen = self.blocked[actor]
        return seen is None or any(
            self.memory[word] >> shift & mask != value for word, shift, mask, value in seen
        )


@dataclass(frozen=True, slots=True)
class End:
    """Where a schedule ended."""

    memory: Memory
    leaves: tuple[tuple[int, Memory], ...] | None
    """Each actor's outcome and its private words; None if the schedule never ended."""

    faults: tuple[str, ...]
    trail: Trail | None
    now: int

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Return the schedule."""
        return turns_of(self.trail, self.now)


class Engine:
    """Two actors over one memory."""

    def __init__(self, actors: tuple[Actor, Actor], guards: Mapping[int, Guard]) -> None:
        """Run *actors*; *guards*, by page, judge every write there."""
        self.actors = actors
        self.guards = guards

    def schedules(self, nr_preemptions: int) -> Iterator[End]:
        """Yield the end of every schedule with at most so many preemptions."""
        waiting = [self._start(first, nr_preemptions) for first in (1, 0)]
        while waiting:
            state = waiting.pop()
            yield self._finish(state, waiting)

    def replay(self, turns: tuple[Turn, ...]) -> End:
        """Run one schedule; ``ValueError`` if the code does not follow it."""
        state = self._start(turns[0].actor, 0)
        for idx, turn in enumerate(turns[:-1]):
            if state.now != turn.actor:
                raise ValueError(f"turn {idx + 1} is not that actor's")
            self._take(state, turn, idx)
        if state.now != turns[-1].actor:
            raise ValueError(f"turn {len(turns)} is not that actor's")
        return self._finish(state, None)

    def _take(self, state: State, turn: Turn, idx: int) -> None:
        """Run one turn to where it was cut off, or until the actor hands over."""
        actor = state.now
        while state.now == actor:
            node = state.nodes[actor]
            if turn.until is not None and node.nr == turn.until and node.kind < PAUSE:
                if not state.can_run(1 - actor):
                    raise ValueError(f"at the end of turn {idx + 1} the other actor cannot go on")
                state.trail = (state.trail, actor, node.nr)
                state.now, state.has_moved = 1 - actor, False
                return
            if self._advance(state) is not None:
                raise ValueError(f"the schedule ends within turn {idx + 1}")
        if turn.until is not None:
            raise ValueError(f"turn {idx + 1} hands over before its access {turn.until}")

    def _start(self, first: int, budget: int) -> State:
        return State(Memory(), [actor.root for actor in self.actors], first, budget)

    def _finish(self, state: State, waiting: list[State] | None) -> End:
        """Run *state* to its end; put every schedule that branches off into *waiting*."""
        ended = None
        while ended is None:
            node = state.nodes[state.now]
            if (
                state.budget
                and state.has_moved
                and node.kind < PAUSE
                and waiting is not None
                and state.can_run(1 - state.now)
            ):
                waiting.append(state.cut_off())
            ended = self._advance(state)
        return ended

    def _advance(self, state: State) -> End | None:
        """Make one step; return the end if there is none to make."""
        now = state.now
        node = state.nodes[now]
        if node.kind == DONE:
            if state.nodes[1 - now].kind == DONE:
                return self._end(state)
            state.hand_over()
        elif node.kind == PAUSE:
            return self._wait(state, node)
        else:
            if state.nr_steps == MAX_STEPS:
                return self._end(state, ENDLESS)
            state.nr_steps += 1
            if self.guards and node.kind != LOAD:
                self._guard(state, node)
            answer = perform(state.memory, node.access)
            child = node.children.get(answer)
            state.nodes[now] = child or self.actors[now].next(node, answer)
            state.has_moved = True
            state.blocked[now] = None
        return None

    def _wait(self, state: State, node: Node) -> End | None:
        now = state.now
        state.nodes[now] = self.actors[now].next(node, 0)
        state.blocked[now] = node.seen
        if state.can_run(1 - now):
            state.hand_over()
        elif not state.can_run(now):
            return self._end(state, BLOCKED)
        return None

    def _guard(self, state: State, node: Node) -> None:
        guard = self.guards.get(node.access.word & -4096)
        fault = guard(state.memory) if guard else None
        if fault is not None and fault not in state.faults:
            state.faults += (fault,)

    def _end(self, state: State, fault: str | None = None) -> End:
        faults = state.faults if fault is None else (*state.faults, fault)
        leaves = tuple(node.leaf for node in state.nodes if node.leaf is not None)
        done = leaves if len(leaves) == len(state.nodes) else None
        return End(state.memory, done, faults, state.trail, state.now)
