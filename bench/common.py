"""What the benchmark classes share. Bases start with an underscore: asv lists imported classes.

A batch is at least 4,096 operations, inside compiled code, on thread CPU time; compiling and
checking the answer happen in ``setup``. Beside each cost stands the floor, an empty batch.
"""

import contextlib
import time

try:
    from xenperf.backends import backend
    from xenperf.hypervisor import Activation
    from xenperf.measure.schedule import alternate
    from xenperf.scenarios import catalogue
    from xenperf.scenarios.kinds import ready
    from xenperf.vmm.machine import Shape
except ImportError as missing:  # a commit from before these rooms
    WHY_NOT = str(missing)
else:
    WHY_NOT = None

BATCH = 4096
BATCHES = 16
RATIO_ROUNDS = 32
RATIO_SLICE_NS = 1_000_000
ACTIVATIONS = ("gpa", "hva")
BACKENDS = ("model",)


def require(name=None):
    """Skip with the reason where this commit does not have what a benchmark needs."""
    if WHY_NOT is not None:
        raise NotImplementedError(f"this commit lacks a room: {WHY_NOT}")
    if name is not None and name not in catalogue.names():
        raise NotImplementedError(f"this commit's catalogue lacks {name}")


class _Machines:
    """Opens machines in ``setup`` and closes them in ``teardown``."""

    version = "1"
    timeout = 120

    def open(self, backend_name, activation, entry):
        """Return the loop of a benchmark on a fresh machine."""
        self.stack = getattr(self, "stack", None) or contextlib.ExitStack()
        shape = Shape(nr_vcpus=entry.nr_vcpus)
        host = self.stack.enter_context(backend(backend_name).open(shape.vm_size))
        return entry.prepare(ready(host, shape, Activation(activation)))

    def teardown(self, *_):
        """Close every machine."""
        stack = self.__dict__.pop("stack", None)
        if stack is not None:
            stack.close()


class _Cost(_Machines):
    """One cost of the catalogue, by activation. A leaf names it and sets its version."""

    params = (ACTIVATIONS, BACKENDS)
    param_names = ("activation", "backend")
    timer = time.thread_time
    rounds = 2
    sample_time = 0.01
    warmup_time = 0.0  # setup has run the code already
    number = 1
    name = ""

    def setup(self, activation, backend):
        """Build the machine, compile, and check the answer once."""
        require(self.name)
        self.loop = self.open(backend, activation, catalogue.benchmark(self.name))
        self.batch = BATCH * BATCHES
        hits = self.loop(self.batch)
        if hits != self.batch:
            raise ValueError(f"{self.name}: {hits} of {self.batch} operations went as expected")

    def time_batch(self, activation, backend):
        """Time 65,536 operations."""
        self.loop(self.batch)

    def time_floor_empty_batch(self, activation, backend):
        """Time the call alone: to be subtracted before quoting a cost per operation."""
        self.loop(0)


class _Ratio(_Machines):
    """HVA over GPA for a set of costs, both in one process in turn: drift cancels."""

    params = ()
    param_names = ("benchmark",)
    unit = "ratio"

    def setup(self, name):
        """Build both machines."""
        require(name)
        entry = catalogue.benchmark(name)
        self.cycle = entry.cycle
        self.loops = [self.open("model", activation, entry) for activation in ACTIVATIONS]

    def track_hva_over_gpa(self, name):
        """Return the median of the rounds' ratios."""
        gpa, hva = self.loops
        _, by_gpa, by_hva = alternate(
            gpa,
            hva,
            slice_ns=RATIO_SLICE_NS,
            rounds=RATIO_ROUNDS,
            a_first=True,
            cycle=self.cycle,
        )
        ratios = sorted(h / g for g, h in zip(by_gpa.cpu_ns, by_hva.cpu_ns, strict=True))
        return ratios[len(ratios) // 2]


class _Outcome:
    """Exact counts of one scenario, by activation."""

    version = "1"
    params = (ACTIVATIONS, BACKENDS)
    param_names = ("activation", "backend")
    unit = "events"
    name = ""

    def count(self, activation, backend_name, subject, metric):
        """Run the scenario once and return one of its counts."""
        return self.observe(activation, backend_name)[subject, metric]

    def total(self, activation, backend_name, metric):
        """Run the scenario once and return the sum of one metric over all subjects."""
        counts = self.observe(activation, backend_name)
        return sum(value for (_, name), value in counts.items() if name == metric)

    def observe(self, activation, backend_name):
        """Run the scenario once and return its counts."""
        require(self.name)
        shape = Shape()
        with backend(backend_name).open(shape.vm_size) as host:
            counts = catalogue.scenario(self.name).run(host, shape, Activation(activation))
        return {(c.subject, c.metric): c.value for c in counts}
