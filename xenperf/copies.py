"""Several models in one process: each copy of the package is its own set of modules.

What a model is built as (its sources, its switches, compiled or interpreted) is decided when its
modules are imported. So a comparison of two kernels, of two patches or of two revisions, in one
worker and over the same memory, needs the modules twice. A copy has its own kernel registry, its
own switches and its own cache key; nothing of it stays in ``sys.modules``.
"""

import contextlib
import importlib
import sys
import threading
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

PACKAGE: Final = __name__.partition(".")[0]
KERNELS: Final = tuple(
    f"{PACKAGE}.model.kernels.{name}"
    for name in ("caches", "control", "sending", "slots", "steps", "vcpus")
)
SWITCHES: Final = f"{PACKAGE}.switches"
SHAREABLE: Final = tuple(
    f"{PACKAGE}.{room}" for room in ("units", "errors", "abi", "sources", "hypervisor")
)
MODEL: Final = (f"{PACKAGE}.jit", *KERNELS, f"{PACKAGE}.model.host")

_one_at_a_time = threading.RLock()  # sys.modules and sys.path belong to the whole process


class ModelCopy:
    """One copy of the package's modules, apart from the running ones and from other copies."""

    def __init__(
        self, source: Path, *, interpreted: bool, modules: dict[str, ModuleType] | None = None
    ) -> None:
        """Prepare a copy of the package at *source*; ``load_copy`` makes one and fills it."""
        self.source = source
        self.interpreted = interpreted
        self._modules = modules or {}

    def module(self, name: str) -> ModuleType:
        """Return the copy's module *name*, such as ``xenperf.jit``; imported when first wanted."""
        if name.partition(".")[0] != PACKAGE:
            raise ValueError(f"module {name}: not of this package; give {PACKAGE}.<module>")
        if name not in self._modules:
            with _one_at_a_time, _jit_disabled(self.interpreted), self._in_place():
                importlib.import_module(name)
        return self._modules[name]

    @contextlib.contextmanager
    def _in_place(self) -> Iterator[None]:
        """Let this copy's modules be the package while the block runs."""
        running, path = _take_modules(), list(sys.path)
        sys.modules.update(self._modules)
        sys.path.insert(0, str(self.source.parent))
        importlib.invalidate_caches()
        try:
            yield
            self._modules = _take_modules()
            self._check_origin()
        finally:
            _take_modules()
            sys.modules.update(running)
            sys.path[:] = path

    def _check_origin(self) -> None:
        for name, module in self._modules.items():
            if not Path(module.__file__ or "").is_relative_to(self.source):
                raise ImportError(f"{name} came from {module.__file__}, not from {self.source}")


def load_copy(
    source: Path | None = None,
    *,
    interpreted: bool = False,
    switches: Collection[str] | None = None,
    shares_types: bool = False,
    modules: Sequence[str] = MODEL,
) -> ModelCopy:
    """Return a new copy of the package with *modules* imported; others follow when asked for.

    source
        Folder of the package, as another checkout has it; by default the running one.
    interpreted
        Leave the model plain Python, as ``NUMBA_DISABLE_JIT=1`` does.
    switches
        Names of the patches that it is built with; by default those of the merged kernel.
    shares_types
        Use the running addresses, errors and enumerations, so that a VM of the copy can be given to
        running code. Only for a copy of the running sources.
    """
    folder = (source or Path(__file__).parent).resolve()
    if folder.name != PACKAGE or not (folder / "__init__.py").is_file():
        raise ValueError(f"{folder}: no {PACKAGE} package; give the folder of that name")
    shared = _shared_modules() if shares_types else None
    copy = ModelCopy(folder, interpreted=interpreted, modules=shared)
    if switches is not None:
        vars(copy.module(SWITCHES))["PATCHES"] = frozenset(switches)  # read by what is imported now
    for name in modules:
        copy.module(name)
    return copy


def _shared_modules() -> dict[str, ModuleType]:
    """Return the running modules that the two sides must have in common."""
    for name in SHAREABLE:
        importlib.import_module(name)
    return {name: m for name, m in sys.modules.items() if name.startswith(SHAREABLE)}


def _take_modules() -> dict[str, ModuleType]:
    """Take the package's modules out of ``sys.modules`` and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
    return {name: sys.modules.pop(name) for name in names}


@contextlib.contextmanager
def _jit_disabled(disabled: bool) -> Iterator[None]:
    """Have Numba compile nothing that is decorated in the block, if *disabled*."""
    # by way of the running jit, which owns Numba's options and is never taken away itself
    config = importlib.import_module(f"{PACKAGE}.jit").numba.config
    before = config.DISABLE_JIT
    if disabled:
        config.DISABLE_JIT = 1
    try:
        yield
    finally:
        config.DISABLE_JIT = before
