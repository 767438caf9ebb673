"""Which expectation a release is judged by, and that the table is about cases that there are."""

import pytest

from xenperf.hypervisor import Activation
from xenperf.scenarios.cases.book import CASES
from xenperf.scenarios.cases.case import Case, Kernel
from xenperf.scenarios.cases.releases import (
    ALIGNED,
    CHANGES,
    DIFFERENCES,
    FAR_PORT,
    Release,
    Side,
    expectation,
    release_of,
)

GPA, HVA = Activation
BY_ID = {case.id: case for case in CASES}


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.12.95+deb12-amd64", Release(6, 12, 95)),
        ("6.1.0-56-amd64", Release(6, 1)),
        ("7.2-rc3", Release(7, 2)),
        ("6.9", Release(6, 9, 0)),
        ("next-20260101", None),
        ("", None),
    ],
)
def test_the_release_is_what_the_kernels_name_begins_with(
    text: str, release: Release | None
) -> None:
    assert release_of(text) == release


@pytest.mark.parametrize(
    ("name", "version", "patch"),
    [
        ("6.1.0-50-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-05)", 176),
        ("6.1.0-50-amd64", "#1 SMP", 0),
        ("6.1.190", "built with 5.1.200 and 6.10.201", 190),
        ("6.1.190", "6.1.3", 190),
    ],
)
def test_a_patch_level_that_the_name_hides_may_stand_in_the_version(
    name: str, version: str, patch: int
) -> None:
    assert release_of(name, version) == Release(6, 1, patch)


@pytest.mark.parametrize(
    ("release", "told"),
    [
        ("6.6.30", ("EINVAL none", "before v6.16")),
        ("6.12.38", ("EINVAL none", "before v6.12.39")),
        ("6.12.39", ("OK none", "usual")),
        ("6.1.192", ("OK none", "usual")),
        ("6.13.1", ("EINVAL none", "before v6.16")),  # mainline decides where no backport is known
        ("6.16", ("OK none", "usual")),
        ("7.2.13", ("OK none", "usual")),
    ],
)
def test_a_backport_counts_in_its_own_series_only(release: str, told: tuple[str, str]) -> None:
    by_gpa = expectation(BY_ID["irqfd.79_far_port"], Kernel.GPA_HVA, GPA, release_of(release))
    assert by_gpa == told


def test_what_only_a_stable_series_has_is_expected_of_no_other() -> None:
    places = BY_ID["vcpu_info.17_places"]
    for release, wanted in (
        ("6.12.116", "OK OK EINVAL"),
        ("6.12.117", "ENXIO OK EINVAL"),
        ("6.18.1", "OK OK EINVAL"),
    ):
        for by in Activation:
            found = expectation(places, Kernel.GPA_HVA, by, release_of(release))
            assert found is not None
            assert found.text == wanted
    assert not ALIGNED.is_in(Release(6, 13))


def test_an_old_kernels_timers_and_polls_are_judged_by_what_it_does() -> None:
    fresh, poll = BY_ID["timer.51_fresh"], BY_ID["poll.162_unmasked"]
    for release, timer_basis, poll_basis in (
        ("6.1.192", "before v6.7", "before v6.2"),
        ("6.6.1", "before v6.7", "usual"),
        ("6.8.1", "usual", "usual"),
    ):
        for case, basis in ((fresh, timer_basis), (poll, poll_basis)):
            found = expectation(case, Kernel.GPA_ONLY, GPA, release_of(release))
            assert found is not None
            assert found.basis == basis
            assert (found.text == case.by_gpa) == (basis == "usual")


def test_the_model_is_no_release_and_is_judged_by_the_cases_own() -> None:
    for case in CASES:
        for kernel in Kernel:
            for by in Activation:
                found = expectation(case, kernel, by, None)
                assert (found and found.text) == case.expected(kernel, by)
                assert found is None or found.basis == "usual"


def test_nothing_is_asked_by_hva_of_a_kernel_without_it() -> None:
    case = BY_ID["irqfd.79_far_port"]
    assert expectation(case, Kernel.GPA_ONLY, HVA, Release(6, 1)) is None


def test_every_difference_is_one_of_a_case_that_there_is() -> None:
    for each in DIFFERENCES:
        case: Case = BY_ID[each.case]
        assert each.change in CHANGES
        assert each.by_gpa not in (case.by_gpa, case.expected(Kernel.GPA_ONLY, GPA))
        old = each.change.mainline is not None and each.change.mainline < Release(6, 9)
        assert (each.by_hva is None) == (old and each.side is Side.BEFORE)
    assert len({each.case for each in DIFFERENCES}) == len(DIFFERENCES)


def test_every_change_says_what_and_how_it_is_known() -> None:
    for change in CHANGES:
        assert change.what
        assert change.source
    assert FAR_PORT.first_in(Release(6, 12, 1)) == Release(6, 12, 39)
    assert [str(each) for each in (Release(6, 7), Release(6, 12, 39))] == ["v6.7", "v6.12.39"]
