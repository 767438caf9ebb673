"""How the model is compiled: the only owner of Numba's options.

Two decorators. ``@op`` marks a step that is always inlined into its caller: left to the optimiser,
a Numba call is an indirect call with a return slot and a status test, dearer than many steps
modelled here. ``@kernel`` marks an entry point: unsigned 64-bit words in, one word out, no GIL,
compiled on first use for exactly one signature, and cached under the digest of all sources and of
the patches chosen.

With ``NUMBA_DISABLE_JIT=1`` both leave plain Python, so that the same source is interpreted.
"""

import contextlib
import inspect
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, Final, ParamSpec, TypeVar

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from xenperf import switches
from xenperf.digest import source_digest, usable_cache
from xenperf.shares import parts_of, two_shares

P = ParamSpec("P")
R = TypeVar("R")

INTERPRETED: Final = bool(numba.config.DISABLE_JIT)
DIGEST: Final = source_digest(Path(__file__).parent, switches.as_text(switches.PATCHES))
CACHE_DIR: Final = None if INTERPRETED else usable_cache(DIGEST)

_CACHE_ERRORS: Final = (OSError, EOFError, RuntimeError, pickle.UnpicklingError)
"""What Numba raises where its cache cannot be found, read or written: removed, full or damaged."""

_compiling: Final = threading.RLock()  # Numba's options are the process's, not the thread's


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
            with _compiling:
                if self._entry is None:  # no other thread came first
                    self._entry = self._interpret() if INTERPRETED else self._compile()
        return self._entry

    def parts(self) -> dict[str, int]:
        """Return the steps that compiling this kernel compiles too, with the size of each."""
        return parts_of(self.func, _code_of_step)

    def compile(self) -> None:
        """Compile now, or load from the cache."""
        self.entry  # noqa: B018

    @property
    def nr_signatures(self) -> int:
        """How many specialisations exist: 1 once compiled; more would mean a wrong type."""
        return len(getattr(self._entry, "signatures", ()))

    @property
    def address(self) -> int | None:
        """Where the machine code begins; None before it is compiled, and if it is interpreted."""
        made = getattr(self._entry, "overloads", {})
        for compiled in made.values():
            found: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
            return found or None
        return None

    def __call__(self, *words: int) -> int:
        """Run the kernel over *words* and return its result as an ``int``.

        Each word is 0 to 2**64 - 1; ``OverflowError`` for any other, negative ones included.
        """
        return int(self.entry(*words))

    def _compile(self) -> Callable[..., Any]:
        """Compile or load; a cache that has become unusable costs its time and nothing else."""
        word = numba.types.uint64
        signature = word(*[word] * self.nr_arguments)
        if CACHE_DIR is not None:
            with contextlib.suppress(*_CACHE_ERRORS), _cache_folder():
                return _entry_point(self.func, signature, cache=True)
        return _entry_point(self.func, signature)

    def _interpret(self) -> Callable[..., Any]:
        def interpreted(*words: int) -> int:
            with np.errstate(over="ignore"):  # words wrap around, as the machine's do
                return int(self.func(*(np.uint64(int(word)) for word in words)))

        return interpreted


def _entry_point(
    func: Callable[..., Any], *signature: Any, cache: bool = False
) -> Callable[..., Any]:
    made: Callable[..., Any] = numba.njit(*signature, nogil=True, error_model="numpy", cache=cache)(
        func
    )
    return made


def _code_of_step(value: Any) -> CodeType | None:
    """Return the code behind *value* if it is an ``@op``."""
    return value.py_func.__code__ if isinstance(value, Dispatcher) else None


@contextlib.contextmanager
def _cache_folder() -> Iterator[None]:
    """Point Numba at our digest folder while one function is being decorated, and no longer.

    At no other: left to itself, Numba would fall back to ``__pycache__``, whose entries are stale
    after a change in another file.
    """
    config = numba.config
    with _compiling:
        previous = config.CACHE_DIR, getattr(config, "CACHE_LOCATOR_CLASSES", "")
        config.CACHE_DIR = str(CACHE_DIR)
        config.CACHE_LOCATOR_CLASSES = "UserProvidedCacheLocator"
        try:
            yield
        finally:
            config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = previous


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

    Numba compiles in one thread at a time, so a forked child takes a share of the kernels that are
    not in the cache yet, and this process then finds them there. Should the child die, this process
    compiles its share too.
    """
    wanted = [made for made in kernels if not made.is_compiled]
    if _may_fork():
        missing = {made.name: made for made in wanted if not _is_cached(made)}
        ours, childs = two_shares({name: made.parts() for name, made in missing.items()})
        with _compiled_by_child([missing[name] for name in childs]):
            for name in ours:
                missing[name].compile()
    for made in wanted:
        made.compile()


def _may_fork() -> bool:
    """Tell whether a second process helps, and no thread of ours may hold a lock in its copy."""
    two_processors = len(os.sched_getaffinity(0)) > 1
    return CACHE_DIR is not None and two_processors and threading.active_count() == 1


def _is_cached(made: Kernel) -> bool:
    """Tell whether the cache knows *made*: under its own path, as other copies have other code."""
    try:
        with _cache_folder():
            dispatcher: Any = _entry_point(made.func, cache=True)
            folder = dispatcher.stats.cache_path
    except _CACHE_ERRORS:
        return False
    name = made.func.__qualname__.translate(str.maketrans("", "", "<>"))  # as Numba spells it
    return any(Path(folder).glob(f"*.{name}-{made.func.__code__.co_firstlineno}.*.nbi"))


@contextlib.contextmanager
def _compiled_by_child(kernels: list[Kernel]) -> Iterator[None]:
    """Have a child compile *kernels* into the cache meanwhile; wait for it in the end."""
    child = None
    if kernels:
        with contextlib.suppress(OSError):  # no process to be had
            child = os.fork()
    if child == 0:
        _compile_and_leave(kernels)
    try:
        yield
    finally:
        if child is not None:
            with contextlib.suppress(ChildProcessError):  # somebody else has waited for it
                os.waitpid(child, 0)


def _compile_and_leave(kernels: list[Kernel]) -> None:
    """Compile in a forked child and end it without running the parent's clean-up."""
    status = 1
    try:
        for made in kernels:
            made.compile()
        status = 0
    finally:
        os._exit(status)
