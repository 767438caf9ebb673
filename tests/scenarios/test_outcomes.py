"""Outcomes: what real kernels answered to the same requests, phase by phase."""

from collections.abc import Callable

import pytest

from xenperf.backends import backend
from xenperf.hypervisor import Activation
from xenperf.scenarios import catalogue
from xenperf.vmm.machine import Shape

Counts = dict[tuple[str, str], int]
SHAPES = [Shape(), Shape(long_mode=False), Shape(nr_slots=64), Shape(port=4000)]


@pytest.fixture
def observe() -> Callable[[str, Activation, Shape], Counts]:
    def run(name: str, activation: Activation, shape: Shape) -> Counts:
        with backend("model").open(shape.vm_size) as host:
            counts = catalogue.scenario(name).run(host, shape, activation)
        return {(count.subject, count.metric): count.value for count in counts}

    return run


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_by_gpa_a_break_apart_refuses_every_send_while_the_frame_is_absent(
    observe: Callable[..., Counts], shape: Shape
) -> None:
    counts = observe("break_apart", Activation.GPA, shape)
    refused = {subject: n for (subject, metric), n in counts.items() if metric == "refused"}
    absent = {"delete_overlay", "delete_high", "delete_whole", "create_low"}
    assert {phase for phase, n in refused.items() if n == 64} == absent
    assert sum(refused.values()) == 4 * 64


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_by_hva_a_break_apart_loses_nothing(observe: Callable[..., Counts], shape: Shape) -> None:
    counts = observe("break_apart", Activation.HVA, shape)
    assert len(counts) == 2 * 9
    assert not any(counts.values())  # each of the 576 sends is accounted for, so all arrived


def test_by_gpa_events_land_in_ram_once_it_is_whole_again(observe: Callable[..., Counts]) -> None:
    counts = observe("break_apart", Activation.GPA, Shape())
    misplaced = {phase for (phase, metric), n in counts.items() if metric == "wrong_page" and n}
    assert misplaced == {"create_whole"}
    assert counts["create_whole", "wrong_page"] == 64


def test_an_unrelated_slot_change_costs_a_slow_send_and_the_shadow_by_gpa_only(
    observe: Callable[..., Counts],
) -> None:
    by_gpa, by_hva = (observe("unrelated_slot_change", a, Shape()) for a in Activation)
    assert by_gpa["send", "slow_sends"] == by_gpa["send", "selector_shadowed"] == 16
    assert by_hva["send", "slow_sends"] == by_hva["send", "selector_shadowed"] == 0
    assert by_gpa["send", "refused"] == by_hva["send", "refused"] == 0
    assert by_gpa["send", "swaps"] == by_hva["send", "swaps"] == 16


@pytest.mark.parametrize("activation", list(Activation))
def test_a_new_page_under_the_hva_is_found_by_both(
    observe: Callable[..., Counts], activation: Activation
) -> None:
    counts = observe("remap_same_frame", activation, Shape())
    assert counts["send", "refused"] == 0
    assert counts["send", "in_new_page"] == counts["send", "gups"] == 16


def test_moving_to_another_frame_needs_no_activation_by_hva(
    observe: Callable[..., Counts],
) -> None:
    by_gpa, by_hva = (observe("remap_other_frame", a, Shape()) for a in Activation)
    assert by_gpa["move", "activations"] == 16
    assert by_gpa["move", "refused"] == 16 * 8  # switched off all the while
    assert by_hva["move", "activations"] == by_hva["move", "refused"] == 0
    assert by_gpa["move", "swaps"] == by_hva["move", "swaps"] == 16 * 12


@pytest.mark.parametrize("name", [scenario.name for scenario in catalogue.SCENARIOS])
def test_compiled_and_interpreted_steps_count_the_same(name: str) -> None:
    for activation in Activation:
        counted = []
        for open_vm in (backend("model").open, backend("model").open_to_count):
            with open_vm(Shape().vm_size) as host:
                counted.append(catalogue.scenario(name).run(host, Shape(), activation))
        assert counted[0] == counted[1]
