"""A series of kernel images, each booted several times: judged rows, and answers that changed."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from xenperf.hypervisor import Activation
from xenperf.measure.sides import NO_SUCH
from xenperf.record.booted import AnswerKey, Booted
from xenperf.scenarios import catalogue
from xenperf.stats.answers import AnswerChange
from xenperf.stats.counted import judged_rows
from xenperf.stats.files import Figure
from xenperf.stats.robust import median
from xenperf.stats.rows import Row, count_rows
from xenperf.stats.samples import NO_HVA, WALL_TIME, CostSample, CountSample, WorkerTimes

Boots: TypeAlias = Mapping[str, Sequence[Booted]]
"""The boots of each image that has some, by its label, in the order of the series."""

BOUGHT: Final = "gpa to hva"


def rows_of(boots: Boots) -> list[Row]:
    """Return the rows of a series: each step against the base and against the one before.

    One row for each activation, and one for the base by GPA against the last step by HVA: what the
    whole series buys. Boot *i* of one side is set beside boot *i* of the other.
    """
    samples: list[CostSample] = []
    counts: list[CountSample] = []
    for compared in _comparisons(list(boots)):
        samples += _cost_samples(boots, compared)
        counts += _count_samples(boots, compared)
    place = {name: idx for idx, name in enumerate(catalogue.names())}
    samples.sort(key=lambda sample: place.get(sample.benchmark, len(place)))
    return [*judged_rows(samples), *count_rows(counts)]


def changes_of(boots: Boots) -> list[AnswerChange]:
    """Return the cases that both of two neighbours were asked and answered differently."""
    found = []
    for before, after in itertools.pairwise(boots):
        old, new = boots[before][0].answers, boots[after][0].answers
        for key in (key for key in old if key in new and old[key][0] != new[key][0]):
            (said, was_right), (says, is_right) = old[key], new[key]
            found.append(AnswerChange(*key, (before, after), said, says, was_right, is_right))
    return found


def unsteady_answers(boots: Sequence[Booted]) -> list[AnswerKey]:
    """Return the cases that boots of one image answered differently."""
    first = boots[0].answers
    return [
        key
        for key in first
        if any(key in boot.answers and boot.answers[key] != first[key] for boot in boots)
    ]


class _Compared(NamedTuple):
    """Two sides of a row: images by their labels, each by an activation."""

    base: tuple[str, str]
    head: tuple[str, str]
    variant: str

    @property
    def sides(self) -> tuple[str, str]:
        """What a report calls them: by the image alone where the activation is one."""
        if self.base[1] == self.head[1]:
            return self.base[0], self.head[0]
        return " ".join(self.base), " ".join(self.head)

    @property
    def absent(self) -> str:
        """What it means when one of them has not what the other has."""
        return NO_HVA if Activation.HVA in (self.base[1], self.head[1]) else NO_SUCH


def _comparisons(labels: Sequence[str]) -> Iterator[_Compared]:
    pairs = [(labels[0], label) for label in labels[1:]]
    pairs += list(itertools.pairwise(labels[1:]))
    for way in map(str, Activation):
        for base, head in pairs:
            yield _Compared((base, way), (head, way), way)
    if len(labels) > 1:
        gpa, hva = map(str, Activation)
        yield _Compared((labels[0], gpa), (labels[-1], hva), BOUGHT)


def _cost_samples(boots: Boots, compared: _Compared) -> Iterator[CostSample]:
    """Yield a sample for each cost that either side has; a control once, by GPA."""
    sides = [boots[label] for label, _ in (compared.base, compared.head)]
    ways = compared.base[1], compared.head[1]
    names = dict.fromkeys(
        name
        for side, way in zip(sides, ways, strict=True)
        for boot in side
        for name, asked in boot.figures
        if asked == way
    )
    for name in names:
        is_control = name in _CONTROLS
        if is_control and compared.variant != Activation.GPA:
            continue
        found = [
            [boot.figures.get((name, way)) for boot in side]
            for side, way in zip(sides, ways, strict=True)
        ]
        known = next(figure for side in found for figure in side if figure is not None)
        yield CostSample(
            benchmark=name,
            unit=known.unit,
            workers=tuple(_rounds(*found)),
            sides=compared.sides,
            variant="" if is_control else compared.variant,
            metric=known.metric,
            absent=compared.absent,
        )


def _rounds(base: Sequence[Figure | None], head: Sequence[Figure | None]) -> Iterator[WorkerTimes]:
    """Yield boot *i* of both sides; without those where one lacks what it has in another boot."""
    lacks = not any(base), not any(head)
    for before, after in zip(base, head, strict=False):
        if (before or lacks[0]) and (after or lacks[1]):
            yield WorkerTimes(_time(before), _time(after), _wall(before), _wall(after))


def _time(figure: Figure | None) -> tuple[float, ...] | None:
    return None if figure is None else (median(figure.workers_ns),)


def _wall(figure: Figure | None) -> tuple[float, ...]:
    """Return the figure again where it is judged by wall time."""
    return (_time(figure) or ()) if figure is not None and figure.metric == WALL_TIME else ()


def _count_samples(boots: Boots, compared: _Compared) -> Iterator[CountSample]:
    """Yield a sample for each exact figure that either side has."""
    found = []
    for label, way in (compared.base, compared.head):
        counts: dict[tuple[str, str, str], tuple[int, ...]] = {}
        for boot in boots[label]:
            for (name, metric, unit, asked), values in boot.counts.items():
                if asked == way:
                    key = name, metric, unit
                    counts[key] = (*counts.get(key, ()), *values)
        found.append(counts)
    for key in dict.fromkeys((*found[0], *found[1])):
        yield CountSample(
            *key,
            base=found[0].get(key),
            head=found[1].get(key),
            sides=compared.sides,
            variant=compared.variant,
            absent=compared.absent,
        )


_CONTROLS: Final = frozenset(entry.name for entry in catalogue.BENCHMARKS if entry.is_control)
