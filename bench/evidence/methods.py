"""Four methods of comparing, each asked about disjoint sets of workers."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from asv import _stats as asv_stats
from asv_runner.statistics import compute_stats
from pyperf._utils import is_significant

from xenperf.stats.paired import estimate, round_log_ratios
from xenperf.stats.robust import median
from xenperf.stats.verdict import DEFAULT, Judgement, Verdict, judge

Slices: TypeAlias = list[float]
Workers: TypeAlias = list[Slices]
Times: TypeAlias = dict[str, dict[str, Workers]]
Method: TypeAlias = Callable[[Workers, Workers], Verdict]

LABELS: Final = ("base", "A/A", "+1 %", "+3 %", "+5 %", "+10 %")
EFFECTS: Final = (0.0, 0.0, 0.01, 0.03, 0.05, 0.10)
WORKERS: Final = 10
ROWS: Final = 20
"""Rows that a report is corrected for."""

VALUES_PER_PROCESS: Final = 3  # pyperf's default, as asv's 5 below
SAMPLES_PER_PROCESS: Final = 5
ASV_FACTOR: Final = 1.1
BENCHSTAT_ALPHA: Final = 0.05


def pyperf(base: Workers, head: Workers) -> Verdict:
    """Judge as ``pyperf compare_to`` does: a pooled t test over all values of all processes."""
    a, b = (_pooled(side, VALUES_PER_PROCESS) for side in (base, head))
    return _verdict(a, b, is_different=is_significant(a, b)[0])


def benchstat(base: Workers, head: Workers) -> Verdict:
    """Judge as benchstat does: Mann-Whitney over one figure a process, 5 %, no correction."""
    a, b = ([sum(slices) / len(slices) for slices in side] for side in (base, head))
    _, p = asv_stats.mann_whitney_u(a, b)
    return _verdict(a, b, is_different=p < BENCHSTAT_ALPHA)


def asv(base: Workers, head: Workers) -> Verdict:
    """Judge as ``asv compare`` does: beyond a factor of 1.1, and Mann-Whitney at 0.2 %."""
    a, b = (_pooled(side, SAMPLES_PER_PROCESS) for side in (base, head))
    (middle_a, stats_a), (middle_b, stats_b) = (compute_stats(side, 1) for side in (a, b))
    beyond = max(middle_a, middle_b) > ASV_FACTOR * min(middle_a, middle_b)
    return _verdict(a, b, is_different=beyond and asv_stats.is_different(a, b, stats_a, stats_b))


def xenperf(base: Workers, head: Workers, nr_rows: int = 1) -> Verdict:
    """Judge as xenperf does: both sides ran in the same processes, round by round."""
    settings = Judgement(DEFAULT.margin, DEFAULT.band, DEFAULT.alpha / nr_rows)
    rounds = [round_log_ratios(a, b) for a, b in zip(base, head, strict=True)]
    return judge([estimate(rounds)], settings)[0]


def table(times: Times) -> str:
    """Return the shares of verdicts as a Markdown table, a line for each method and schedule."""
    lines = [_row("method", "schedule", "compared", *(_title(label) for label in LABELS[1:]))]
    lines.append(_row(*["---"] * 8))
    for name, schedule, judged in _all(times):
        cells = [_share(judged[label], label) for label in LABELS[1:]]
        lines.append(_row(name, schedule, str(len(judged["A/A"])), *cells))
    return "\n".join([*lines, "", *_remarks(times)])


def _all(times: Times) -> Iterator[tuple[str, str, dict[str, list[Verdict]]]]:
    yield "xenperf, 10 workers", "one process, in turn", _paired(times, WORKERS, 1)
    name = f"xenperf, 10 workers, corrected for {ROWS} rows"
    yield name, "one process, in turn", _paired(times, WORKERS, ROWS)
    name = f"xenperf, 20 workers, corrected for {ROWS} rows"
    yield name, "one process, in turn", _paired(times, 2 * WORKERS, ROWS)
    methods: tuple[tuple[str, Method], ...] = (
        ("pyperf: pooled t", pyperf),
        ("benchstat: Mann-Whitney", benchstat),
        ("asv: factor 1.1 and Mann-Whitney", asv),
    )
    for name, method in methods:
        for schedule, chosen in (("A then B", _in_sequence), ("processes ABBA", _in_turn)):
            yield name, schedule, _apart(times, method, chosen)


def _paired(times: Times, nr_workers: int, nr_rows: int) -> dict[str, list[Verdict]]:
    """Return the verdicts on disjoint blocks of workers that each ran both sides."""
    return {
        label: [
            xenperf(base, head, nr_rows)
            for sides in times.values()
            for base, head in zip(
                _blocks(sides["base"], nr_workers), _blocks(sides[label], nr_workers), strict=True
            )
        ]
        for label in LABELS[1:]
    }


def _apart(
    times: Times, method: Method, chosen: Callable[[int], list[bool]]
) -> dict[str, list[Verdict]]:
    """Return the verdicts on disjoint blocks of 20 processes, each taken for one side only."""
    is_head = chosen(2 * WORKERS)
    found: dict[str, list[Verdict]] = {label: [] for label in LABELS[1:]}
    for label in LABELS[1:]:
        for sides in times.values():
            blocks = zip(
                _blocks(sides["base"], 2 * WORKERS), _blocks(sides[label], 2 * WORKERS), strict=True
            )
            for base, head in blocks:
                a = [slices for slices, other in zip(base, is_head, strict=True) if not other]
                b = [slices for slices, other in zip(head, is_head, strict=True) if other]
                found[label].append(method(a, b))
    return found


def _in_sequence(nr_processes: int) -> list[bool]:
    return [idx >= nr_processes // 2 for idx in range(nr_processes)]


def _in_turn(nr_processes: int) -> list[bool]:
    return [idx % 4 in (1, 2) for idx in range(nr_processes)]


def _blocks(workers: Workers, size: int) -> list[Workers]:
    return [workers[at : at + size] for at in range(0, len(workers) - size + 1, size)]


def _pooled(side: Workers, nr_values: int) -> Slices:
    """Return *nr_values* figures of each process: the means of slices that followed each other."""
    return [
        sum(part) / len(part)
        for slices in side
        for part in (_part(slices, idx, nr_values) for idx in range(nr_values))
    ]


def _part(slices: Slices, idx: int, nr_parts: int) -> Sequence[float]:
    return slices[idx * len(slices) // nr_parts : (idx + 1) * len(slices) // nr_parts]


def _verdict(a: Sequence[float], b: Sequence[float], *, is_different: bool) -> Verdict:
    if not is_different:
        return Verdict.UNDECIDED
    return Verdict.SLOWER if median(list(b)) > median(list(a)) else Verdict.FASTER


def _title(label: str) -> str:
    return "A/A: false" if label == "A/A" else f"{label}: found (wrong sign)"


def _share(verdicts: Sequence[Verdict], label: str) -> str:
    """Return how many of *verdicts* are false, or how many found what was planted."""
    counted = Counter(verdicts)
    if label == "A/A":
        false = counted[Verdict.SLOWER] + counted[Verdict.FASTER]
        return f"{false} ({100.0 * false / len(verdicts):.1f} %)"
    found = 100.0 * counted[Verdict.SLOWER] / len(verdicts)
    return f"{found:.1f} % ({counted[Verdict.FASTER]})"


def _remarks(times: Times) -> list[str]:
    """Return how often the same was called the same, and what became of planted trouble."""
    judged = _paired(times, WORKERS, 1)
    same = {label: Counter(judged[label])[Verdict.SAME] for label in LABELS[1:]}
    modes = [_two_modes(sides) for sides in times.values()]
    claims = Counter(verdict for verdicts in modes for verdict in verdicts)
    return [
        f"xenperf called {same['A/A']} of {len(judged['A/A'])} A/A comparisons the same, and "
        f"{same['+5 %']} and {same['+10 %']} of those with 5 and 10 % planted.",
        f"Two modes planted (every second worker's head from +10 %): of {sum(claims.values())}, "
        + ", ".join(f"{claims[verdict]} {verdict}" for verdict in Verdict if claims[verdict])
        + ".",
    ]


def _two_modes(sides: dict[str, Workers]) -> list[Verdict]:
    """Judge blocks in which half of the workers are a tenth slower and the others are not."""
    mixed = [
        slow if idx % 2 else fast
        for idx, (fast, slow) in enumerate(zip(sides["A/A"], sides["+10 %"], strict=True))
    ]
    pairs = zip(_blocks(sides["base"], WORKERS), _blocks(mixed, WORKERS), strict=True)
    return [xenperf(base, head) for base, head in pairs]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
