"""How far counts of instructions lie apart between boots of one kernel image.

    for n in 1 2 3 4 5; do
        xenperf boot --icount --kernel IMAGE -- run --backend live --seed 1 -o boot$n.json
    done
    python bench/evidence/icount.py boot*.json

Prints a table in Markdown: for each cost by each activation the median of the first boot, the range
of all, how many of all rounds found exactly that count, and the limit that a series judges by: none
for activations and sends. Ends with 1 where a range is wider than its limit.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from xenperf.errors import UsageError, XenperfError
from xenperf.measure.samples import per_operation
from xenperf.record.recorded import Recorded, read
from xenperf.stats.counted import WIDER
from xenperf.stats.samples import INSTRUCTIONS

TITLES: Final = ("benchmark", "by", "instructions", "range over boots", "rounds alike", "goal")


@dataclass(frozen=True, slots=True)
class Repeated:
    """One cost by one activation, boot by boot."""

    benchmark: str
    activation: str
    boots: tuple[tuple[float, ...], ...]
    """The rounds of each boot: instructions an operation."""

    @property
    def medians(self) -> list[float]:
        """The figure of each boot, one that a round found."""
        return [statistics.median_low(rounds) for rounds in self.boots]

    @property
    def spread(self) -> float:
        """The largest less the smallest figure, over that of the first boot."""
        return (max(self.medians) - min(self.medians)) / self.medians[0]

    @property
    def alike(self) -> int:
        """How many rounds of all boots found exactly the figure of the first."""
        return sum(rounds.count(self.medians[0]) for rounds in self.boots)

    @property
    def goal(self) -> float:
        """How far the boots may lie apart: a share."""
        return WIDER.get(self.benchmark.partition(".")[0], 0.0)

    def line(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        low, high = min(self.medians), max(self.medians)
        span = "none" if low == high else f"{low:g} to {high:g} ({100 * self.spread:.2f} %)"
        nr_rounds = sum(map(len, self.boots))
        goal = f"{100 * self.goal:g} %" if self.goal else "none"
        figure = f"{self.medians[0]:.10g}"
        return self.benchmark, self.activation, figure, span, f"{self.alike} of {nr_rounds}", goal


def repeated(files: Sequence[Recorded]) -> Iterator[Repeated]:
    """Yield every cost that all of *files* have, in the order of the first."""
    boots = [dict(_rounds(one)) for one in files]
    for key in boots[0]:
        if all(key in boot for boot in boots):
            yield Repeated(*key, tuple(boot[key] for boot in boots))


def _rounds(recorded: Recorded) -> Iterator[tuple[tuple[str, str], tuple[float, ...]]]:
    """Yield benchmark and activation with what each round found."""
    for message in (each for said in recorded.session.workers for each in said):
        if message["kind"] == "cost" and "invalid" not in message:
            if message["metric"] != INSTRUCTIONS:
                raise UsageError(message["name"], "was timed, not counted", "record with --icount")
            for label in message["sides"]:
                rounds = per_operation(message, label, "cpu_ns")
                if rounds is not None:
                    yield (message["name"], label), rounds


def main(paths: Sequence[str]) -> int:
    """Print the table of the files at *paths*; return 1 where a goal was missed."""
    if len(paths) < 2:
        raise UsageError("files", "repeating takes two or more", "name those of several boots")
    files = [read(path) for path in paths]
    kernels = {str(one.environment.get("kernel")) for one in files}
    if len(kernels) > 1:
        raise UsageError("files", f"of different kernels: {', '.join(sorted(kernels))}")
    found = list(repeated(files))
    for line in (TITLES, ("---",) * len(TITLES), *(one.line() for one in found)):
        print(f"| {' | '.join(line)} |")
    return int(any(one.spread > one.goal for one in found))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except XenperfError as error:
        sys.exit(f"icount.py: {error}")
