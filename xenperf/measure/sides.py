"""Who is compared with whom: builds of the package, each by one activation."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from xenperf.hypervisor import Activation
from xenperf.stats.samples import NO_HVA
from xenperf.vmm.machine import Shape

SENTINEL: Final = "A/A"
NO_SUCH: Final = "only one of the two has it"


@dataclass(frozen=True, slots=True)
class Build:
    """What a side runs: sources, and the patches that its modelled kernel has."""

    tree: str | None = None
    """Folder of the package as another checkout has it; None: the running one."""

    patches: tuple[str, ...] | None = None
    """None: as merged, or a real kernel, which is what it is."""

    copy: int = 0
    """Tells two loads of the same build apart: the two sides of an A/A comparison."""

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the build with *fields*, as ``dataclasses.asdict`` lays them out."""
        patches = fields["patches"]
        return cls(fields["tree"], None if patches is None else tuple(patches), fields["copy"])


@dataclass(frozen=True, slots=True)
class Side:
    """One build by one activation, and what a report calls it."""

    label: str
    activation: Activation
    build: Build = Build()
    planted: float = 0.0
    """Share of operations done on top of those that are counted: a slowdown of known size, really
    executed, by which a method of comparing can be tried out.
    """

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the side with *fields*, as ``dataclasses.asdict`` lays them out."""
        build = Build.from_fields(fields["build"])
        activation = Activation(fields["activation"])
        return cls(fields["label"], activation, build, fields["planted"])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sides that take turns in the same workers; the first is the base of all others."""

    sides: tuple[Side, ...]
    variant: str = ""
    """What all its sides have in common, and the sides of other comparisons do not."""

    names: tuple[str, ...] | None = None
    """The benchmarks that take part; None: all."""

    has_controls: bool = True
    """Controls take part too; they need one comparison only, since no activation touches them."""

    is_control: bool = False
    """Its sides are the same build, so a difference is the machine's doing."""

    against_previous: bool = False
    """Each side is compared with the one before it too: the steps of a series."""

    absent: str = NO_HVA
    """What it means when a side does not have a benchmark."""

    shape: Shape | None = None
    """Its machine, with so many vCPUs exactly; None: the plan's, or more where a benchmark asks."""

    @property
    def is_between_builds(self) -> bool:
        """Tell whether its sides are different sources or kernels, and not just activations."""
        return len({side.build for side in self.sides}) > 1

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The labels of base and head of each row."""
        labels = [side.label for side in self.sides]
        pairs = [(labels[0], label) for label in labels[1:]]
        if self.against_previous:
            pairs += list(itertools.pairwise(labels[1:]))
        return pairs

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the comparison with *fields*, as ``dataclasses.asdict`` lays them out."""
        names, shape = fields["names"], fields.get("shape")
        return cls(
            **{
                **fields,
                "sides": tuple(Side.from_fields(side) for side in fields["sides"]),
                "names": None if names is None else tuple(names),
                "shape": None if shape is None else Shape(**shape),
            }
        )


def by_activation(build: Build) -> Comparison:
    """Return GPA against HVA on one build."""
    return Comparison(tuple(Side(str(one), one, build) for one in Activation))


BY_ACTIVATION: Final = by_activation(Build())


def between_builds(
    builds: Sequence[tuple[str, Build]],
    sentinels: Sequence[str],
    *,
    by_hva: Sequence[tuple[str, Build]] | None = None,
    against_previous: bool = False,
) -> tuple[Comparison, ...]:
    """Return the comparisons of named *builds*, the first against each other: by GPA and by HVA.

    sentinels
        Benchmarks for which the first build is compared with itself, loaded twice.
    by_hva
        Those of *builds* that have activation by HVA; by default all, and each worker finds out.
    """
    base = builds[0][1]
    again = replace(base, copy=base.copy + 1)
    compared = [
        Comparison(
            tuple(Side(label, activation, build) for label, build in named),
            variant=str(activation),
            has_controls=activation is Activation.GPA,
            against_previous=against_previous,
            absent=NO_SUCH,
        )
        for activation, named in zip(Activation, (builds, by_hva or builds), strict=True)
    ]
    loaded_twice = Comparison(
        tuple(Side(f"{builds[0][0]}{mark}", Activation.GPA, b) for mark, b in _twice(base, again)),
        variant=SENTINEL,
        names=tuple(sentinels),
        is_control=True,
    )
    return (*compared, loaded_twice)


def _twice(base: Build, again: Build) -> tuple[tuple[str, Build], tuple[str, Build]]:
    return ("", base), (" again", again)
