"""Every scenario counts the same on a real kernel as on the model."""

from typing import Any

import pytest

from tests.conformance.liars import Liar
from tests.kernels import skipped_if_unavailable
from xenperf.backends import backend
from xenperf.hypervisor import Activation, Feature
from xenperf.model.patches import KERNELS
from xenperf.scenarios.cases.playing import kernel_of
from xenperf.scenarios.catalogue import SCENARIOS
from xenperf.scenarios.kinds import Scenario
from xenperf.vmm.machine import Shape

SHAPES = (Shape(), Shape(nr_slots=8, nr_vcpus=2, long_mode=False, port=1))


class SeenFromOutside(Liar):
    """The model, as far as a VMM can see it: nothing counted inside, work done when it likes."""

    @property
    def features(self) -> frozenset[Feature]:
        return self.host.features - {Feature.COUNTERS, Feature.WORK_ON_DEMAND}

    def counters(self) -> dict[str, int]:
        return {}


@pytest.mark.live
@pytest.mark.parametrize("shape", SHAPES, ids=["64-bit", "32-bit"])
@pytest.mark.parametrize("activation", list(Activation))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_real_kernel_counts_what_the_model_counts(
    scenario: Scenario, activation: Activation, shape: Shape
) -> None:
    with skipped_if_unavailable(), backend("live").open_to_count(shape.vm_size) as live:
        if activation is Activation.HVA and Feature.SHINFO_HVA not in live.features:
            pytest.skip("this kernel has no activation by HVA")
        patches = KERNELS[kernel_of(live)]
        found = scenario.run(live, shape, activation)
    with backend("model").open_to_count(shape.vm_size, patches) as host:
        model: Any = SeenFromOutside(host)
        assert found == scenario.run(model, shape, activation)
