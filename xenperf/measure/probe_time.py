"""What only trying tells: how much of the processor we get, and how finely time can be told.

Nothing here needs the model; a checksum over a buffer is the work that is timed.
"""

import itertools
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from xenperf.measure.probe_fact import NOT_VISIBLE, Fact, Grade, Read
from xenperf.stats.robust import median

CPU_STAT: Final = "/proc/stat"
STEAL_LIMIT: Final = 0.1
SHARE_LIMIT: Final = 0.2
CLOCK_LOOKS: Final = 2000
SLOW_CLOCK_NS: Final = 1000.0
SLICES_NS: Final = (100_000, 250_000, 500_000, 1_000_000, 1_500_000, 3_000_000)
DEFAULT_SLICE_NS: Final = 1_500_000
SLICE_REPEATS: Final = 24
STABLE_SPREAD: Final = 0.02
BUSY_S: Final = 0.7
SLICES_BUDGET_S: Final = 1.5
RUNNABLE_LOOKS: Final = 10
RUNNABLE_PAUSE_S: Final = 0.02
_BUFFER: Final = bytes(range(256)) * 16


def facts(read: Read) -> list[Fact]:
    """Return what trying tells; takes up to four seconds."""
    before = _ticks(read)
    tried = [share(), runnable(read), timer("wall", time.perf_counter_ns)]
    tried += [timer("cpu", time.thread_time_ns), stable_slice()]
    return [steal(before, _ticks(read)), *tried]


def steal(before: tuple[int, int] | None, after: tuple[int, int] | None) -> Fact:
    """Return how much the hypervisor kept between two looks at (stolen, all) ticks."""
    found = None
    if before is not None and after is not None and after[1] > before[1]:
        found = (after[0] - before[0]) / (after[1] - before[1])
    return Fact(
        "steal",
        NOT_VISIBLE if found is None else f"{100 * found:.1f} % while probing",
        found,
        f"a host that keeps the processor; beyond {100 * STEAL_LIMIT:g} % no time is to be trusted",
        "come back later, or ask for a machine with processors of its own",
        Grade.UNTRUSTED if found is not None and found > STEAL_LIMIT else Grade.OK,
    )


def share(busy_s: float = BUSY_S) -> Fact:
    """Return how much of the time a task that wants to run all the time does run."""
    wall, cpu = time.perf_counter(), time.thread_time()
    while time.perf_counter() - wall < busy_s:
        zlib.crc32(_BUFFER)
    found = (time.thread_time() - cpu) / (time.perf_counter() - wall)
    return _share_fact(found)


def _share_fact(found: float) -> Fact:
    grade = Grade.UNTRUSTED if found < SHARE_LIMIT else Grade.OK if found > 0.9 else Grade.NOTE
    return Fact(
        "cpu_share",
        f"{100 * found:.0f} % of a processor",
        round(found, 3),
        f"interrupted so often, slices are cold; below {100 * SHARE_LIMIT:g} % not to be trusted",
        "end what can wait; look for a quota (cpu.max of the cgroup)",
        grade,
    )


def runnable(read: Read) -> Fact:
    """Return how many tasks want to run besides us: the mean of some looks."""
    looks = []
    for _ in range(RUNNABLE_LOOKS):
        number = _field(read(CPU_STAT), "procs_running")
        looks += [] if number is None else [max(0, number - 1)]
        time.sleep(RUNNABLE_PAUSE_S)
    found = sum(looks) / len(looks) if looks else None
    return Fact(
        "runnable",
        NOT_VISIBLE if found is None else f"{found:.1f} other tasks want to run",
        found,
        "each of them gets a turn that a slice may have to wait for",
        "end what can wait",
        Grade.NOTE if found is None or found >= 1 else Grade.OK,
    )


def timer(name: str, clock: Callable[[], int]) -> Fact:
    """Return what a look at *clock* costs and its smallest step, in nanoseconds."""
    stamps = [clock() for _ in range(CLOCK_LOOKS)]
    steps = [later - sooner for sooner, later in itertools.pairwise(stamps)]
    cost, step = median(steps), min((s for s in steps if s > 0), default=0)
    return Fact(
        f"timer_{name}",
        f"{cost:.0f} ns a look, smallest step {step} ns",
        cost,
        "what is timed must be much longer than a look at the clock",
        "see clock_source",
        Grade.NOTE if cost > SLOW_CLOCK_NS else Grade.OK,
    )


def stable_slice() -> Fact:
    """Return the smallest slice of CPU time whose repeats agree, or None if time is up first."""
    found = smallest_stable(_repeats())
    text = f"none up to {SLICES_NS[-1] / 1e6:g} ms" if found is None else f"{found / 1e6:g} ms"
    return Fact(
        "stable_slice",
        text,
        found,
        f"quartiles of shorter slices lie more than {100 * STABLE_SPREAD:g} % apart",
        f"xenperf run uses {DEFAULT_SLICE_NS / 1e6:g} ms; where that is too short, more --workers",
        Grade.NOTE if found is None or found > DEFAULT_SLICE_NS else Grade.OK,
    )


def smallest_stable(tried: Iterator[tuple[int, list[int]]]) -> int | None:
    """Return the first slice of *tried*, rising, whose repeats have quartiles close together."""
    for slice_ns, repeats in tried:
        ordered = sorted(repeats)
        quarter = len(ordered) // 4
        if ordered[-1 - quarter] - ordered[quarter] <= STABLE_SPREAD * median(ordered):
            return slice_ns
    return None


def _repeats() -> Iterator[tuple[int, list[int]]]:
    """Yield each size of slice with the CPU time of its repeats, until the time is up."""
    end = time.perf_counter() + SLICES_BUDGET_S
    once_ns = median([_crc_ns(200) / 200 for _ in range(9)])
    for slice_ns in SLICES_NS:
        if time.perf_counter() > end:
            return
        nr_rounds = max(1, round(slice_ns / once_ns))
        yield slice_ns, [_crc_ns(nr_rounds) for _ in range(SLICE_REPEATS)]


def _crc_ns(nr_rounds: int) -> int:
    start = time.thread_time_ns()
    for _ in range(nr_rounds):
        zlib.crc32(_BUFFER)
    return time.thread_time_ns() - start


def _ticks(read: Read) -> tuple[int, int] | None:
    """Return the ticks stolen and all ticks since boot, guest time counted once."""
    line = (read(CPU_STAT) or "").partition("\n")[0].split()[1:9]
    return (int(line[7]), sum(map(int, line))) if len(line) == 8 else None


def _field(text: str | None, name: str) -> int | None:
    for line in (text or "").splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    return None
