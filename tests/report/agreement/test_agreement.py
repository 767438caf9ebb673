"""Agreement of model and kernel: what agrees, and every planted difference by name."""

from dataclasses import replace

import pytest

from tests.report.agreement import planted
from xenperf.report.agreement.build import agreement
from xenperf.report.agreement.costs import in_activations
from xenperf.report.agreement.model import Agreement, Difference
from xenperf.report.agreement.pages import summary
from xenperf.report.model import Report
from xenperf.stats.agreement import RatioAgreement
from xenperf.stats.samples import NO_HVA
from xenperf.stats.verdict import Verdict


@pytest.fixture
def same(report: Report) -> Agreement:
    return agreement(planted.agreeing(report))


@pytest.fixture
def other(report: Report) -> Agreement:
    return agreement(planted.differing(report))


def named(found: Agreement, name: str) -> Difference:
    (difference,) = (each for each in found.differences if each.name == name)
    return difference


def test_two_that_agree_differ_in_nothing(same: Agreement) -> None:
    assert same.differences == same.lone == same.remarks == ()
    assert summary(same) == (
        "cases: 3 of 3 agree; costs: 5 of 5 agree; outcomes: 44 of 44 agree; "
        "load: 6 of 6 agree; open: 0 open questions"
    )


def test_ratios_agree_by_interval_by_side_or_by_verdict(same: Agreement) -> None:
    assert {pair.model.benchmark: pair.found for pair in same.costs} == {
        "send.delivered": RatioAgreement.OVERLAP,
        "send.masked": RatioAgreement.BOTH_SAME,
        "send.slot_absent": RatioAgreement.SAME_SIDE,
        "shinfo.activate_again": RatioAgreement.OVERLAP,
        "slots.overlay_cycle": RatioAgreement.OVERLAP,
    }


def test_the_order_of_ratios_and_of_times(same: Agreement) -> None:
    ratios, by_gpa, by_hva = same.orders
    assert [order.what for order in same.orders] == ["hva/gpa", "cost by gpa", "cost by hva"]
    assert by_gpa.found is not None
    assert by_gpa.found.rho == pytest.approx(0.9)  # only the absent send changes places
    assert ratios.nr_pairs == by_hva.nr_pairs == 5


def test_a_memslot_request_is_told_in_activations(same: Agreement) -> None:
    on_model, on_live = in_activations(same.costs)["gpa"]
    assert (on_model, on_live) == (pytest.approx(8.0), pytest.approx(30_000 / 2535))
    assert in_activations(same.costs[:2]) == {}


def test_a_case_that_differs_is_open_unless_the_release_is_known_for_it(other: Agreement) -> None:
    unknown = named(other, "send.20_fresh by hva")
    assert (unknown.model, unknown.live, unknown.reason) == ("OK 66", "EFAULT", None)
    known = named(other, "irqfd.79_far_port by gpa")
    assert known.reason is not None
    assert "before v6.12.39" in known.reason.text
    assert known.reason.source.startswith("docs/live.md")


def test_a_release_without_that_answer_explains_nothing(report: Report) -> None:
    given = planted.differing(report)
    assert given.live_run is not None
    newer = {**given.live_run.environment, "kernel": "6.12.39"}
    found = agreement(replace(given, live_run=replace(given.live_run, environment=newer)))
    assert named(found, "irqfd.79_far_port by gpa").reason is None


@pytest.mark.parametrize(
    ("model", "live", "is_known"),
    [
        ("ASLEEP ASLEEP OK", "ASLEEP OK OK", True),
        ("ASLEEP ASLEEP OK", "ASLEEP ASLEEP ASLEEP", False),
        ("ASLEEP ASLEEP ASLEEP", "ASLEEP OK OK", False),
    ],
)
def test_a_poll_that_ran_out_early_is_explained_and_one_that_sleeps_on_is_not(
    report: Report, model: str, live: str, is_known: bool
) -> None:
    given = planted.agreeing(report)
    assert given.model_cases is not None
    assert given.live_cases is not None
    on_model, on_live = (
        replace(side, cases=(planted.case("poll.65_timeout", "gpa", observed, "ASLEEP ASLEEP OK"),))
        for side, observed in ((given.model_cases, model), (given.live_cases, live))
    )
    found = agreement(replace(given, model_cases=on_model, live_cases=on_live))
    (difference,) = found.differences
    assert (difference.reason is not None) is is_known


def test_a_ratio_that_is_drawn_to_1_is_explained_and_the_opposite_is_open(
    other: Agreement,
) -> None:
    drawn = named(other, "slots.overlay_cycle")
    assert drawn.reason is not None
    assert "grace period" in drawn.reason.text
    assert named(other, "send.masked").reason is None


def test_an_irqfd_that_delivers_at_once_is_explained_a_count_that_moved_is_not(
    other: Agreement,
) -> None:
    for metric in ("delivered", "delayed"):
        reason = named(other, f"event_sources.irqfd.stale {metric} by gpa").reason
        assert reason is not None
        assert "at once" in reason.text
    moved = named(other, "event_sources.timer_vcpu_runs.absent lost by gpa")
    assert (moved.model, moved.live, moved.reason) == ("14", "9", None)


def test_an_irqfd_event_that_never_arrives_is_not_explained_away(report: Report) -> None:
    given = planted.differing(report)
    assert given.live_run is not None
    rows = tuple(
        replace(row, base=11.0) if row.metric == "delivered" else row for row in given.live_run.rows
    )
    found = agreement(replace(given, live_run=replace(given.live_run, rows=rows)))
    assert named(found, "event_sources.irqfd.stale delivered by gpa").reason is None


def test_an_event_lost_by_hva_under_load_is_open(other: Agreement) -> None:
    lost = named(other, "send in delete_low by hva")
    assert (lost.model, lost.live, lost.reason) == ("only delivered", "1 lost of 8", None)


@pytest.mark.parametrize(
    ("row", "nr_unexpected"),
    [
        (("send", "gpa", "laid", 9, 1, 0, 0), 1),  # a rest: nothing but delivered
        (("send", "gpa", "delete_low", 9, 1, 0, 0), 1),
        (("send", "gpa", "delete_overlay", 9, 1, 0, 0), 0),
        (("send", "gpa", "delete_overlay", 9, 0, 1, 0), 1),  # a sender is always told
        (("irqfd", "gpa", "delete_overlay", 9, 0, 1, 0), 0),  # an irqfd's writer never
        (("irqfd", "gpa", "delete_overlay", 9, 1, 0, 0), 1),
        (("send", "gpa", "whole", 0, 0, 0, 9), 0),
        (("send", "gpa", "whole", 0, 9, 0, 0), 9),
        (("send", "gpa", "across", 1, 1, 0, 1), 0),
        (("send", "hva", "create_whole", 9, 0, 0, 2), 2),
    ],
)
def test_a_fate_that_the_model_has_not_in_that_phase_is_unexpected(
    report: Report, row: tuple[str, str, str, int, int, int, int], nr_unexpected: int
) -> None:
    given = planted.agreeing(report)
    assert given.live_load is not None
    load = replace(given.live_load, rows=(planted.load_row(*row),))
    found = agreement(replace(given, live_load=load))
    assert [pair.nr_unexpected for pair in found.loads] == [nr_unexpected]
    assert len(found.differences) == bool(nr_unexpected)


def test_of_a_source_that_the_model_was_not_asked_about_nothing_is_said(report: Report) -> None:
    given = planted.agreeing(report)
    assert given.live_load is not None
    load = replace(given.live_load, rows=(planted.load_row("timer", "gpa", "whole", 0, 0, 5, 0),))
    found = agreement(replace(given, live_load=load))
    (pair,) = found.loads
    assert (pair.allowed, pair.nr_unexpected, pair.agrees) == (None, 0, False)
    assert not found.differences
    assert "load: 0 of 1 agree; 1 of which the model's file says nothing;" in summary(found)


def test_what_one_alone_was_asked_is_told_with_the_reason(other: Agreement) -> None:
    assert {(each.name, each.side, each.reason) for each in other.lone} == {
        ("slots.86_lookup", "model", "live does not offer counters"),
        ("process.78_forked", "neither", "one process | only"),
        ("gpc.check", "model", "live does not offer steps"),
        *(
            (
                f"unrelated_slot_change.send refreshes by {activation}",
                "model",
                "a kernel counts none of its refreshes for its VMM",
            )
            for activation in ("gpa", "hva")
        ),
    }


def test_runs_of_different_machines_and_doubts_of_either_are_told(other: Agreement) -> None:
    assert other.remarks == (
        "different machines: slots 1 on the model, 8 live",
        "live: a dirty tree",
    )


def test_a_ratio_without_bounds_is_unknown_and_said_so(report: Report) -> None:
    given = planted.agreeing(report)
    assert given.live_run is not None
    loose = replace(planted.LIVE_COSTS[0], ci=(0.0, float("inf")), notes=("one worker",))
    rows = (loose, *planted.LIVE_COSTS[1:], *planted.counts())
    found = agreement(replace(given, live_run=replace(given.live_run, rows=rows)))
    (lone,) = found.lone
    assert (lone.name, lone.side) == ("send.delivered", "model")
    assert lone.reason == "its ratio has no bounds on the other: one worker"
    assert not found.differences


def test_a_count_that_varied_is_compared_with_nothing(report: Report) -> None:
    given = planted.agreeing(report)
    assert given.live_run is not None
    note = "varied between workers: [0, 1] [0]"
    first, *others = given.live_run.outcomes
    varied = replace(first, verdict=Verdict.INVALID, notes=(note,))
    rows = (*planted.LIVE_COSTS, varied, *others)
    found = agreement(replace(given, live_run=replace(given.live_run, rows=rows)))
    name = f"{first.benchmark} {first.metric}"
    assert [(each.name, each.side, each.reason) for each in found.lone] == [
        (f"{name} by gpa", "model", note),
        (f"{name} by hva", "model", note),
    ]
    assert not found.differences


def test_a_kernel_without_hva_is_said_so(report: Report) -> None:
    given = planted.agreeing(report)
    assert given.live_run is not None
    rows = tuple(
        replace(row, head=None, verdict=Verdict.GONE, notes=(NO_HVA,))
        for row in given.live_run.outcomes
    )
    found = agreement(replace(given, live_run=replace(given.live_run, rows=rows)))
    assert {each.reason for each in found.lone if each.name.endswith("by hva")} == {NO_HVA}
    assert {pair.activation for pair in found.counts} == {"gpa"}
