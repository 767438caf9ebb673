"""Boots that need no emulator: each image answers what its name says, or does not answer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.canned import CONDITIONS
from xenperf.errors import UnavailableError
from xenperf.live.boot import Job
from xenperf.live.outbox import Answer
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session
from xenperf.record.recorded import Recorded, document

SEND, ACTIVATE = "send.delivered", "shinfo.activate_again"
CASE = "window.12_delete"


@dataclass
class Kernel:
    """What one image shows inside its VM."""

    gpa: int = 1000
    """Instructions of a send by GPA; by HVA it is always 990."""

    has_hva: bool = True
    says: str = "delivered"
    """The answer to the only case, by GPA; "delivered" is right."""

    dies_in: frozenset[int] = frozenset()
    """Which of its boots give no answer, from 0 on."""

    refuses: str | None = None
    """What the run inside says instead of measuring."""

    refused: int = 0
    """Sends refused in the only scenario, by GPA."""

    metric: str = "instructions"
    manner: str = "emulation, a clock that counts instructions"
    noise: int = 0
    """How much more a send takes in each further boot."""


@dataclass
class Boots:
    """Stands in for ``xenperf.live.boot.boot``, and remembers."""

    kernels: Mapping[str, Kernel]
    """By the name of the image's file."""

    jobs: list[Job] = field(default_factory=list)
    interrupts_at: int | None = None
    on_boot: Callable[[int], None] = lambda nr: None
    """Called as a boot begins, with its number."""

    def __call__(self, job: Job, say: Callable[[str], None]) -> Answer:
        self.jobs.append(job)
        self.on_boot(len(self.jobs))
        if self.interrupts_at == len(self.jobs):
            raise KeyboardInterrupt
        name = job.image.name
        kernel, nr = self.kernels[name], sum(one.image == job.image for one in self.jobs) - 1
        say(f"{job.image}: booting")
        if nr in kernel.dies_in:
            raise UnavailableError(str(job.image), "the kernel died (no root)", "see above")
        if kernel.refuses:
            return Answer(3, "", f"{kernel.refuses}\n", {})
        files = {"run.json": recorded(name, kernel, nr)}
        return Answer(0, cases(kernel) if "cases" in job.command.args else "", "", files)


def recorded(name: str, kernel: Kernel, nr: int) -> str:
    """Return what ``run -o run.json`` writes inside."""
    by_hva = _counts(0) if kernel.has_hva else None
    plan = Plan((SEND, "request.bad_port", "break_apart"), backend="live", workers=1, rounds=2)
    said: list[dict[str, Any]] = [
        {"kind": "begin", "seed": 0, "conditions": CONDITIONS, "at": 0.0},
        _cost(SEND, kernel, kernel.gpa + nr * kernel.noise),
        {**_cost("request.bad_port", kernel, 700), "is_control": True},
        {
            "kind": "count",
            "name": "break_apart",
            "comparison": "",
            "variant": "",
            "sides": {"gpa": _counts(kernel.refused), "hva": by_hva},
        },
        {"kind": "end", "seconds": 1.0, "conditions": CONDITIONS},
    ]
    environment = {"kernel": f"6.99-{name}", "booted": kernel.manner}
    whole = Recorded(Session(plan, [said]), environment, "xenperf run", "run", begun="now")
    shown = {
        "schema": "xenperf/1",
        **{"kind": "run", "environment": dict(whole.environment), "about": {}},
        **{"command": whole.command, "cut_short": None},
    }
    return document(whole, shown)


def _cost(name: str, kernel: Kernel, by_gpa: int) -> dict[str, Any]:
    message = {"kind": "cost", "name": name, "comparison": "", "variant": "", "unit": "instr/send"}
    message |= {"metric": kernel.metric, "is_control": False, "order": ["gpa", "hva"], "start": 0}
    by_hva = 700 if name != SEND else 990
    sides = {"gpa": _slices(by_gpa), "hva": _slices(by_hva) if kernel.has_hva else None}
    return {**message, "n": 1, "sides": sides}


def _slices(ticks: int) -> dict[str, list[int]]:
    none = {"voluntary_switches": [0, 0], "involuntary_switches": [0, 0], "minor_faults": [0, 0]}
    return {"cpu_ns": [ticks, ticks], "wall_ns": [ticks, ticks], **none}


def _counts(refused: int) -> list[dict[str, Any]]:
    unit = "of 64 sends"
    return [{"subject": "whole", "metric": "refused", "unit": unit, "value": refused}]


def cases(kernel: Kernel) -> str:
    """Return what ``cases --format json`` prints inside."""
    played = [("gpa", kernel.says)] + ([("hva", "delivered")] if kernel.has_hva else [])
    found = [
        {"id": CASE, "activation": way, "observed": said, "ok": said == "delivered"}
        for way, said in played
    ]
    return json.dumps({"schema": "xenperf/1", "kind": "cases", "cases": found})


def labels(jobs: list[Job]) -> list[str]:
    """Return the images of *jobs*, by the names of their files."""
    return [Path(job.image).name for job in jobs]
