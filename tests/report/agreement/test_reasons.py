"""The reasons: each is written where it says, about something that exists, and not stretched."""

import fnmatch
from pathlib import Path

import pytest

from xenperf.report.agreement.model import Subject
from xenperf.report.agreement.reasons import KNOWN, Condition, Known, explain, release_of
from xenperf.scenarios import catalogue
from xenperf.scenarios.cases.book import CASES

ROOT = Path(__file__).parents[3]
RIGHT = [Condition.RIGHT]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.subject} {known.glob}")
def test_its_source_is_there(known: Known) -> None:
    name, _, place = known.source.partition(", ")
    assert place.strip("'") in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.subject} {known.glob}")
def test_it_is_about_something_that_is_asked(known: Known) -> None:
    if known.subject is Subject.CASE:
        names = [case.id for case in CASES]
    elif known.subject is Subject.COST:
        names = catalogue.names()
    else:
        names = [known.glob] if catalogue.is_scenario(known.glob.partition(".")[0]) else []
    assert fnmatch.filter(names, known.glob)


@pytest.mark.parametrize(
    ("kernel", "name", "is_known"),
    [
        ("6.12.38-1-amd64", "irqfd.79_far_port", True),
        ("6.12.39", "irqfd.79_far_port", False),
        ("6.12.95+deb12-amd64", "vcpu_info.17_places", False),
        ("6.12.117", "vcpu_info.17_places", True),
        ("6.13.0-rc1", "vcpu_info.17_places", False),
        ("6.1.192", "poll.180_long", True),
        ("6.2.0", "poll.180_long", False),
        ("6.6.1", "timer.51_fresh", True),
        ("6.7", "timer.51_fresh", False),
        ("7.2.13+deb14-cloud-amd64", "shadow.130_wake_up_used", True),
        ("nonsense", "timer.51_fresh", False),
        ("6.12.38", "send.20_fresh", False),
    ],
)
def test_it_holds_for_its_releases_only(kernel: str, name: str, is_known: bool) -> None:
    found = explain(Subject.CASE, name, release_of(kernel), RIGHT)
    assert (found is not None) is is_known


def test_a_model_that_is_wrong_itself_is_never_explained() -> None:
    for known in KNOWN:
        if known.subject is Subject.CASE:
            for release in ((6, 1), (6, 12, 38), (6, 12, 117)):
                assert explain(Subject.CASE, known.glob, release) is None


@pytest.mark.parametrize(
    ("kernel", "release"),
    [
        ("6.12.95+deb12-amd64", (6, 12, 95)),
        ("7.0", (7, 0)),
        ("6.18.44-fc-v657", (6, 18, 44)),
        ("6", ()),
        ("v6.1", ()),
        (None, ()),
    ],
)
def test_a_release_is_its_leading_numbers(kernel: str | None, release: tuple[int, ...]) -> None:
    assert release_of(kernel) == release
