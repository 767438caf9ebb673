"""Where a VM's objects begin: at drawn cache lines, and the model does the same wherever it is."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.invariants import assert_consistent
from xenperf.hypervisor import Activation, Hypervisor, Operation
from xenperf.jit import INTERPRETED
from xenperf.model.host import ModelHost
from xenperf.model.loops import BoundLoop
from xenperf.model.state import PLACED, laid_out
from xenperf.scenarios.kinds import ready
from xenperf.units import PAGE_SIZE
from xenperf.vmm.machine import Shape

SHAPE = Shape(nr_slots=3)
PARTS = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(1, 20_000), max_size=6)
SEEDS = st.integers(0, 1 << 63)


@given(parts=PARTS, placement=st.none() | SEEDS)
def test_parts_are_whole_cache_lines_that_do_not_overlap(
    parts: dict[str, int], placement: int | None
) -> None:
    offsets, end = laid_out(parts, placement)
    assert list(offsets) == list(parts)
    following = [*list(offsets.values())[1:], end]
    for (name, start), after in zip(offsets.items(), following, strict=bool(parts)):
        assert start % 64 == 0
        assert start + parts[name] <= after
    assert end <= sum(size + 64 + PAGE_SIZE for size in parts.values())


@given(parts=PARTS, placement=SEEDS)
def test_a_part_lies_where_seed_and_name_say_whatever_else_there_is(
    parts: dict[str, int], placement: int
) -> None:
    offsets, _ = laid_out(parts, placement)
    for name, offset in offsets.items():
        alone, _ = laid_out({name: 1}, placement)
        assert alone[name] == offset % PAGE_SIZE


def test_without_a_seed_there_are_no_gaps() -> None:
    assert laid_out({"a": 1, "b": 64, "c": 65}, None) == ({"a": 0, "b": 64, "c": 128}, 256)


def test_seeds_reach_every_cache_line_of_a_page() -> None:
    found = {laid_out({"vm": 1024}, seed)[0]["vm"] for seed in range(1_000)}
    assert found == set(range(0, PAGE_SIZE, 64))


@pytest.fixture(params=[None, 0, 1, 4_711_000])
def host(request: pytest.FixtureRequest) -> Iterator[ModelHost]:
    with ModelHost(SHAPE.vm_size, request.param) as made:
        yield made
        assert_consistent(made)


def _told(host: Hypervisor, activation: Activation) -> tuple[int, dict[str, int]]:
    setting = ready(host, SHAPE, activation)
    return setting.loop(Operation.SEND_AND_HANDLE, 0)(64), host.counters()


@pytest.mark.parametrize("activation", list(Activation))
def test_the_model_does_the_same_wherever_its_objects_lie(
    host: ModelHost, activation: Activation
) -> None:
    with ModelHost(SHAPE.vm_size) as unplaced:
        assert _told(host, activation) == _told(unplaced, activation)


def test_a_loop_says_where_it_and_what_it_reads_begin(host: ModelHost) -> None:
    loop = ready(host, SHAPE, Activation.GPA).loop(Operation.SEND, 1)
    assert isinstance(loop, BoundLoop)
    assert loop(16) == 16
    offsets = loop.page_offsets()
    assert {name: offsets[name] for name in PLACED} == {
        name: host.state.khva(name) % PAGE_SIZE for name in PLACED
    }
    assert offsets["requests"] == loop.bound.a % PAGE_SIZE
    assert ("code" in offsets) is not INTERPRETED
    assert offsets["shinfo_gpc"] == (offsets["vm"] + 384) % PAGE_SIZE
    assert all(0 <= offset < PAGE_SIZE for offset in offsets.values())
