"""The overlay in as few publishes as the kernel allows: what that solves and what stays."""

import pytest

from xenperf.backends import backend
from xenperf.hypervisor import Activation
from xenperf.model.patches import ATOMIC, GPA_HVA, GPA_ONLY, KERNELS
from xenperf.scenarios.atomic import ROUNDS, AtomicOverlay
from xenperf.vmm.machine import Shape

GPA, HVA = Activation.GPA, Activation.HVA
Counts = dict[tuple[str, str], int]


def observe(kernel: str, activation: Activation, shape: Shape) -> Counts:
    with backend("model").open(shape.vm_size, KERNELS[kernel]) as host:
        counts = AtomicOverlay().run(host, shape, activation)
    return {(count.subject, count.metric): count.value for count in counts}


@pytest.mark.parametrize("shape", [Shape(), Shape(nr_slots=9, long_mode=False)])
def test_at_once_nothing_is_refused_and_three_hazards_stay(shape: Shape) -> None:
    by_gpa, by_hva = (observe(ATOMIC, activation, shape) for activation in (GPA, HVA))
    assert by_gpa["cycle", "swaps"] == by_hva["cycle", "swaps"] == 2 * ROUNDS
    assert by_gpa["cycle", "refused"] == by_hva["cycle", "refused"] == 0
    assert by_gpa["cycle", "slow_sends"] == 2 * ROUNDS  # every publish makes the cache stale
    assert by_gpa["cycle", "wrong_page"] == ROUNDS
    assert by_gpa["pending", "left_behind"] == 1
    assert by_gpa["unmapped", "refused"] == 1
    assert by_hva["cycle", "slow_sends"] == by_hva["cycle", "wrong_page"] == 0
    assert by_hva["unmapped", "refused"] == 0


@pytest.mark.parametrize("kernel", [GPA_ONLY, GPA_HVA])
def test_one_after_another_four_of_eight_sends_are_refused_by_gpa(kernel: str) -> None:
    by_gpa = observe(kernel, GPA, Shape())
    assert by_gpa["cycle", "requests"] == 8 * ROUNDS
    assert by_gpa["cycle", "refused"] == 4 * ROUNDS
    assert by_gpa["cycle", "swaps"] == 12 * ROUNDS


def test_by_hva_nothing_is_refused_either_way() -> None:
    by_hva = observe(GPA_HVA, HVA, Shape())
    assert (by_hva["cycle", "refused"], by_hva["unmapped", "refused"]) == (0, 0)
