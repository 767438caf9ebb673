"""Whatever is done to a modelled VM, in any order: the oracle, which shares no code, agrees."""

import functools
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.vm_machine import VmMachine
from xenperf.abi.status import Status
from xenperf.model.patches import ATOMIC, GPA_HVA, GPA_ONLY
from xenperf.sources import GuestCall

drawn = settings(
    max_examples=10,
    stateful_step_count=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

EINVAL, EFAULT, LATER = Status.EINVAL, Status.EFAULT, Status.EWOULDBLOCK
MASKED, EEXIST, EXIT = Status.ENOTCONN, Status.EEXIST, GuestCall.LEFT_TO_VMM
IN_ANY = {
    *(f"send {rc:d}" for rc in (1, 0, MASKED, EFAULT, EINVAL)),
    f"send, bad argument {EINVAL:d}",
    *("selected", "selected before", "shadowed", "shadowed before", "vector injected"),
    *("wrong page", "merge", "merge failed", "marked dirty", "has interrupt 0", "has interrupt 1"),
    *(f"refresh R{branch}" for branch in range(5)),
    *(f"shared_info by gpa {rc:d}" for rc in (0, EFAULT)),
    *(f"vcpu_info by gpa {rc:d}" for rc in (0, EFAULT, EINVAL)),
    *(f"memslot 0, {nr} swaps" for nr in range(3)),
    *(f"memslot {rc:d}, 0 swaps" for rc in (EEXIST, EINVAL)),
    *(f"irqfd {rc:d}" for rc in (1, 0, LATER, EINVAL)),
    *(f"irq line {rc}" for rc in (1, 0, -1)),
    *("irqfd, later -1", "eventfd signalled"),
    *(f"guest send {rc:d}" for rc in (0, EXIT)),
    *(f"timer {rc:d}" for rc in (1, 0, LATER)),
    "timer, not too soon",
    *("poll 1", f"poll {EINVAL:d}", "poll of what cannot be seen", "poll timed out"),
    "memslot request that waits for a poll",
    "memslot request that would not return",
    *("masked, but polled", "woken by kick", "woken by shadow", "woken by vector"),
    *(f"port {flags} {rc:d}" for flags in (0, 2) for rc in (0, EINVAL)),
    *(f"port 0 {EEXIST:d}", f"singleshot {EINVAL:d}"),
}
BY_HVA = {
    *(f"{what} by hva {rc:d}" for what in ("shared_info", "vcpu_info") for rc in (0, EFAULT)),
    *(f"{what} by hva {EINVAL:d}" for what in ("shared_info", "vcpu_info")),
    *(f"long mode {EFAULT:d}", "irqfd, later 1", "timer, injected 1", "poll 0"),
}
REACHED = {
    GPA_HVA: IN_ANY
    | BY_HVA
    | {"port 4 0", "merge of the lower half", f"timer, injected {EFAULT:d}"},
    GPA_ONLY: IN_ANY | {"refused: vcpu_info is off", f"timer {EINVAL:d}"},
    ATOMIC: IN_ANY | BY_HVA | {"at once", "at once, refused"},
}
"""What each machine must have come to, or it has lost its bite."""


def play(kernel: str, seeds: Iterable[int], how: settings = drawn) -> Counter[str]:
    """Play ten sequences for each seed; return how often each kind of outcome came up.

    Only ten, because hypothesis makes variations of the sequences it has from the eleventh on, and
    new ones find more.
    """
    seen: Counter[str] = Counter()
    for number in seeds:
        machine = functools.partial(VmMachine, kernel, seen)
        run_state_machine_as_test(seed(number)(machine), settings=how)
    return seen


@pytest.mark.parametrize(("kernel", "nr_seeds"), [(GPA_HVA, 24), (GPA_ONLY, 12), (ATOMIC, 12)])
def test_the_oracle_agrees_and_every_kind_of_outcome_comes_up(kernel: str, nr_seeds: int) -> None:
    """The same draws on every run; some more of them where a kind of outcome is late."""
    seen = play(kernel, range(nr_seeds))
    for number in range(nr_seeds, 4 * nr_seeds):
        if REACHED[kernel] <= seen.keys():
            break
        seen.update(play(kernel, [number]))
    assert sorted(REACHED[kernel] - seen.keys()) == []


@pytest.mark.slow
@pytest.mark.parametrize("kernel", [GPA_HVA, GPA_ONLY, ATOMIC])
def test_the_oracle_agrees_on_sequences_that_are_new_each_time(kernel: str) -> None:
    machine = functools.partial(VmMachine, kernel, Counter[str]())
    run_state_machine_as_test(machine, settings=settings(drawn, max_examples=400))
