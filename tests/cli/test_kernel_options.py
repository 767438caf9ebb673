"""``xenperf run`` on a chosen kernel: its options, and how the reports name it."""

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from xenperf.cli.request import Request, command, settings
from xenperf.cli.run import verb
from xenperf.errors import UsageError
from xenperf.measure import session
from xenperf.measure.plan import Plan
from xenperf.stats.rows import Row
from xenperf.stats.samples import CPU_TIME, NO_HVA
from xenperf.stats.verdict import Verdict
from xenperf.switches import MERGED

Invoke = Callable[..., Any]
GONE = Row(
    *("gpc.check", CPU_TIME, "ns/check", 10.0, None, None, None, Verdict.GONE), notes=(NO_HVA,)
)


def patches_of(plan: Plan) -> tuple[str, ...] | None:
    return plan.comparisons[0].sides[0].build.patches


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Keep the plan of a run and answer with one row; empty: nothing was begun."""
    seen: list[Plan] = []

    def run(plan: Plan, *_: object, **__: object) -> session.Session:
        seen.append(plan)
        return session.Session(plan)

    monkeypatch.setattr(session, "run", run)
    monkeypatch.setattr(session.Session, "rows", lambda self: [GONE])
    return seen


def test_by_default_the_kernel_is_the_merged_one(plans: list[Plan], invoke: Invoke) -> None:
    found = invoke("run")
    assert patches_of(plans[0]) == MERGED
    assert f"modelled   kernel gpa-hva; patches: {MERGED[0]}, " in found.out


def test_a_kernel_and_its_patches_are_planned_and_named(plans: list[Plan], invoke: Invoke) -> None:
    found = invoke("run", "--kernel", "gpa-only", "--with", "no-xen-lock")
    assert patches_of(plans[0]) == ("no-xen-lock",)
    words = " ".join(found.out.split())
    assert f"kernel gpa-only with no-xen-lock; patches: no-xen-lock; {NO_HVA}" in words
    assert "gone" in found.out
    assert "DISTRUST" not in found.out
    assert found.code == 0


def test_json_names_the_kernel_and_has_null_where_there_is_no_side(
    plans: list[Plan], invoke: Invoke
) -> None:
    found = json.loads(invoke("run", "--kernel", "gpa-only", "--format", "json").out)
    assert (found["settings"]["kernel"], found["settings"]["patches"]) == ("gpa-only", [])
    (row,) = found["rows"]
    assert (row["gpa"], row["hva"], row["verdict"], row["notes"]) == (10.0, None, "gone", [NO_HVA])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kernel", "v6.9"], "'v6.9' is not one of 'gpa-only', 'gpa-hva'"),
        (["--with", "x"], "patch x: unknown; there are "),
        (["--without", "hva-activation"], "patch shinfo-hva: needs hva-activation; "),
        (["--with", "no-xen-lock", "--without", "no-xen-lock"], "both with and without it"),
        (["--backend", "live", "--kernel", "gpa-hva"], "backend live: no kernel or patch can be"),
    ],
)
def test_what_cannot_be_is_refused_on_one_line_before_any_work(
    plans: list[Plan], invoke: Invoke, options: list[str], message: str
) -> None:
    found = invoke("run", *options)
    assert (found.code, found.out, plans) == (2, "", [])
    assert message in found.err
    assert found.err.count("\n") == 1


@pytest.mark.parametrize(
    "request_",
    [
        Request(kernel="gpa-only"),
        Request(kernel="gpa-only", added=("no-xen-lock", "read-lock-first"), quick=True),
        Request(removed=("no-xen-lock",)),
    ],
)
def test_the_command_runs_the_same_kernel_again(request_: Request) -> None:
    plan = request_.plan(drawn_seed=7)
    _, _, *options = shlex.split(command(request_, plan))
    assert Request(**verb.make_context("run", options).params).plan(drawn_seed=99) == plan


def test_a_real_kernel_is_what_it_is() -> None:
    plan = Request(backend="live").plan(drawn_seed=7)
    assert (patches_of(plan), settings(plan)["kernel"]) == (None, None)
    with pytest.raises(UsageError):
        Request(backend="live", added=("no-xen-lock",)).plan(drawn_seed=7)
