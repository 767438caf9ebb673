"""Back ends by name: what is there, why not if not, and how a VM is opened on one."""

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from xenperf import copies, switches
from xenperf.errors import UsageError
from xenperf.hypervisor import Hypervisor, VmSize

LIVE: Final = "live"


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to get an answer."""

    name: str
    summary: str
    open: Callable[..., Hypervisor]
    """Opens a VM of a size; the caller closes it. The model also takes names of patches, and
    ``placement``.
    """

    open_to_count: Callable[..., Hypervisor]
    """Opens one whose answers are wanted and not its speed: nothing is compiled first."""

    warm_up: Callable[..., None]
    """Compiles what timing the whole catalogue needs; patches as for ``open``."""


# compiled when first asked for: no timed loop and no setting up needs them
_COMPILED_LATER: Final = frozenset(
    {"send_ports", "enter_guest", "handle_events", "set_memory_regions_at_once"}
)
_SOURCES: Final = "xenperf.model.kernels.sources"


@functools.cache
def model(
    patches: frozenset[str] = switches.PATCHES, *, interpreted: bool = False
) -> Callable[[str], ModuleType]:
    """Return how to get a module of the model that is built with *patches*: the running one's, or
    those of a copy. Imported here: Numba takes half a second.
    """
    if patches == switches.PATCHES and not interpreted:
        return importlib.import_module
    return copies.load_copy(
        switches=patches, interpreted=interpreted, shares_types=True, modules=()
    ).module


def _open_model(
    size: VmSize,
    patches: frozenset[str] = switches.PATCHES,
    *,
    interpreted: bool = False,
    placement: int | None = None,
) -> Hypervisor:
    """Open a VM; *interpreted* where some events are sooner counted than compiled for.

    placement
        A seed that says at which cache lines the VM's objects begin; None: without gaps.
    """
    module = model(patches, interpreted=interpreted)
    host: Hypervisor = module("xenperf.model.host").ModelHost(size, placement)
    return host


def _compile_model(patches: frozenset[str] = switches.PATCHES) -> None:
    compile_for_timing(model(patches))


def compile_for_timing(module: Callable[[str], ModuleType]) -> None:
    """Compile what timing the catalogue needs, of the model whose modules *module* returns."""
    module("xenperf.model.host")  # it imports whatever defines the kernels
    jit = module("xenperf.jit")
    jit.compile_all(
        kernel
        for kernel in jit.registry.values()
        if kernel.func.__module__ != _SOURCES and kernel.name not in _COMPILED_LATER
    )


def _open_live(size: VmSize) -> Hypervisor:
    """Open a VM of the running kernel. Imported here, as the model is."""
    from xenperf.live.host import LiveHost

    return LiveHost(size)


def _compile_live() -> None:
    """Compile the loops over ioctls. Imported here, as the model's kernels are."""
    from xenperf.jit import compile_all
    from xenperf.live.kernels import KERNELS
    from xenperf.live.race_kernels import KERNELS as RACE_KERNELS

    compile_all((*KERNELS, *RACE_KERNELS))


BACKENDS: Final = {
    backend.name: backend
    for backend in (
        Backend(
            "model",
            "KVM's own steps, compiled; runs anywhere",
            _open_model,
            functools.partial(_open_model, interpreted=True),
            _compile_model,
        ),
        Backend(LIVE, "a real kernel through /dev/kvm", _open_live, _open_live, _compile_live),
    )
}


def backend(name: str) -> Backend:
    """Return the back end called *name*; ``UsageError`` lists those there are."""
    if name not in BACKENDS:
        raise UsageError(f"backend {name}", "unknown", f"choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name]
