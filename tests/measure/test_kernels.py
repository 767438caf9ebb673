"""Runs on other kernels than the merged one: what a worker says and what becomes of the rows."""

import json
from dataclasses import replace

import pytest

from xenperf.backends import backend
from xenperf.hypervisor import Activation, Feature, VmSize
from xenperf.measure.plan import Plan
from xenperf.measure.session import Session, run
from xenperf.measure.sides import Build, Comparison, by_activation
from xenperf.measure.worker import measure
from xenperf.model.patches import GPA_HVA, GPA_ONLY, KERNELS, choose
from xenperf.stats.samples import NO_HVA
from xenperf.stats.verdict import Verdict

NAMES = ("gpc.check", "send.to_shadow", "lock.read", "break_apart")


def kernel(patches: tuple[str, ...] | None) -> tuple[Comparison, ...]:
    return (by_activation(Build(patches=patches)),)


GPA_PLAN = Plan(
    NAMES,
    workers=2,
    rounds=4,
    slice_ns=100_000,
    compile_all=False,
    comparisons=kernel(tuple(KERNELS[GPA_ONLY])),
)


@pytest.fixture(scope="module")
def gpa_only() -> Session:
    return run(GPA_PLAN)


def test_without_activation_by_hva_there_is_a_gpa_side_and_no_verdict(gpa_only: Session) -> None:
    assert (gpa_only.cut_short, gpa_only.nr_finished) == (None, 2)
    for row in gpa_only.rows():
        assert row.verdict is Verdict.GONE, row
        assert row.base is not None
        assert (row.head, row.ratio, row.ci, row.notes) == (None, None, None, (NO_HVA,))


def test_every_slice_of_the_one_side_is_kept(gpa_only: Session) -> None:
    costs = [m for messages in gpa_only.workers for m in messages if m["kind"] == "cost"]
    assert [len(m["sides"]["gpa"]["cpu_ns"]) for m in costs] == [4] * 6
    assert all((m["sides"]["hva"], m["order"]) == (None, ["gpa"]) for m in costs)


def test_the_kernel_loses_by_gpa_what_the_merged_one_loses_by_gpa(gpa_only: Session) -> None:
    merged = run(replace(GPA_PLAN, names=("break_apart",), workers=1, comparisons=kernel(None)))
    counts = [row.base for row in gpa_only.rows() if row.is_count]
    assert counts == [row.base for row in merged.rows()]
    assert sum(counts) > 0


def test_a_plan_with_patches_reaches_a_worker_whole() -> None:
    for patches in (None, (), ("read-lock-first",)):
        plan = replace(GPA_PLAN, comparisons=kernel(patches))
        assert Plan.from_json(plan.to_json()) == plan


def test_what_a_worker_says_can_be_written_down() -> None:
    plan = replace(GPA_PLAN, names=("remap_same_frame",))
    begin, message, end = measure(plan)
    assert json.loads(json.dumps(message)) == message
    assert (begin["kind"], end["kind"]) == ("begin", "end")
    assert all(count["value"] >= 0 for count in message["sides"]["gpa"])
    assert message["sides"]["hva"] is None


@pytest.mark.parametrize(
    ("patches", "has_hva"),
    [
        (choose(GPA_ONLY), False),
        (choose(GPA_HVA), True),
        (choose(GPA_HVA, (), ["read-lock-first"]), True),
        (choose(GPA_HVA, (), ["vcpu-info-hva"]), False),
    ],
)
def test_a_back_end_opens_a_vm_on_the_kernel_asked_for(
    patches: frozenset[str], has_hva: bool
) -> None:
    with backend("model").open(VmSize(), patches) as host:
        assert (Feature.SHINFO_HVA in host.features) is has_hva


def test_a_vm_of_another_kernel_knows_the_running_activations() -> None:
    """A copy's own enumerations would compare equal and be others: it shares ours."""
    with backend("model").open(VmSize(), KERNELS[GPA_ONLY]) as host:
        assert vars(type(host))["loop"].__globals__["Activation"] is Activation
