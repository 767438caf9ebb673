from collections.abc import Iterator

import pytest

from tests.model.invariants import assert_consistent
from tests.model.vm import Vm
from xenperf.hypervisor import Activation


@pytest.fixture
def vm() -> Iterator[Vm]:
    """A VM with whole RAM in one slot; what it is left in must be consistent."""
    made = Vm()
    with made.host:
        yield made
        assert_consistent(made.host)


@pytest.fixture(params=list(Activation))
def activation(request: pytest.FixtureRequest) -> Activation:
    """Each rule is tried by GPA and by HVA."""
    chosen: Activation = request.param
    return chosen


@pytest.fixture
def active_vm(vm: Vm, activation: Activation) -> Vm:
    """The same with shared_info and vcpu_info active."""
    vm.activate_both(activation)
    return vm
