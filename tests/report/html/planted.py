"""Reports with slices, phases and patches, whose figures are drawn from a fixed seed."""

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import replace

from xenperf.report.model import Kind, Report, WorkerSlices
from xenperf.stats.rows import Row
from xenperf.stats.samples import CPU_TIME
from xenperf.stats.verdict import Verdict

PHASES = (
    *("overlay_in", "delete_low", "delete_overlay", "delete_high", "create_whole"),
    *("delete_whole", "create_low", "create_overlay", "create_high"),
)
ABSENT = PHASES[2:4] + PHASES[5:7]


def slices(row: Row, nr_workers: int = 6, nr_rounds: int = 16) -> tuple[WorkerSlices, ...]:
    """Return what workers of *row* may have measured; in the base one slice in four is slow."""
    draw = random.Random(row.benchmark)
    base, ratio = row.base or 1.0, row.ratio or 1.0
    return tuple(
        WorkerSlices(
            tuple(base * draw.gauss(1, 0.004) * draw.choice((1, 1, 1, 1.03)) for _ in rounds),
            tuple(base * ratio * draw.gauss(1, 0.004) for _ in rounds),
            base_first=idx % 2 == 0,
            load_1min=0.5 + 0.4 * idx,
            seconds=3.5 * idx,
        )
        for idx in range(nr_workers)
        for rounds in [range(nr_rounds)]
    )


def with_slices(report: Report, nr_workers: int = 6, nr_rounds: int = 16) -> Report:
    """Return *report* with what each worker measured."""
    timed = [row for row in report.rows if row.ratio is not None]
    return replace(report, slices={row.key: slices(row, nr_workers, nr_rounds) for row in timed})


def broken_apart(sides: tuple[str, str] = ("gpa", "hva"), variant: str = "") -> list[Row]:
    """Return the counts of a break-apart, phase by phase; a patch that is a base has no loss."""
    is_lossy = not sides[0].endswith("patch")

    def row(phase: str, metric: str, base: int) -> Row:
        verdict = Verdict.FEWER if base else Verdict.SAME
        name = f"break_apart.{phase}"
        return Row(
            *(name, metric, "of 64 sends", base, 0, None, None, verdict),
            sides=sides,
            variant=variant,
        )

    return [
        one
        for phase in PHASES
        for one in (
            row(phase, "refused", 64 * (is_lossy and phase in ABSENT)),
            row(phase, "wrong_page", 64 * (is_lossy and phase == "create_whole")),
        )
    ]


def series(report: Report, nr_benchmarks: int = 4, nr_patches: int = 5) -> Report:
    """Return a series: each patch against the base and the one before, by GPA and by HVA."""
    labels = ["base", *(f"{idx:02}-patch" for idx in range(1, nr_patches + 1))]
    pairs = [("base", label) for label in labels[1:]]
    pairs += itertools.pairwise(labels[1:])
    rows = [
        _patched(f"send.benchmark_{idx}", variant, pair, labels)
        for idx in range(nr_benchmarks)
        for variant in ("gpa", "hva")
        for pair in pairs
    ]
    counts = [row for pair in pairs for row in broken_apart(pair, "gpa")]
    about = {label: f"KVM: the subject of {label}" for label in labels}
    return replace(
        report,
        rows=(*rows, *report.controls, *counts),
        kind=Kind.SERIES,
        about=about,
        command="xenperf series base..head",
    )


def _patched(name: str, variant: str, pair: tuple[str, str], labels: Sequence[str]) -> Row:
    draw = random.Random(f"{name} {variant} {pair}")
    effect = 0.04 * (labels.index(pair[1]) - labels.index(pair[0])) if variant == "gpa" else 0.0
    ratio, width = math.exp(draw.gauss(-effect, 0.006)), draw.uniform(0.004, 0.03)
    verdict = Verdict.UNDECIDED if width > 0.02 else Verdict.SAME
    verdict = Verdict.FASTER if ratio + width < 0.98 else verdict
    ci = (ratio - width, ratio + width)
    figures = (50.0, 50.0 * ratio, ratio, ci, verdict)
    return Row(
        *(name, CPU_TIME, "ns/send", *figures),
        worker_ratios=(ratio - width / 3, ratio, ratio + width / 3),
        sides=pair,
        variant=variant,
    )
