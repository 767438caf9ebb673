"""A thousand rounds of everything that owns memory leave no file and no mapping behind."""

import gc
import mmap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.holdings import holdings
from xenperf import memory as module
from xenperf.hypervisor import VmSize
from xenperf.memory import Arena, PhysicalMemory, UserMapping
from xenperf.model.host import ModelHost
from xenperf.model.mm import AddressSpace
from xenperf.units import PAGE_SIZE, Hva

ROUNDS = 1_000
Use = Callable[[], None]


def use_memory_and_close() -> None:
    with PhysicalMemory(16) as memory, UserMapping(memory, 4) as mapping, Arena(100) as arena:
        mapping.show(mapping.hva, memory.allocate(2), 2)
        mapping.hide(Hva(mapping.hva + PAGE_SIZE))
        mapping.view(mapping.hva, 4)[:] = arena.view(np.uint8, 0, 4)


def use_memory_and_drop() -> None:
    memory, arena = PhysicalMemory(16), Arena(100)
    mapping = UserMapping(memory, 4)
    mapping.show(mapping.hva, memory.allocate(2), 2)
    arena.view(np.uint8, 0, 4)[:] = mapping.view(mapping.hva, 4)


def use_mm_and_close() -> None:
    with PhysicalMemory(64) as memory:
        mm = AddressSpace(memory)
        hva = mm.map_new(3)
        mm.map_new(2)
        mm.hide(hva, 1)
        mm.close()


def use_vm_and_close() -> None:
    with ModelHost(VmSize(nr_pages=64, nr_slots=2)) as host:
        host.write(host.allocate_pages(2), b"content")


def use_vm_and_drop() -> None:
    host = ModelHost(VmSize(nr_pages=64, nr_slots=2))
    host.write(host.allocate_pages(2), b"content")


USES = [
    use_memory_and_close,
    use_memory_and_drop,
    use_mm_and_close,
    use_vm_and_close,
    use_vm_and_drop,
]


@pytest.fixture
def collected_once() -> Iterator[None]:
    """Collect garbage before and after only, so that a round depends on no collection."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collected_once")
@pytest.mark.parametrize("use", USES)
def test_a_thousand_rounds_leave_nothing_behind(use: Use) -> None:
    use()
    before = holdings()
    for _ in range(ROUNDS):
        use()
    assert holdings() == before


@pytest.mark.parametrize("use", USES)
def test_what_fails_half_way_leaves_nothing_behind(use: Use) -> None:
    """Each round is granted one mapping more than the last, until there are enough."""
    use()
    before = holdings()
    failures = [_run_with(use, nr_granted) for nr_granted in range(6)]
    assert failures[:2] == [True, True]
    assert failures[-1] is False
    for _ in range(ROUNDS // 10):
        assert [_run_with(use, nr_granted) for nr_granted in range(6)] == failures
    assert holdings() == before


def _run_with(use: Use, nr_granted: int) -> bool:
    """Run *use* while only *nr_granted* mappings are to be had; tell whether it failed."""
    real, left = mmap.mmap, [nr_granted]

    def scarce(*arguments: Any, **options: Any) -> mmap.mmap:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(12, "Cannot allocate memory")
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module.mmap, "mmap", scarce)
        try:
            use()
        except OSError:
            return True
    return False
