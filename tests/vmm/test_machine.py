"""The machine: sizes that exist, RAM that is all there, and the order of memslot requests."""

import itertools

import pytest

from xenperf.abi.kvm import INVALID_GFN
from xenperf.backends import backend
from xenperf.errors import MeasurementError, UsageError
from xenperf.hypervisor import Activation
from xenperf.units import PAGE_SIZE, Gfn, Gpa
from xenperf.vmm.activate import activate_all, activate_shinfo, deactivate_shinfo
from xenperf.vmm.machine import RAM_PAGES, Shape, assemble, play, without
from xenperf.vmm.overlay import break_apart, regions, rejoin


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"nr_slots": 0}, "slots 0"),
        ({"nr_slots": 32763}, "slots 32763"),
        ({"nr_vcpus": 0}, "vcpus 0"),
        ({"nr_vcpus": 1025}, "vcpus 1025"),
        ({"port": 0}, "port 0"),
        ({"port": 4096}, "port 4096"),
        ({"port": 1024, "long_mode": False}, "port 1024"),
    ],
)
def test_a_size_out_of_range_is_named_in_one_line(numbers: dict[str, int], named: str) -> None:
    with pytest.raises(UsageError) as refused:
        Shape(**numbers)  # type: ignore[arg-type]
    assert str(refused.value).startswith(f"{named}: out of range; give 1 to ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "shape", [Shape(port=4095), Shape(port=1023, long_mode=False), Shape(nr_slots=32762)]
)
def test_the_last_number_in_range_is_accepted(shape: Shape) -> None:
    with backend("model").open(shape.vm_size) as host:
        machine = assemble(host, shape)
        play(host, regions(break_apart(machine)))
        activate_all(host, machine, Activation.GPA)


def test_the_parts_cover_ram_exactly_once_around_the_overlay() -> None:
    with backend("model").open(Shape().vm_size) as host:
        machine = assemble(host, Shape())
    parts = [machine.low(), machine.overlay(), machine.high()]
    assert parts[0].gpa == 0
    for before, after in itertools.pairwise(parts):
        assert before.gpa + before.nr_bytes == after.gpa
    assert parts[-1].gpa + parts[-1].nr_bytes == RAM_PAGES * PAGE_SIZE
    assert machine.high().hva - machine.ram_hva == machine.high().gpa
    assert not machine.ram_hva <= machine.overlay_hva < machine.ram_hva + RAM_PAGES * PAGE_SIZE


def test_breaking_apart_takes_five_swaps_and_rejoining_seven() -> None:
    with backend("model").open(Shape().vm_size) as host:
        machine = assemble(host, Shape())
        start = host.counters()
        play(host, regions(break_apart(machine)))
        apart = host.counters()
        play(host, regions(rejoin(machine)))
        whole = host.counters()
    assert apart["nr_swaps"] - start["nr_swaps"] == 5
    assert apart["generation"] - start["generation"] == 10
    assert whole["nr_swaps"] - apart["nr_swaps"] == 7
    assert whole["generation"] - apart["generation"] == 14


def test_a_request_that_fails_is_named() -> None:
    with backend("model").open(Shape().vm_size) as host:
        machine = assemble(host, Shape())
        with pytest.raises(MeasurementError, match="memslot 1: request failed with -22"):
            play(host, [without(machine.overlay())])


@pytest.mark.parametrize("activation", list(Activation))
def test_activation_fails_by_gpa_alone_while_the_frame_has_no_slot(activation: Activation) -> None:
    with backend("model").open(Shape().vm_size) as host:
        machine = assemble(host, Shape())
        play(host, [without(machine.whole)])
        by_gpa = activation is Activation.GPA
        assert activate_shinfo(host, machine, activation) == (-14 if by_gpa else 0)
        deactivate_shinfo(host, activation)


def test_vcpu_info_blocks_lie_side_by_side_in_ram() -> None:
    shape = Shape(nr_vcpus=1024)
    with backend("model").open(shape.vm_size) as host:
        machine = assemble(host, shape)
        assert machine.vcpu_info_gpa(1023) == Gpa(machine.vcpu_info_gpa(0) + 1023 * 64)
        assert machine.vcpu_info_gpa(1023) < machine.overlay().gpa
        activate_all(host, machine, Activation.HVA)
        assert host.activate_shinfo_gfn(INVALID_GFN) == 0
        assert host.activate_shinfo_gfn(Gfn(RAM_PAGES)) == -14
