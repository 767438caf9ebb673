"""Other kernels than the merged one: the wished atomic update, and the one before the series."""

from pathlib import Path

import pytest

from tests.explore.planted import planted
from xenperf.explore.operations import default_pairs, names_on
from xenperf.explore.pair import Found, Pair
from xenperf.explore.tap import Tap
from xenperf.hypervisor import Activation
from xenperf.model.patches import ATOMIC, GPA_HVA, GPA_ONLY, KERNELS

GPA, HVA = Activation.GPA, Activation.HVA
AT_ONCE = "overlay_at_once"

# With at most two preemptions: schedules by GPA, those in which the send is refused, and by HVA.
BY_KERNEL = {
    ("break_apart", ATOMIC): (5047, 1673, 219),
    (AT_ONCE, ATOMIC): (2106, 0, 204),
}
BEFORE_THE_SERIES = {"send": (122, 0), "deactivate": (210, 0), "break_apart": (5675, 1892)}


@pytest.fixture(scope="module")
def atomic() -> Tap:
    return Tap(patches=KERNELS[ATOMIC])


def explored(first: str, second: str, by: Activation, tap: Tap) -> Found:
    with Pair(first, second, by, tap) as pair:
        return pair.explore(2)


@pytest.mark.parametrize(("other", "kernel"), BY_KERNEL)
def test_one_publish_refuses_no_send_where_five_swaps_do(other: str, kernel: str) -> None:
    tap = Tap(patches=KERNELS[kernel])
    by_gpa, by_hva = explored("send", other, GPA, tap), explored("send", other, HVA, tap)
    found = by_gpa.nr_schedules, by_gpa.nr_refused_sends, by_hva.nr_schedules
    assert found == BY_KERNEL[other, kernel]
    assert by_gpa.violations == by_hva.violations == ()
    if other == AT_ONCE:
        assert by_gpa.outcomes == {"delivered + ok": by_gpa.nr_schedules}


@pytest.mark.slow
@pytest.mark.parametrize("first", [a for a, b in default_pairs(KERNELS[ATOMIC]) if b == AT_ONCE])
def test_no_schedule_of_the_atomic_update_violates_anything(
    first: str, activation: Activation, atomic: Tap
) -> None:
    assert explored(first, AT_ONCE, activation, atomic).violations == ()


def test_only_the_atomic_kernel_has_the_atomic_update() -> None:
    assert AT_ONCE in names_on(KERNELS[ATOMIC])
    assert AT_ONCE not in names_on(KERNELS[GPA_HVA])
    assert (AT_ONCE, "break_apart") not in default_pairs(KERNELS[ATOMIC])


@pytest.mark.parametrize("other", BEFORE_THE_SERIES)
def test_the_kernel_before_the_series_has_counts_of_its_own(other: str) -> None:
    found = explored("send", other, GPA, Tap(patches=KERNELS[GPA_ONLY]))
    assert (found.nr_schedules, found.nr_refused_sends) == BEFORE_THE_SERIES[other]
    assert found.violations == ()


def test_a_publish_that_does_not_wait_for_senders_is_found(tmp_path: Path) -> None:
    source = planted(tmp_path, "senders_are_not_held")
    with Pair("send", AT_ONCE, GPA, Tap(source, KERNELS[ATOMIC])) as faulty:
        (violation,) = faulty.explore(2).violations
        assert violation.what == "an event was written to a page that no memslot shows there"
        assert violation.what in faulty.replay(violation.schedule).violations
