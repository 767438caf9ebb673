"""Playing one case on an empty VM and writing down what was observed."""

from xenperf.errors import MeasurementError
from xenperf.hypervisor import Activation, Feature, Hypervisor
from xenperf.scenarios.cases.case import Case, Kernel
from xenperf.scenarios.cases.stage import Stage


def observe(case: Case, host: Hypervisor, activation: Activation) -> str:
    """Play *case* on the empty VM *host*; a start that could not be reached is what is observed."""
    try:
        stage = Stage(host, case.shape, activation)
        case.start.prepare(stage)
    except MeasurementError as error:
        return f"no start: {error}"
    return case.play(stage)


def missing(case: Case, host: Hypervisor) -> str | None:
    """Return why *host* cannot be asked *case*; None: it can."""
    lacks = sorted(case.needs - host.features)
    return f"{host.name} does not offer {', '.join(lacks)}" if lacks else None


def kernel_of(host: Hypervisor) -> Kernel:
    """Return which kernel answers behind *host*, as far as the cases tell kernels apart."""
    if Feature.ATOMIC_SLOTS in host.features:
        return Kernel.ATOMIC
    return Kernel.GPA_HVA if Feature.SHINFO_HVA in host.features else Kernel.GPA_ONLY
