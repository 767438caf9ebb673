import pytest

from xenperf.hypervisor import Activation


@pytest.fixture(params=list(Activation))
def activation(request: pytest.FixtureRequest) -> Activation:
    """Each rule is tried by GPA and by HVA."""
    chosen: Activation = request.param
    return chosen
