"""How the model is compiled: the only owner of Numba's options.

Two decorators. ``@op`` marks a step that is always inlined into its caller: left to the optimiser,
a Numba call is an indirect call with a return slot and a status test, dearer than many steps
modelled here. ``@kernel`` marks an entry point: unsigned 64-bit words in, one word out, no GIL,
compiled on first use for exactly one signature, and cached under the digest of all sources.

With ``NUMBA_DISABLE_JIT=1`` both leave plain Python, so that the same source is interpreted.
"""

import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import numba
import numpy as np

from xenperf.digest import source_digest, usable_cache

P = ParamSpec("P")
R = TypeVar("R")

INTERPRETED: Final = bool(numba.config.DISABLE_JIT)
DIGEST: Final = source_digest(Path(__file__).parent)
CACHE_DIR: Final = None if INTERPRETED else usable_cache(DIGEST)

WORD_MASK: Final = (1 << 64) - 1


def op(func: Callable[P, R]) -> Callable[P, R]:
    """Mark *func* as a step of the model: inlined wherever it is used, never called by itself."""
    if INTERPRETED:
        return func
    inlined: Callable[P, R] = numba.njit(
        nogil=True,
        forceinline=True,
        error_model="numpy",
        no_cpython_wrapper=True,  # never called from Python or C: two thirds of the compile time
        no_cfunc_wrapper=True,
    )(func)
    return inlined


class Kernel:
    """An entry point of the model: ``uint64`` words in, one ``uint64`` out, compiled on first use.

    Calling it costs a fraction of a microsecond, so what is timed loops inside.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        """Keep *func*, whose parameters are all words, until it is needed."""
        self.func = func
        self.name = func.__name__
        self.nr_arguments = len(inspect.signature(func).parameters)
        self.__doc__ = func.__doc__
        self._entry: Callable[..., Any] | None = None

    @property
    def is_compiled(self) -> bool:
        """Tell whether the entry is ready, so that a call compiles nothing."""
        return self._entry is not None

    @property
    def entry(self) -> Callable[..., Any]:
        """The callable itself: a dispatcher with one signature, or the interpreted function."""
        if self._entry is None:
            self._entry = self._interpret() if INTERPRETED else self._compile()
        return self._entry

    def compile(self) -> None:
        """Compile now, or load from the cache."""
        self.entry  # noqa: B018

    @property
    def nr_signatures(self) -> int:
        """How many specialisations exist: 1 once compiled; more would mean a wrong type."""
        return len(getattr(self._entry, "signatures", ()))

    def __call__(self, *words: int) -> int:
        """Run the kernel over *words*, each a 64-bit word; return its result as an ``int``."""
        return int(self.entry(*words))

    def _compile(self) -> Callable[..., Any]:
        word = numba.types.uint64
        signature = word(*[word] * self.nr_arguments)
        with _cache_folder():
            compiled: Callable[..., Any] = numba.njit(
                signature, nogil=True, error_model="numpy", cache=CACHE_DIR is not None
            )(self.func)
            return compiled

    def _interpret(self) -> Callable[..., Any]:
        def interpreted(*words: int) -> int:
            with np.errstate(over="ignore"):  # words wrap around, as the machine's do
                return int(self.func(*(np.uint64(int(word) & WORD_MASK) for word in words)))

        return interpreted


class _cache_folder:
    """Point Numba at our digest folder while one function is being decorated, and no longer."""

    def __enter__(self) -> None:
        self._previous = numba.config.CACHE_DIR
        if CACHE_DIR is not None:
            numba.config.CACHE_DIR = str(CACHE_DIR)

    def __exit__(self, *exc: object) -> None:
        numba.config.CACHE_DIR = self._previous


registry: Final[dict[str, Kernel]] = {}
"""Every kernel defined so far, by name."""


def kernel(func: Callable[..., Any]) -> Kernel:
    """Make *func* an entry point of the model; names are unique over the whole package."""
    made = Kernel(func)
    if made.name in registry:
        raise ValueError(f"kernel {made.name}: defined twice; give one of them another name")
    registry[made.name] = made
    return made


def compile_all(kernels: Iterable[Kernel]) -> None:
    """Compile *kernels*, on two processors where there are two and a cache to share the result.

    Numba compiles in one thread at a time, so a forked child takes every other kernel that is not
    in the cache yet and this process then finds the child's in the cache.
    """
    wanted = [made for made in kernels if not made.is_compiled]
    missing = [made for made in wanted if not _is_cached(made)]
    if len(missing) > 1 and CACHE_DIR is not None and len(os.sched_getaffinity(0)) > 1:
        child = os.fork()
        if child == 0:
            _compile_and_leave(missing[1::2])
        for made in missing[0::2]:
            made.compile()
        os.waitpid(child, 0)
    for made in wanted:
        made.compile()


def _is_cached(made: Kernel) -> bool:
    if CACHE_DIR is None or INTERPRETED:
        return False
    return any(CACHE_DIR.rglob(f"*.{made.func.__qualname__}-*.nbi"))


def _compile_and_leave(kernels: list[Kernel]) -> None:
    """Compile in a forked child and end it without running the parent's clean-up."""
    status = 1
    try:
        for made in kernels:
            made.compile()
        status = 0
    finally:
        os._exit(status)
