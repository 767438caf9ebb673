"""Builds of the package, loaded into this process: each opens machines and prepares loops.

Where several are compared every one of them is a fresh copy, the running sources included: a build
whose modules the worker itself uses would be another kind of thing than those it is compared with.
"""

import contextlib
import importlib
import inspect
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from xenperf import backends, copies, switches
from xenperf.errors import XenperfError
from xenperf.hypervisor import Activation, Feature, Loop
from xenperf.measure.sides import Build
from xenperf.vmm.machine import Shape

MODEL: Final = "model"
PLACEMENT: Final = "placement"
NEEDED: Final = (
    "xenperf.jit",
    "xenperf.model.host",
    "xenperf.vmm.machine",
    "xenperf.scenarios.kinds",
    "xenperf.scenarios.catalogue",
)
"""What a revision must have to be measured."""

UNLOADABLE: Final = (ImportError, SyntaxError, ValueError, TypeError, AttributeError, NameError)
"""What importing sources raises that do not fit this Python or these libraries."""

Importer = Callable[[str], ModuleType]
Opener = Callable[..., Any]


class LoadedBuild:
    """One build in this process: its catalogue, and machines of its own kernel."""

    def __init__(
        self, scenarios: Importer, open_machine: Opener, open_to_count: Opener, kernels: Importer
    ) -> None:
        """Take how to import its scenarios and its kernels, and how to open machines of both."""
        self._scenarios = scenarios
        self._open = open_machine
        self._open_to_count = open_to_count
        self._kernels = kernels

    @property
    def errors(self) -> type[Exception]:
        """What this build raises where the world refuses."""
        raised: type[Exception] = self._scenarios("xenperf.errors").XenperfError
        return raised

    def has(self, name: str) -> bool:
        """Tell whether this build knows a benchmark or scenario called *name*."""
        return name in self._catalogue.names()

    def benchmark(self, name: str) -> Any:
        """Return the ``Benchmark`` called *name*; None if it is a scenario."""
        return None if self._catalogue.is_scenario(name) else self._catalogue.benchmark(name)

    def supports(self, activation: Activation) -> bool:
        """Tell whether this kernel can be asked to activate in this way."""
        if activation is Activation.GPA:
            return True
        with self._open_to_count(self._shape(Shape()).vm_size) as host:
            return str(Feature.SHINFO_HVA) in set(map(str, host.features))

    @contextlib.contextmanager
    def loop(
        self,
        name: str,
        shape: Shape,
        activation: Activation,
        *,
        exact: bool = False,
        placement: int | None = None,
    ) -> Iterator[Loop]:
        """Open a machine brought into the state that *name* wants, and give the loop to time.

        exact
            It has the vCPUs of *shape* and no more, though *name* may ask for some.
        placement
            A seed for where the machine's objects begin in their pages; only the model heeds it.
        """
        entry = self.benchmark(name)
        least = 1 if exact else entry.nr_vcpus
        wanted = replace(shape, nr_vcpus=max(shape.nr_vcpus, least))
        with self._open(self._shape(wanted).vm_size, placement) as host:
            setting = self._scenarios("xenperf.scenarios.kinds").ready(
                host, self._shape(wanted), self._activation(activation)
            )
            yield entry.prepare(setting)

    def counts(self, name: str, shape: Shape, activation: Activation) -> list[dict[str, Any]]:
        """Run a scenario once; return its counts: subject, metric, unit, value."""
        with self._open_to_count(self._shape(shape).vm_size) as host:
            scenario = self._catalogue.scenario(name)
            found = scenario.run(host, self._shape(shape), self._activation(activation))
        return [asdict(count) for count in found]

    def nr_compiled(self) -> int:
        """Return how many kernels, and signatures of them, have been compiled so far."""
        registry = self._kernels("xenperf.jit").registry
        return sum(made.is_compiled + made.nr_signatures for made in registry.values())

    def warm_up(self) -> None:
        """Compile what timing the whole catalogue needs."""
        backends.compile_for_timing(self._kernels)

    @property
    def _catalogue(self) -> ModuleType:
        return self._scenarios("xenperf.scenarios.catalogue")

    def _shape(self, shape: Shape) -> Any:
        return self._scenarios("xenperf.vmm.machine").Shape(**asdict(shape))

    def _activation(self, activation: Activation) -> Any:
        return self._scenarios("xenperf.hypervisor").Activation(str(activation))


def load(builds: Sequence[Build], backend: str, drawn: random.Random) -> dict[Build, LoadedBuild]:
    """Load each of *builds*, in an order that *drawn* decides.

    ``XenperfError`` names the tree that has no package to measure.
    """
    different = list(dict.fromkeys(builds))
    if len(different) == 1 and different[0].tree is None:
        return {different[0]: _running(different[0], backend)}
    loaded = {build: _copy(build) for build in drawn.sample(different, len(different))}
    return {build: loaded[build] for build in different}


def _running(build: Build, backend: str) -> LoadedBuild:
    """Return the running package on *backend*."""
    patches = [] if build.patches is None else [frozenset(build.patches)]
    asked = backends.backend(backend)
    return LoadedBuild(
        importlib.import_module,
        _placing(asked, patches) if backend == MODEL else lambda size, _: asked.open(size),
        lambda size: asked.open_to_count(size, *patches),
        backends.model(*patches) if backend == MODEL else importlib.import_module,
    )


def _copy(build: Build) -> LoadedBuild:
    """Return a copy of the sources at ``build.tree``, or of the running ones."""
    compiled = _load(build, interpreted=False)
    interpreted = compiled if build.tree is not None else _load(build, interpreted=True)
    scenarios = importlib.import_module if build.tree is None else compiled.module
    return LoadedBuild(
        scenarios,
        _placing_host_of(compiled),
        # a tree's scenarios speak to its own compiled host only: the other copy has other types
        _host_of(interpreted),
        compiled.module,
    )


def _load(build: Build, *, interpreted: bool) -> copies.ModelCopy:
    patches = build.patches
    if patches is None and build.tree is None:
        patches = tuple(switches.PATCHES)
    source = None if build.tree is None else Path(build.tree)
    try:
        return copies.load_copy(
            source,
            interpreted=interpreted,
            switches=patches,
            shares_types=build.tree is None,
            modules=() if build.tree is None else NEEDED,
        )
    except UNLOADABLE as error:
        reason = f"cannot be loaded: {type(error).__name__}: {error}"
        raise XenperfError(str(build.tree), reason, "choose another revision") from error


def _host_of(copy: copies.ModelCopy) -> Opener:
    return lambda size: copy.module("xenperf.model.host").ModelHost(size)


def _placing(asked: backends.Backend, patches: Sequence[frozenset[str]]) -> Opener:
    return lambda size, placement: asked.open(size, *patches, placement=placement)


def _placing_host_of(copy: copies.ModelCopy) -> Opener:
    """Return how to open a machine of *copy*; a revision that cannot place its objects does not."""

    def opened(size: Any, placement: int | None) -> Any:
        host = copy.module("xenperf.model.host").ModelHost
        if PLACEMENT in inspect.signature(host).parameters:
            return host(size, **{PLACEMENT: placement})
        return host(size)

    return opened
