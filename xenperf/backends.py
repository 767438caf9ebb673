"""Back ends by name: what is there, why not if not, and how a VM is opened on one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xenperf.errors import UnavailableError, UsageError
from xenperf.hypervisor import Hypervisor, VmSize


@dataclass(frozen=True, slots=True)
class Backend:
    """One way to get an answer."""

    name: str
    summary: str
    open: Callable[[VmSize], Hypervisor]
    """Opens a VM; the caller closes it."""

    warm_up: Callable[[], None]
    """Compiles everything that a run of the whole catalogue needs."""


def _open_model(size: VmSize) -> Hypervisor:
    from xenperf.model.host import ModelHost  # here: Numba takes half a second to import

    return ModelHost(size)


def _compile_model() -> None:
    from xenperf import jit
    from xenperf.model import host, loops  # noqa: F401 - they define the kernels

    jit.compile_all(jit.registry.values())


def _open_live(size: VmSize) -> Hypervisor:
    raise UnavailableError(
        "backend live", "this version asks no real kernel yet", "use --backend model"
    )


BACKENDS: Final = {
    backend.name: backend
    for backend in (
        Backend("model", "KVM's own steps, compiled; runs anywhere", _open_model, _compile_model),
        Backend("live", "a real kernel through /dev/kvm", _open_live, lambda: None),
    )
}


def backend(name: str) -> Backend:
    """Return the back end called *name*; ``UsageError`` lists those there are."""
    if name not in BACKENDS:
        raise UsageError(f"backend {name}", "unknown", f"choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name]
