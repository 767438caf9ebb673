from collections.abc import Iterator

import pytest

from tests.peer.cases import CALLS, NEED_KHVA
from tests.peer.machine import Machine
from tests.peer.states import STATES
from tests.peer.three_ways import Kernels, assert_all_alike, model_kernels
from xenperf.units import PAGE_SIZE


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


def test_every_kernel_has_a_case_and_every_case_a_kernel() -> None:
    assert sorted(CALLS) == model_kernels()


@pytest.mark.parametrize("state", sorted(STATES))
def test_compiled_interpreted_and_c_do_the_same(
    machine: Machine, ways: dict[str, Kernels], state: str
) -> None:
    """Each kernel, each of its calls: the same result, and the same memory to the last byte."""
    _assert_alike(machine, ways, state)


@pytest.fixture
def placed_machine() -> Iterator[Machine]:
    made = Machine(placement=4_711)
    yield made
    made.close()


@pytest.mark.parametrize("state", ["stale_gpa", "shadowed_hva"])
def test_they_do_the_same_where_every_part_begins_elsewhere_in_its_page(
    placed_machine: Machine, ways: dict[str, Kernels], state: str
) -> None:
    assert placed_machine.vm % PAGE_SIZE
    _assert_alike(placed_machine, ways, state)


def _assert_alike(machine: Machine, ways: dict[str, Kernels], state: str) -> None:
    STATES[state](machine)
    before = machine.save()
    for name in model_kernels():
        if name in NEED_KHVA and not machine.has_khvas():
            continue
        for words in CALLS[name](machine):
            assert_all_alike(machine, ways, [(name, words)])
            machine.restore(before)
