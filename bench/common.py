"""What the benchmark classes share. Bases start with an underscore: asv lists imported classes.

What a benchmark needs is asked for in ``setup``, and where this commit has none of it the benchmark
is skipped with the reason: asv shows n/a. Parameters are written out, never taken from the commit
under test, since asv finds them on one commit and uses them on all.
"""

import contextlib
import time

from asv_runner.benchmarks.mark import SkipNotImplemented

try:
    from xenperf.backends import backend
    from xenperf.errors import XenperfError
    from xenperf.hypervisor import Activation
    from xenperf.scenarios import catalogue
    from xenperf.scenarios.kinds import ready
    from xenperf.vmm.machine import Shape
except ImportError as missing:  # a commit from before these rooms
    WHY_NOT = str(missing)
else:
    WHY_NOT = None

BATCH = 4096
BATCHES = 16
SAMPLES = 5
ACTIVATIONS = ("gpa", "hva")
MODEL = "model"
LIVE = "live"


def require(*names):
    """Skip with the reason where this commit lacks the rooms, or an entry of the catalogue."""
    if WHY_NOT is not None:
        raise SkipNotImplemented(f"this commit lacks a room: {WHY_NOT}")
    for name in names:
        if name not in catalogue.names():
            raise SkipNotImplemented(f"this commit's catalogue lacks {name}")


class _Machines:
    """Opens machines in ``setup`` and closes them in ``teardown``."""

    timeout = 120

    def open(self, backend_name, activation, entry):
        """Return the loop of a benchmark on a fresh machine; skip where the back end is not."""
        self.stack = getattr(self, "stack", None) or contextlib.ExitStack()
        shape = Shape(nr_vcpus=entry.nr_vcpus)
        try:
            host = self.stack.enter_context(backend(backend_name).open(shape.vm_size))
        except XenperfError as error:
            if backend_name == MODEL:
                raise
            raise SkipNotImplemented(str(error)) from None
        if backend_name == LIVE and activation == "hva" and "shinfo_hva" not in host.features:
            raise SkipNotImplemented("the running kernel has no activation by HVA")
        return entry.prepare(ready(host, shape, Activation(activation)))

    def teardown(self, *_):
        """Close every machine."""
        stack = self.__dict__.pop("stack", None)
        if stack is not None:
            stack.close()


class _Cost(_Machines):
    """One cost of the catalogue, by activation. A leaf names it and sets its version.

    A batch runs inside compiled code, on thread CPU time; compiling, and checking that every
    operation went as expected, happen in ``setup``. Beside the cost stands its floor, an empty
    batch. As asv compares them, these times are coarse: 10 % and more.
    """

    params = (ACTIVATIONS, (MODEL,))
    param_names = ("activation", "backend")
    timer = time.thread_time
    rounds = 4
    repeat = (1, SAMPLES, 2.0)
    number = 1  # each sample on a machine of its own: nothing drifts
    warmup_time = 0.0  # setup has run the code already
    name = ""

    def setup(self, activation, backend):
        """Build the machine, compile, and check the answer once."""
        require(self.name)
        self.loop = self.open(backend, activation, catalogue.benchmark(self.name))
        self.batch = BATCH * (BATCHES if backend == MODEL else 1)
        hits = self.time_batch(activation, backend)
        if hits != self.batch:
            raise ValueError(f"{self.name}: {hits} of {self.batch} operations went as expected")

    def time_batch(self, activation, backend):
        """Time 65,536 operations of the model, or 4,096 of a real kernel."""
        return self.loop(self.batch)

    def time_floor_empty_batch(self, activation, backend):
        """Time the call alone: to be subtracted before quoting a cost per operation."""
        return self.loop(0)

    time_floor_empty_batch.rounds = 1


class _Request(_Cost):
    """A cost that a real kernel can be asked for too: skipped where /dev/kvm will not do."""

    params = (ACTIVATIONS, (MODEL, LIVE))


def observed(name):
    """Run a scenario of the model by both activations: counts by activation, subject and metric.

    Instead of the counts, a word and why there are none: ``lacks``, or ``failed`` where the
    scenario found its own answer wrong.
    """
    try:
        require(name)
        return {activation: _counts(name, activation) for activation in ACTIVATIONS}
    except SkipNotImplemented as reason:
        return {"lacks": str(reason)}
    except XenperfError as error:
        return {"failed": f"{name}: {error}"}


def _counts(name, activation):
    shape = Shape()
    with backend(MODEL).open(shape.vm_size) as host:
        counts = catalogue.scenario(name).run(host, shape, Activation(activation))
    return {f"{each.subject}.{each.metric}": each.value for each in counts}


def picked(found, *keys):
    """Return what lies under *keys* in what a ``setup_cache`` found; skip or fail as that says."""
    for key in keys:
        if "lacks" in found:
            raise SkipNotImplemented(found["lacks"])
        if "failed" in found:
            raise ValueError(found["failed"])
        if key not in found:
            raise SkipNotImplemented(f"this commit counts no {key}")
        found = found[key]
    return found
