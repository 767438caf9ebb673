"""The catalogue: every entry can be prepared, answers right, and leaves the state as it was."""

import pytest

from xenperf.backends import backend
from xenperf.errors import UsageError
from xenperf.hypervisor import Activation, Operation
from xenperf.scenarios import catalogue
from xenperf.scenarios.kinds import Benchmark, ready
from xenperf.vmm.machine import Shape

SHAPES = {"64-bit": Shape(), "32-bit": Shape(long_mode=False)}


@pytest.mark.parametrize("mode", SHAPES)
@pytest.mark.parametrize("activation", list(Activation))
@pytest.mark.parametrize("entry", catalogue.BENCHMARKS, ids=lambda entry: entry.name)
def test_every_operation_of_every_benchmark_has_the_outcome_expected(
    entry: Benchmark, activation: Activation, mode: str
) -> None:
    shape = Shape(nr_vcpus=entry.nr_vcpus, long_mode=SHAPES[mode].long_mode)
    with backend("model").open(shape.vm_size) as host:
        loop = entry.prepare(ready(host, shape, activation))
        for n in (entry.cycle, 32 * entry.cycle, 0, 5 * entry.cycle):  # again: state was restored
            assert loop(n) == n


def test_names_are_unique_and_fit_for_asv_and_globs() -> None:
    names = catalogue.names()
    assert len(set(names)) == len(names)
    assert all(name.replace(".", "").replace("_", "").isalnum() for name in names)


def test_every_operation_is_used_by_some_benchmark() -> None:
    used: set[Operation] = set()

    class Recorder:
        def __init__(self, host: object) -> None:
            self.host = host

        def __getattr__(self, name: str) -> object:
            return getattr(self.host, name)

        def loop(self, operation: Operation, activation: Activation, expected: int = 0) -> object:
            used.add(operation)
            return lambda n: n

    for entry in catalogue.BENCHMARKS:
        shape = Shape(nr_vcpus=entry.nr_vcpus)
        with backend("model").open(shape.vm_size) as host:
            entry.prepare(ready(Recorder(host), shape, Activation.GPA))  # type: ignore[arg-type]
    assert used == set(Operation)


def test_globs_select_in_the_order_of_the_catalogue() -> None:
    assert catalogue.select([]) == catalogue.names()
    assert catalogue.select(["send.m*", "gpc.check"]) == ["send.merged", "send.masked", "gpc.check"]


def test_a_glob_that_matches_nothing_is_a_mistake_even_beside_one_that_does() -> None:
    with pytest.raises(UsageError, match=r"benchmark snd\.\*: no such name"):
        catalogue.select(["gpc.*", "snd.*"])


def test_an_unknown_back_end_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="backend kvm: unknown; choose one of model, live"):
        backend("kvm")
