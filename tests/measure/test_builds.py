"""Builds: each opens machines of its own kernel, and places their objects if it can."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from xenperf.hypervisor import Activation
from xenperf.measure import builds
from xenperf.measure.sides import Build
from xenperf.measure.worker import page_offsets
from xenperf.vmm.machine import Shape

KERNELS = [Build(), Build(patches=("read-lock-first",))]


def _offsets(build: Build, others: tuple[Build, ...], placement: int | None) -> dict[str, int]:
    loaded = builds.load([build, *others], builds.MODEL, random.Random(0))[build]
    with loaded.loop("gpc.check", Shape(), Activation.GPA, placement=placement) as loop:
        found = page_offsets(loop)
    assert found is not None
    return {name: offset for name, offset in found.items() if name != "code"}


@pytest.mark.parametrize("build", KERNELS)
def test_a_placement_is_the_same_in_every_build(build: Build) -> None:
    alone = _offsets(build, (), 5)
    assert alone == _offsets(build, (Build(copy=1),), 5) == _offsets(KERNELS[0], (), 5)
    assert alone != _offsets(build, (), 6)
    assert _offsets(build, (), None)["vm"] == 0


class OldHost:
    """Opened as revisions open a machine that cannot place its objects."""

    def __init__(self, size: int) -> None:
        self.size = size


def test_a_revision_that_cannot_place_its_objects_is_opened_all_the_same() -> None:
    copy: Any = SimpleNamespace(module=lambda name: SimpleNamespace(ModelHost=OldHost))
    assert builds._placing_host_of(copy)(7, 4711).size == 7


def test_a_loop_that_does_not_say_where_it_lies_is_no_error() -> None:
    assert page_offsets(lambda n: n) is None
