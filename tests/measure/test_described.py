"""What a worker says of a benchmark beside its times."""

import pytest

from xenperf.measure.sides import BY_ACTIVATION, Build, between_builds
from xenperf.measure.worker import counted, described
from xenperf.scenarios.catalogue import benchmark
from xenperf.stats.samples import CPU_TIME, INSTRUCTIONS, WALL_TIME

BETWEEN = between_builds([("base", Build(tree="/a")), ("head", Build(tree="/b"))], [])


@pytest.mark.parametrize(
    ("name", "backend", "clock"),
    [
        ("slots.overlay_cycle", "live", WALL_TIME),
        ("slots.overlay_cycle", "model", CPU_TIME),
        ("send.delivered", "live", CPU_TIME),
    ],
)
def test_wall_time_judges_what_a_real_kernel_sleeps_in(name: str, backend: str, clock: str) -> None:
    assert described(benchmark(name), BY_ACTIVATION, backend)["metric"] == clock


def test_a_step_is_a_control_between_activations_and_a_cost_between_builds() -> None:
    step = benchmark("lock.read")
    assert described(step, BY_ACTIVATION, "model")["is_control"]
    between = described(step, BETWEEN[0], "model")
    assert (between["is_control"], between["variant"]) == (False, "")
    assert described(step, BETWEEN[2], "model")["is_control"]


def test_a_clock_that_counts_gives_instructions_whatever_sleeps() -> None:
    found = counted(benchmark("slots.overlay_cycle"))
    assert found == {"unit": "instr/request", "metric": INSTRUCTIONS}
