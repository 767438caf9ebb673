"""How the compiled model compares with C: the ratio of CPU times, kernel by kernel, and the bars.

    python bench/micro/peer.py                    every kernel, alone and in pairs of threads
    python bench/micro/peer.py --only 'send*'     some of them

All variants work on the same memory and take turns, so that whatever disturbs one disturbs all.
A second copy of the C library is the control: where it differs from the first, the kernel's speed
depends on where its code lies, and its ratio is shown but not judged.

Ends with 0: every bar is met; 1: one is not; 3: no C compiler here.
"""

import argparse
import fnmatch
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from peer_pairs import PAIRS, Pair, time_pair  # noqa: E402
from peer_settings import SETTINGS, Setting  # noqa: E402

from tests.peer.build import PeerUnavailableError, compiler_version, peer  # noqa: E402
from xenperf import jit  # noqa: E402

SLICE_NS = 2_000_000
MEAN_BAR = 1.00
PAIR_BAR = 1.10
CONTROL_BAND = 0.02
"""How far the median of the control may be from 1 before a kernel counts as bistable."""

MIN_CLEAN = 5
DONE, MISSED, UNAVAILABLE = 0, 1, 3

Kernel = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Row:
    """One setting's answer: cost of an operation, Numba / C and the control, C / C."""

    name: str
    c_ns: float
    ratios: Sequence[float]
    controls: Sequence[float]
    bar: float

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def control(self) -> float:
        return statistics.median(self.controls)

    @property
    def is_judged(self) -> bool:
        return abs(self.control - 1) <= CONTROL_BAND

    @property
    def verdict(self) -> str:
        if not self.is_judged:
            return "not judged: bistable, its control differs too"
        return "ok" if self.ratio <= self.bar else f"MISSED {self.bar:.2f}"

    def __str__(self) -> str:
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return (
            f"{self.name:32}{self.c_ns:10.2f}{self.ratio:9.3f}  [{low:.3f}, {high:.3f}]"
            f"{self.control:9.3f}  {self.verdict}"
        )


def thread_ns(kernel: Kernel, words: tuple[int, ...]) -> int:
    start = time.thread_time_ns()
    kernel(*words)
    return time.thread_time_ns() - start


def batch_size(kernel: Kernel, words: Callable[[int], tuple[int, ...]]) -> int:
    """Return how many operations take a slice, a multiple of all cycles' lengths."""
    n = 4096
    while (spent := thread_ns(kernel, words(n))) < SLICE_NS // 8:
        n *= 2
    return max(1, round(n * SLICE_NS / spent / 8)) * 8


def time_setting(setting: Setting, repeats: int) -> Row:
    """Time one kernel in its setting: Numba, C and C again, each first in its turn."""
    copies = [peer(copy).kernel(setting.kernel) for copy in (0, 1)]
    variants: list[Kernel] = [jit.registry[setting.kernel].entry, *copies]
    vm = setting.open()
    try:
        a, b, c = setting.words(vm)
        state = vm.host.state

        def words(n: int) -> tuple[int, ...]:
            return state.vm, state.cpu, n, a, b, c

        n = batch_size(copies[0], words)
        answers = {int(kernel(*words(n))) for kernel in variants}
        if len(answers) != 1:
            raise SystemExit(f"{setting.name}: Numba and C answer differently: {answers}")
        spent: list[list[int]] = [[], [], []]
        for repeat in range(repeats):
            for turn in range(3):
                which = (turn + repeat) % 3
                spent[which].append(thread_ns(variants[which], words(n)))
    finally:
        vm.close()
    numba, first, second = spent
    return Row(
        setting.name,
        statistics.median(first) / n,
        [x / y for x, y in zip(numba, first, strict=True)],
        [x / y for x, y in zip(second, first, strict=True)],
        setting.bar,
    )


def chosen(entries: Sequence[Setting] | Sequence[Pair], globs: Sequence[str]) -> Iterator[object]:
    for entry in entries:
        if not globs or any(fnmatch.fnmatchcase(entry.name, glob) for glob in globs):
            yield entry


def progress(text: str) -> None:
    """Say what is being done, on a terminal only; the next line overwrites it."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def judge_settings(settings: Sequence[Setting], repeats: int) -> bool:
    """Print a row for each of *settings*, then their mean; tell whether all bars are met."""
    rows = []
    if settings:
        print(f"{'one thread':32}{'C, ns':>10}{'Numba/C':>9}  {'quartiles':14}{'C/C':>11}")
    for idx, setting in enumerate(settings, 1):
        progress(f"{idx}/{len(settings)} {setting.name}")
        rows.append(time_setting(setting, repeats))
        progress("")
        print(rows[-1], flush=True)
    met = all(row.ratio <= row.bar for row in rows if row.is_judged)
    if len(rows) == len(SETTINGS):  # the mean of a selection says nothing
        mean = math.exp(statistics.fmean(math.log(row.ratio) for row in rows))
        met = met and mean <= MEAN_BAR
        print(
            f"geometric mean {mean:.3f}  {'ok' if mean <= MEAN_BAR else f'MISSED {MEAN_BAR:.2f}'}"
        )
    return met


def judge_pairs(pairs: Sequence[Pair], repeats: int) -> bool:
    """Print a row for each of *pairs*: two threads at once; tell whether all bars are met."""
    met = True
    if pairs:
        print(f"{'two threads':32}{'C, ns':>10}{'Numba/C':>9}  clean runs of {repeats}")
    for idx, pair in enumerate(pairs, 1):
        progress(f"{idx}/{len(pairs)} {pair.name}")
        numba, c = time_pair(pair, repeats)
        progress("")
        clean = min(len(numba), len(c))
        if clean < MIN_CLEAN:
            print(f"{pair.name:32} not judged: {clean} clean runs; the machine is busy", flush=True)
            continue
        c_ns = statistics.median(c)
        ratio = statistics.median(numba) / c_ns
        verdict = "ok" if ratio <= PAIR_BAR else f"MISSED {PAIR_BAR:.2f}"
        met = met and ratio <= PAIR_BAR
        print(f"{pair.name:32}{c_ns:10.2f}{ratio:9.3f}  {len(numba)}, {len(c)}  {verdict}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=25, help="runs of each variant (25)")
    parser.add_argument("--only", metavar="GLOB", action="append", default=[], help="some rows")
    parser.add_argument(
        "--threads", choices=("one", "two", "both"), default="both", help="which part (both)"
    )
    args = parser.parse_args()
    if args.repeats < 2:
        parser.error(f"--repeats {args.repeats}: give at least 2")
    if jit.INTERPRETED:
        parser.error("NUMBA_DISABLE_JIT is set: there is nothing to compare with C")
    try:
        progress("building the C peer")
        peer(0), peer(1)
        print(f"{compiler_version()}; load {os.getloadavg()[0]:.1f}")
    except PeerUnavailableError as reason:
        print(reason, file=sys.stderr)
        return UNAVAILABLE
    settings = list(chosen(SETTINGS, args.only)) if args.threads != "two" else []
    pairs = list(chosen(PAIRS, args.only)) if args.threads != "one" else []
    progress("compiling")
    jit.compile_all(jit.registry.values())
    alone = judge_settings(settings, args.repeats)
    together = judge_pairs(pairs, args.repeats)
    print("PASS" if alone and together else "FAIL")
    return DONE if alone and together else MISSED


if __name__ == "__main__":
    sys.exit(main())
