"""A whole run: fresh workers one after another, what each measured, and what was left undone."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from xenperf.errors import MeasurementError
from xenperf.measure.apart import turns
from xenperf.measure.cells import plan_of_worker
from xenperf.measure.plan import Plan
from xenperf.measure.process import messages
from xenperf.measure.samples import cost_samples, count_samples, unmeasured
from xenperf.scenarios import catalogue
from xenperf.stats.counted import judged_rows
from xenperf.stats.rows import Row, count_rows
from xenperf.stats.samples import CostSample, CountSample
from xenperf.stats.verdict import DEFAULT, Verdict

Message = dict[str, Any]
SaidBy = Callable[[Plan, int], Iterator[Message]]
"""Runs the worker of this number and yields what it says."""

LOOKS: Final = 3
"""How often undecided rows are looked at when there is a budget: the error rate is shared out."""

INTERRUPTED: Final = "interrupted"
NEXT_WORKER: Final = "next worker"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: for a progress bar."""

    worker_idx: int
    nr_workers: int
    """With those that were finished before."""

    done: int
    """Comparisons, each of one name, that the workers of this run have behind them."""

    total: int
    doing: str
    """What comes next: a name, or what is done before the first one."""


@dataclass(slots=True)
class Session:
    """The messages of every worker, finished or not."""

    plan: Plan
    workers: list[list[Message]] = field(default_factory=list)
    cut_short: str | None = None
    """Why not every worker ran to its end: "interrupted", or a dead worker's last words."""

    budget_s: float | None = None
    """Seconds that may be spent; with a budget, undecided rows get more workers."""

    looks: list[int] = field(default_factory=list)
    """How many workers there were each time that rows were judged, but for the last time."""

    @property
    def nr_finished(self) -> int:
        """How many workers measured everything that they were given."""
        return sum(is_finished(said) for said in self.workers)

    @property
    def seconds(self) -> float:
        """How long the finished workers took, one after another."""
        return float(sum(said[-1]["seconds"] for said in self.workers if is_finished(said)))

    def rows(self) -> list[Row]:
        """Return the judged rows, in the order of the plan: costs, then counts.

        With a budget there are several looks at rows that were undecided so far; each look spends
        its share of the error rate, and a row once decided stays so.
        """
        alpha = DEFAULT.alpha if self.budget_s is None else DEFAULT.alpha / LOOKS
        settings = replace(DEFAULT, alpha=alpha)
        decided: dict[tuple[str, str, tuple[str, str]], Row] = {}
        for nr_workers in (*self.looks, len(self.workers)):
            samples = _all_costs(self.plan, self.workers[:nr_workers])
            open_ones = [s for s in samples if s.key not in decided]
            judged = judged_rows(open_ones, settings)
            decided |= {row.key: row for row in judged if row.verdict is not Verdict.UNDECIDED}
        still_open = {row.key: row for row in judged}
        costs = [decided.get(s.key) or still_open[s.key] for s in samples]
        return costs + count_rows(_all_counts(self.plan, self.workers))


@dataclass(frozen=True, slots=True)
class _Hooks:
    """Who runs a worker, and who hears of it."""

    said_by: SaidBy
    on_progress: Callable[[Progress], None]
    on_worker: Callable[[Session], None]


def is_finished(said: Sequence[Message]) -> bool:
    """Tell whether a worker came to its end."""
    return bool(said) and said[-1]["kind"] == "end"


def run(
    plan: Plan,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    *,
    budget_s: float | None = None,
    resumed: Session | None = None,
    on_worker: Callable[[Session], None] = lambda session: None,
    said_by: SaidBy | None = None,
) -> Session:
    """Run every worker of *plan*; what ends the run early is kept as ``cut_short``.

    budget_s
        Extend what is undecided to twice and four times the workers while it lasts.
    resumed
        A session of the same plan that was cut short: its finished workers are kept.
    on_worker
        Called after each worker, so that what is finished can be saved.
    said_by
        Runs a worker somewhere else; by default it is a process of this machine.

    ``MeasurementError`` when a worker dies before anything was measured.
    """
    session = Session(plan, budget_s=budget_s)
    hooks = _Hooks(said_by or _said_by, on_progress, on_worker)
    if resumed is not None:
        session.workers = [said for said in resumed.workers if is_finished(said)]
        session.looks = [look for look in resumed.looks if look <= len(session.workers)]
    try:
        _run_workers(session, plan, plan.workers, hooks)
        if budget_s is not None:
            _extend(session, hooks)
    except KeyboardInterrupt:
        session.cut_short = INTERRUPTED
    except MeasurementError as death:
        if not any("name" in message for said in session.workers for message in said):
            raise
        session.cut_short = str(death)
    return session


def _run_workers(session: Session, plan: Plan, nr_workers: int, hooks: _Hooks) -> None:
    """Run workers of *plan* until *session* has *nr_workers* of them."""
    first, before = len(session.workers), 0
    steps = [_steps(plan_of_worker(plan, idx)) for idx in range(first, nr_workers)]
    total = sum(map(len, steps))
    for worker_idx, own in enumerate(steps, start=first):
        said: list[Message] = []
        session.workers.append(said)
        began = session.seconds
        for message in hooks.said_by(plan, worker_idx):
            if message["kind"] == "begin":
                message["at"] = began  # seconds of measuring since the first worker began
            if message["kind"] != "progress":
                said.append(message)
            nr_done, doing = _place(own, message)
            hooks.on_progress(Progress(worker_idx, nr_workers, before + nr_done, total, doing))
        before += len(own)
        hooks.on_worker(session)


def _steps(plan: Plan) -> list[tuple[str, str]]:
    """Return what a worker of *plan* does, in its order: a name and a comparison each."""
    return [(name, comparison.variant) for name in plan.names for comparison in plan.of(name)]


def _place(steps: Sequence[tuple[str, str]], message: Message) -> tuple[int, str]:
    """Return how many of *steps* a worker has done that says *message*, and what it does now.

    By the place in the plan: what takes part in no comparison has a step, but no message.
    """
    if message["kind"] == "progress":
        return 0, message["doing"]
    if message["kind"] == "end":
        return len(steps), NEXT_WORKER
    nr_done = 0
    if "name" in message:
        nr_done = steps.index((message["name"], message["comparison"])) + 1
    return nr_done, steps[nr_done][0] if nr_done < len(steps) else NEXT_WORKER


def _said_by(plan: Plan, worker_idx: int) -> Iterator[Message]:
    """Yield what one worker says, or what the processes of one turn say."""
    one = plan_of_worker(plan, worker_idx)
    return turns(one, worker_idx) if plan.apart else messages(one)


def _extend(session: Session, hooks: _Hooks) -> None:
    """Give undecided rows twice, then four times the workers, as far as the budget reaches."""
    started, plan = time.monotonic() - session.seconds, session.plan
    for look in range(1, LOOKS):
        names = [row.benchmark for row in session.rows() if row.verdict is Verdict.UNDECIDED]
        chosen = tuple(name for name in plan.names if name in set(names))
        wanted = plan.workers << look
        cost_s = session.seconds / max(1, len(session.workers)) * (wanted - len(session.workers))
        share = len(chosen) / max(1, len(plan.names))
        if not chosen or _left(session, started) < cost_s * share:
            return
        session.looks.append(len(session.workers))
        _run_workers(session, replace(plan, names=chosen), wanted, hooks)


def _left(session: Session, started: float) -> float:
    """Return how many seconds of the budget are left."""
    return (session.budget_s or 0.0) - (time.monotonic() - started)


def _all_costs(plan: Plan, workers: Sequence[Sequence[Message]]) -> list[CostSample]:
    """Return the costs, those too that no worker came to."""
    missing = set(unmeasured(plan, workers))
    found = cost_samples(plan, workers)
    lost = [_lost(name) for name in plan.names if name in missing and name not in _scenarios(plan)]
    place = {name: idx for idx, name in enumerate(plan.names)}
    return sorted([*found, *lost], key=lambda sample: place[sample.benchmark])


def _all_counts(plan: Plan, workers: Sequence[Sequence[Message]]) -> list[CountSample]:
    """Return the counts, those too that no worker came to."""
    missing = set(unmeasured(plan, workers)) & _scenarios(plan)
    lost = [CountSample(name, "outcome", "", (), ()) for name in plan.names if name in missing]
    return count_samples(plan, workers) + lost


def _lost(name: str) -> CostSample:
    """Return the sample of a cost that no worker came to; other revisions may know more names."""
    if name not in catalogue.names():
        return CostSample(name, "", ())
    entry = catalogue.benchmark(name)
    return CostSample(name, entry.unit, (), is_control=entry.is_control)


def _scenarios(plan: Plan) -> set[str]:
    return {name for name in plan.names if catalogue.is_scenario(name)}
