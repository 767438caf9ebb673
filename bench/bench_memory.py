"""Peak memory of the whole process: the interpreter, Numba and the suite are in every figure."""

from .common import ACTIVATIONS, MODEL, WHY_NOT, _Machines, observed, picked, require

if WHY_NOT is None:
    from xenperf.scenarios import catalogue

SENDS = 65_536
SCENARIOS = ("break_apart", "event_sources")


def setup_cache():
    """Compile into the cache, in a process of its own: the peak of compiling is not wanted here."""
    found = {name: observed(name) for name in SCENARIOS}
    if WHY_NOT is None:
        machine = _Machines()
        machine.open(MODEL, "gpa", catalogue.benchmark("send.delivered"))(1)
        machine.teardown()
    return found


setup_cache.timeout = 300


class Machine(_Machines):
    """A machine of 16 MiB with its caches active."""

    version = "1"
    params = (ACTIVATIONS,)
    param_names = ("activation",)

    def setup(self, found, activation):
        require("send.delivered")

    def peakmem_open_and_send(self, found, activation):
        self.open(MODEL, activation, catalogue.benchmark("send.delivered"))(SENDS)


class Scenario:
    """A scenario by both activations, from its empty VMs to its counts."""

    version = "1"
    params = (SCENARIOS,)
    param_names = ("scenario",)

    def setup(self, found, scenario):
        picked(found, scenario, "gpa")

    def peakmem_run(self, found, scenario):
        observed(scenario)
