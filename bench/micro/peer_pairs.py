"""Two threads in the model at once, both native: the contended half of ``peer.py``.

Both wait at a barrier in C, so that they start within nanoseconds; a run counts only if they did
overlap and neither was preempted. Figures of one run are comparable, those of two days are not:
what a contended word costs depends on where the host has put the processors.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peer_settings import GPA, HVA, Setting, Vm, constant, ports

from tests.peer.build import peer
from xenperf import jit
from xenperf.hypervisor import Activation
from xenperf.model.layout import CPU

RUN_NS = 2_000_000
MIN_OVERLAP = 0.8
MAX_WALL_BY_CPU = 1.05
NR_THREADS = 2


class _Arguments(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("vm", "cpu", "n", "a", "b", "c")]


class _Stamps(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("start_ns", "end_ns", "cpu_ns", "result")]


@dataclass(frozen=True, slots=True)
class Pair:
    """What each of two threads does, in one VM."""

    name: str
    first: Setting
    second: Setting


def _alike(name: str, setting: Setting) -> Pair:
    return Pair(name, setting, setting)


def _send(by: Activation) -> Setting:
    return Setting("send", "loop_send_again", ports(0), activation=by)


PAIRS: tuple[Pair, ...] = (
    _alike("set_pending_same_words", Setting("bits", "loop_set_pending", ports())),
    _alike("read_lock_same_word", Setting("read_lock", "loop_read_lock")),
    _alike("write_lock_same_word", Setting("write_lock", "loop_write_lock")),
    _alike("lock_and_check_same_cache", Setting("check", "loop_lock_and_check", constant(0))),
    _alike("send_merged_twice_gpa", _send(GPA)),
    _alike("send_merged_twice_hva", _send(HVA)),
    Pair(
        "send_against_refresh_gpa",
        _send(GPA),
        Setting("refresh", "loop_refresh", constant(1)),
    ),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One thread's part of a run."""

    start_ns: int
    end_ns: int
    cpu_ns: int

    @property
    def wall_ns(self) -> int:
        return max(1, self.end_ns - self.start_ns)


def time_pair(pair: Pair, repeats: int) -> tuple[list[float], list[float]]:
    """Return the ns an operation took in each clean run, of Numba and of C."""
    vm = pair.first.open()
    try:
        both = _Both(vm, pair)
        numba, c = both.addresses(compiled_address), both.addresses(peer().address)
        sizes = both.balanced(c)
        clean: dict[tuple[int, ...], list[float]] = {numba: [], c: []}
        for repeat in range(repeats):
            for addresses in (numba, c) if repeat % 2 else (c, numba):
                runs = both.run(addresses, sizes)
                if is_clean(runs):
                    costs = [run.wall_ns / n for run, n in zip(runs, sizes, strict=True)]
                    clean[addresses].append(sum(costs) / NR_THREADS)
    finally:
        vm.close()
    return clean[numba], clean[c]


def compiled_address(name: str) -> int:
    """Return where the compiled model's kernel *name* can be called as a C function."""
    compiled = jit.registry[name].entry.overloads  # type: ignore[attr-defined]
    (result,) = compiled.values()
    wrapper = result.fndesc.llvm_cfunc_wrapper_name
    return int(result.library.get_pointer_to_function(wrapper))


def is_clean(runs: Sequence[Run]) -> bool:
    """Tell whether the threads ran at the same time, and ran all the time."""
    overlap = min(run.end_ns for run in runs) - max(run.start_ns for run in runs)
    longest = max(run.wall_ns for run in runs)
    return overlap >= MIN_OVERLAP * longest and all(
        run.wall_ns <= MAX_WALL_BY_CPU * run.cpu_ns for run in runs
    )


class _Both:
    """Both threads' loops over one VM; each thread is a processor of its own."""

    def __init__(self, vm: Vm, pair: Pair) -> None:
        self.kernels = (pair.first.kernel, pair.second.kernel)
        state = vm.host.state
        self.words = [
            (state.vm, state.cpu + idx * CPU.itemsize, setting.words(vm))
            for idx, setting in enumerate((pair.first, pair.second))
        ]
        self.processors = sorted(os.sched_getaffinity(0))[:NR_THREADS]
        self.run_together = peer().library.run_together
        self.run_together.restype = None

    def addresses(self, address_of: Callable[[str], int]) -> tuple[int, ...]:
        return tuple(map(address_of, self.kernels))

    def balanced(self, addresses: tuple[int, ...]) -> tuple[int, ...]:
        """Return how often each loops, so that both end at the same time."""
        sizes: tuple[int, ...] = (2000, 2000)
        for _ in range(4):
            runs = self.run(addresses, sizes)
            sizes = tuple(
                max(1000, n * RUN_NS // run.wall_ns) for n, run in zip(sizes, runs, strict=True)
            )
        return sizes

    def run(self, addresses: tuple[int, ...], sizes: tuple[int, ...]) -> list[Run]:
        """Start both loops at the same moment and wait for them."""
        arrived, stamps = ctypes.c_uint64(0), (_Stamps * NR_THREADS)()

        def side(idx: int) -> None:
            os.sched_setaffinity(0, {self.processors[idx]})  # of this thread alone
            vm, cpu, words = self.words[idx]
            with_words = _Arguments(vm, cpu, sizes[idx], *words)
            self.run_together(
                ctypes.c_void_p(addresses[idx]),
                ctypes.byref(with_words),
                ctypes.byref(arrived),
                ctypes.c_uint64(NR_THREADS),
                ctypes.byref(stamps[idx]),
            )

        threads = [threading.Thread(target=side, args=(idx,)) for idx in range(NR_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [Run(stamp.start_ns, stamp.end_ns, stamp.cpu_ns) for stamp in stamps]
