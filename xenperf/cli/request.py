"""What ``xenperf run`` was asked for, checked in full before any work is done."""

import math
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from xenperf.backends import backend
from xenperf.cli.kernel_options import kernel_words
from xenperf.errors import UnavailableError, UsageError
from xenperf.measure import environment
from xenperf.measure.cells import Axis, shape_of
from xenperf.measure.plan import (
    COUNTED_ROUNDS,
    COUNTED_WORKERS,
    DEFAULT_ROUNDS,
    DEFAULT_SLICE_NS,
    DEFAULT_WORKERS,
    MAX_WORKERS,
    QUICK_ROUNDS,
    QUICK_SLICE_NS,
    QUICK_WORKERS,
    Plan,
)
from xenperf.measure.sides import Build, by_activation
from xenperf.model.patches import GPA_HVA, PATCHES, choose, describe
from xenperf.record.atomic import ensure_writable
from xenperf.report.model import Setting
from xenperf.scenarios import catalogue
from xenperf.stats.verdict import DEFAULT
from xenperf.vmm.machine import Shape

BITS: Final = ("64", "32")
DEFAULT_SHAPE: Final = Shape()
MAX_SEED: Final = ((1 << 63) - 1) // MAX_WORKERS - 1  # every worker's seed is made from it
DEFAULT_BACKEND: Final = "model"
STANDARD_OUTPUT: Final = "-"
SEEDS: Final = 1_000_000  # drawn below: short enough to type


@dataclass(frozen=True, slots=True)
class Request:
    """The options of the verb; None where nothing was said."""

    backend: str = DEFAULT_BACKEND
    kernel: str | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    quick: bool = False
    workers: int | None = None
    rounds: int | None = None
    budget: float | None = None
    seed: int | None = None
    slots: int = DEFAULT_SHAPE.nr_slots
    vcpus: int = DEFAULT_SHAPE.nr_vcpus
    port: int = DEFAULT_SHAPE.port
    guest_bits: str = BITS[0]
    strict: bool = False
    output: str | None = None
    format: str | None = None
    count: str | None = None
    """What is counted instead of timed."""

    instructions: bool = False
    """Count instructions too, after timing."""

    def plan(self, drawn_seed: int) -> Plan:
        """Return the plan, with *drawn_seed* if none was given; ``UsageError`` if there is none."""
        plan = replace(
            self.plan_of(tuple(catalogue.select(self.only)), drawn_seed),
            backend=self.backend,
            comparisons=(by_activation(Build(patches=self.patches())),),
            compile_all=not self.only,
        )
        if self.backend == DEFAULT_BACKEND or not environment.counts_instructions():
            return plan
        workers, rounds = _given(self.workers, COUNTED_WORKERS), _given(self.rounds, COUNTED_ROUNDS)
        return replace(plan, counts=True, workers=workers, rounds=rounds)

    def plan_of(self, names: tuple[str, ...], drawn_seed: int) -> Plan:
        """Return a plan of *names* that leaves open who is compared."""
        if self.budget is not None and not (0 < self.budget < math.inf):
            raise UsageError(f"budget {self.budget}", "out of range", "give seconds above 0")
        if self.instructions and self.backend != DEFAULT_BACKEND:
            reason = "Valgrind sees nothing of a real kernel"
            raise UsageError("--instructions", reason, "use --backend model")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"seed {self.seed}", "out of range", f"give 0 to {MAX_SEED}")
        return Plan(
            names=names,
            shape=Shape(self.slots, self.vcpus, self.guest_bits == BITS[0], self.port),
            workers=_given(self.workers, QUICK_WORKERS if self.quick else DEFAULT_WORKERS),
            rounds=_given(self.rounds, QUICK_ROUNDS if self.quick else DEFAULT_ROUNDS),
            slice_ns=QUICK_SLICE_NS if self.quick else DEFAULT_SLICE_NS,
            seed=_given(self.seed, drawn_seed),
            compile_all=False,
        )

    def patches(self) -> tuple[str, ...] | None:
        """Return what the modelled kernel is built with, in the order of the series.

        None for a real kernel, which is what it is: ``UsageError`` if another was asked for.
        """
        if self.backend == DEFAULT_BACKEND:
            chosen = choose(self.kernel or GPA_HVA, self.added, self.removed)
            return tuple(name for name in PATCHES if name in chosen)
        if self.kernel or self.added or self.removed:
            thing = f"backend {self.backend}"
            raise UsageError(thing, "no kernel or patch can be chosen", "use --backend model")
        return None

    @property
    def path(self) -> str | None:
        """The file to write; None for standard output."""
        return None if self.output == STANDARD_OUTPUT else self.output

    def check_output(self) -> None:
        """Raise ``UsageError`` now if the report could not be written after the run."""
        if self.path is not None:
            if not self.path:
                raise UsageError("output", "the name is empty", "give the name of a file")
            ensure_writable(self.path)


DEFAULTS: Final = Request()


def askable(plan: Plan) -> tuple[Plan, dict[str, str]]:
    """Return *plan* with the names that its back end can be asked, and why not the others.

    ``UnavailableError`` if a back end that depends on the machine cannot be had, or if nothing is
    left to ask. The model can be asked everything.
    """
    if plan.backend == DEFAULTS.backend:
        return plan, {}
    with backend(plan.backend).open(plan.shape.vm_size) as host:
        lacks = {name: sorted(catalogue.needs(name) - host.features) for name in plan.names}
    skipped = {
        name: f"{plan.backend} does not offer {', '.join(missing)}"
        for name, missing in lacks.items()
        if missing
    }
    if len(skipped) == len(plan.names):
        raise UnavailableError(f"benchmark {plan.names[0]}", skipped[plan.names[0]])
    return replace(plan, names=tuple(n for n in plan.names if n not in skipped)), skipped


def settings(plan: Plan) -> dict[str, Setting]:
    """Return *plan*, and how it is judged, as plain data for the report."""
    patches = plan.comparisons[0].sides[0].build.patches
    return {
        **common_settings(plan),
        "kernel": None if patches is None else describe(patches),
        "patches": patches,
    }


def sweep_settings(plan: Plan) -> dict[str, Setting]:
    """Return the settings of a sweep: the sizes of all its cells."""
    cells = [shape_of(cell) for cell in plan.comparisons]
    slots, vcpus = (tuple(map(str, sorted({axis.of(c) for c in cells}))) for axis in Axis)
    full = len(slots) > 1 and len(vcpus) > 1 and len(cells) == len(slots) * len(vcpus)
    grid = "every combination" if full else "one axis at a time"
    return {**settings(plan), "slots": slots, "vcpus": vcpus, "grid": grid}


def common_settings(plan: Plan) -> dict[str, Setting]:
    """Return what the plans of all verbs have, as plain data for the report."""
    return {
        "names": plan.names,
        "workers": plan.workers,
        "rounds": plan.rounds,
        **({"counted": "single requests"} if plan.counts else {"slice_ns": plan.slice_ns}),
        "seed": plan.seed,
        "slots": plan.shape.nr_slots,
        "vcpus": plan.shape.nr_vcpus,
        "port": plan.shape.port,
        "guest_bits": 64 if plan.shape.long_mode else 32,
        "margin": DEFAULT.margin,
        "band": DEFAULT.band,
        "alpha": DEFAULT.alpha,
    }


def command(request: Request, plan: Plan, verb: Sequence[str] = ("run",)) -> str:
    """Return the command that measures the same again, with the same seed."""
    words = ["xenperf", *verb]
    words += kernel_words(request.kernel, request.added, request.removed)
    for name, value, usual in (
        ("--backend", plan.backend, DEFAULTS.backend),
        ("--workers", request.workers, None),
        ("--rounds", request.rounds, None),
        ("--budget", _short(request.budget), None),
        ("--slots", request.slots, DEFAULTS.slots),
        ("--vcpus", request.vcpus, DEFAULTS.vcpus),
        ("--port", request.port, DEFAULTS.port),
        ("--guest-bits", request.guest_bits, DEFAULTS.guest_bits),
    ):
        words += [] if value == usual else [name, str(value)]
    words += ["--count", request.count] if request.count else []
    words += ["--instructions"] if request.instructions else []
    words += ["--quick"] if request.quick else []
    words += [word for glob in request.only for word in ("--only", glob)]
    words += [] if request.count else ["--seed", str(plan.seed)]
    return shlex.join(words)


def draw_seed() -> int:
    """Return a seed for a run that was given none."""
    return secrets.randbelow(SEEDS)


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _given(value: int | None, usual: int) -> int:
    return usual if value is None else value
