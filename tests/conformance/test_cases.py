"""Every outcome case on every back end that there is; and every case can fail."""

import platform
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance import liars
from tests.kernels import skipped_if_unavailable
from xenperf.backends import BACKENDS, backend
from xenperf.hypervisor import Activation, Hypervisor, VmSize
from xenperf.model.patches import KERNELS
from xenperf.scenarios.cases.book import CASES, UNASKED, select
from xenperf.scenarios.cases.case import Case, Kernel
from xenperf.scenarios.cases.playing import kernel_of, missing, observe
from xenperf.scenarios.cases.releases import Release, expectation, release_of

Asked = tuple[Case, Activation, str]
ASKED: list[Asked] = [
    (case, activation, expected)
    for case in CASES
    for activation in Activation
    if (expected := case.expected(Kernel.GPA_HVA, activation)) is not None
]


def name_of(asked: Asked) -> str:
    return f"{asked[0].id}-{asked[1]}"


def is_wrong(expected: str, seen: str) -> bool:
    return seen != expected and not seen.startswith("no start")


def named(asked: list[Asked]) -> list[Any]:
    return [pytest.param(*each, id=name_of(each)) for each in asked]


def open_backend(name: str, size: VmSize) -> Hypervisor:
    with skipped_if_unavailable():
        return backend(name).open_to_count(size)


@pytest.mark.parametrize("name", ["model", pytest.param("live", marks=pytest.mark.live)])
@pytest.mark.parametrize(
    ("case", "activation"), [pytest.param(*each[:2], id=name_of(each)) for each in ASKED]
)
def test_a_back_end_shows_what_a_kernel_does(case: Case, activation: Activation, name: str) -> None:
    with open_backend(name, case.shape.vm_size) as host:
        reason = missing(case, host)
        if reason is not None:
            pytest.skip(reason)
        release = _running() if name == "live" else None
        wanted = expectation(case, kernel_of(host), activation, release)
        if wanted is None:
            pytest.skip(f"the kernel behind {name} has no activation by {activation}")
        assert observe(case, host, activation) == wanted.text


def _running() -> Release | None:
    return release_of(platform.release(), platform.version())


OTHERS = [
    pytest.param(case, kernel, activation, id=f"{case.id}-{kernel}-{activation}")
    for case in CASES
    for kernel in (Kernel.GPA_ONLY, Kernel.ATOMIC)
    for activation in Activation
    if case.expected(kernel, activation) is not None
]


@pytest.mark.parametrize(("case", "kernel", "activation"), OTHERS)
def test_the_model_shows_what_other_kernels_do(
    case: Case, kernel: Kernel, activation: Activation
) -> None:
    with backend("model").open(case.shape.vm_size, KERNELS[kernel]) as host:
        assert kernel_of(host) is kernel
        reason = missing(case, host)
        if reason is not None:
            pytest.skip(reason)
        assert observe(case, host, activation) == case.expected(kernel, activation)


def played(liar: Callable[[Hypervisor], Any], asked: list[Asked]) -> Iterator[tuple[str, str, str]]:
    """Play on the model as *liar* tells it; give what was expected and what was observed."""
    for each in asked:
        case, activation, expected = each
        with backend("model").open(case.shape.vm_size, KERNELS[Kernel.ATOMIC]) as host:
            try:
                yield name_of(each), expected, observe(case, liar(host), activation)
            except ValueError as error:  # the lie led the case to a page that is not there
                yield name_of(each), expected, str(error)


@pytest.mark.slow
def test_every_case_is_failed_by_some_wrong_back_end() -> None:
    """A case that could not even begin does not count."""
    left = list(ASKED)
    for liar in liars.LIARS:
        caught = {name for name, expected, seen in played(liar, left) if is_wrong(expected, seen)}
        left = [each for each in left if name_of(each) not in caught]
    assert [name_of(each) for each in left] == []


@pytest.mark.parametrize(
    ("liar", "found_out_by"),
    [
        (
            liars.SwallowsSends,
            ["send.20_fresh", "window.43_overlay_created", "attr.2_never_active"],
        ),
        (liars.RefusesSends, ["send.20_fresh", "notifier.72_page_replaced", "shadow.29_away"]),
        (liars.SeesNothing, ["send.20_fresh", "shadow.31_back_and_run", "send.110_four_words"]),
        (liars.NeverEnters, ["shadow.31_back_and_run", "vector.117_quiet", "dirty.136_merge"]),
        (liars.KeepsSlots, ["window.141_as_qemu", "window.41_ram_deleted"]),
        (liars.NeverOff, ["attr.7_off", "irqfd.55_off", "timer.153_off"]),
        (liars.NoSources, ["irqfd.52_fresh", "timer.51_fresh", "ports.58_guest_send"]),
        (liars.NeverWakes, ["poll.64_set", "poll.65_timeout", "poll.77_masked"]),
        (liars.MissesNotifications, ["notifier.123_page_unmapped", "attr.14_page_read_only"]),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_wrong_back_end_is_found_out(
    liar: Callable[[Hypervisor], Any], found_out_by: list[str]
) -> None:
    asked = [each for each in ASKED if each[0].id in found_out_by]
    wrong = {name for name, expected, seen in played(liar, asked) if is_wrong(expected, seen)}
    assert {name.rpartition("-")[0] for name in wrong} == set(found_out_by)


def test_the_true_back_end_is_not_found_out_behind_a_wrapper() -> None:
    assert all(seen == expected for _, expected, seen in played(liars.Liar, ASKED[:20]))


def test_a_case_without_a_start_says_why() -> None:
    (case,), _ = select(["send.20_fresh"])
    with backend("model").open(case.shape.vm_size) as host:
        seen = observe(case, liars.ActivatesNever(host), Activation.GPA)
    assert seen == "no start: start of a case: refused: OK OK OK OK, EINVAL"


def test_names_and_numbers_are_given_out_once() -> None:
    ids = [each.id for each in (*CASES, *UNASKED)]
    numbers = [int(name.partition(".")[2].partition("_")[0]) for name in ids]
    assert len(set(ids)) == len(ids)
    assert len(set(numbers)) == len(numbers)


def test_every_case_is_about_something() -> None:
    for case in CASES:
        assert case.by_gpa or case.by_hva
        assert case.operation
    assert all(case.reason for case in UNASKED)


def test_the_older_kernel_has_no_hva() -> None:
    for case in CASES:
        assert case.expected(Kernel.GPA_ONLY, Activation.HVA) is None


def test_every_back_end_is_asked() -> None:
    assert set(BACKENDS) == {"model", "live"}
