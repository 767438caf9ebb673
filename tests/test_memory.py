import ctypes
import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.holdings import holdings
from tests.touching import killed_by, load, store
from xenperf import memory as module
from xenperf.memory import Arena, PhysicalMemory, UserMapping, close_all
from xenperf.units import PAGE_SIZE, Hva, Khva, Pfn


@pytest.fixture
def memory() -> Iterator[PhysicalMemory]:
    with PhysicalMemory(64) as made:
        yield made


@pytest.fixture
def mapping(memory: PhysicalMemory) -> Iterator[UserMapping]:
    with UserMapping(memory, 8) as made:
        yield made


def _page(mapping: UserMapping, index: int) -> Hva:
    return Hva(mapping.hva + index * PAGE_SIZE)


def test_an_arena_is_zeroed_whole_pages_at_its_khva() -> None:
    with Arena(PAGE_SIZE + 1) as arena:
        assert arena.nr_bytes == 2 * PAGE_SIZE
        assert arena.khva % PAGE_SIZE == 0
        words = arena.view(np.uint64, 0, arena.nr_bytes // 8)
        assert not words.any()
        store(arena.khva + 8, 7)
        assert words[1] == 7
        assert arena.view(np.uint64, 8, 1)[0] == 7
        del words


def test_frames_are_handed_out_once_each_and_zeroed(memory: PhysicalMemory) -> None:
    pfns = [memory.allocate() for _ in range(30)] + [memory.allocate(33)]
    assert pfns == list(range(1, 32)), "in order, and never frame 0"
    assert not memory.view(Pfn(1), np.uint8, 63).any()
    with pytest.raises(ValueError, match=r"^1 frames asked for, 0 of 64 are left$"):
        memory.allocate()


def test_frames_that_are_not_left_are_not_taken(memory: PhysicalMemory) -> None:
    with pytest.raises(ValueError, match=r"^64 frames asked for, 63 of 64 are left$"):
        memory.allocate(64)
    assert memory.allocate(63) == 1


def test_a_frame_has_one_khva_and_the_other_way_round(memory: PhysicalMemory) -> None:
    pfn = memory.allocate(3)
    khva = memory.khva(Pfn(pfn + 2))
    assert khva == memory.direct_map + (pfn + 2) * PAGE_SIZE
    assert memory.pfn_of(khva) == memory.pfn_of(Khva(khva + 4095)) == pfn + 2
    store(khva, 9)
    assert memory.view(Pfn(pfn + 2), np.uint8)[0] == 9
    assert memory.view(pfn, np.uint8, 3).nonzero()[0].tolist() == [2 * PAGE_SIZE]


def test_direct_map_and_user_mapping_see_each_others_writes(
    memory: PhysicalMemory, mapping: UserMapping
) -> None:
    pfn = memory.allocate(2)
    mapping.show(_page(mapping, 3), pfn, 2)
    seen, behind = mapping.view(_page(mapping, 3), 2 * PAGE_SIZE), memory.view(pfn, np.uint8, 2)
    seen[5], behind[PAGE_SIZE + 6] = 1, 2
    assert (behind[5], seen[PAGE_SIZE + 6]) == (1, 2)
    assert (seen == behind).all()
    del seen, behind


def test_one_frame_may_be_shown_twice(memory: PhysicalMemory, mapping: UserMapping) -> None:
    pfn = memory.allocate()
    for index in (0, 5):
        mapping.show(_page(mapping, index), pfn)
    store(_page(mapping, 0), 3)
    assert load(_page(mapping, 5)) == 3


def test_a_page_replaced_in_place_leaves_stale_writes_in_the_old_frame(
    memory: PhysicalMemory, mapping: UserMapping
) -> None:
    old, new, hva = memory.allocate(), memory.allocate(), _page(mapping, 1)
    mapping.show(hva, old)
    stale = memory.khva(old)
    store(hva, 1)
    mapping.show(hva, new)
    assert load(hva) == 0
    store(stale, 2)
    assert (load(hva), load(memory.khva(old)), load(memory.khva(new))) == (0, 2, 0)
    store(hva, 3)
    assert (load(stale), load(memory.khva(new))) == (2, 3)


def test_a_page_shown_read_only_can_be_read_and_not_written(
    memory: PhysicalMemory, mapping: UserMapping
) -> None:
    pfn, hva = memory.allocate(), _page(mapping, 0)
    mapping.show(hva, pfn, writable=False)
    store(memory.khva(pfn), 4)
    assert load(hva) == 4
    assert killed_by(store, hva, 5) == signal.SIGSEGV
    assert load(hva) == 4
    mapping.show(hva, pfn)
    store(hva, 6)
    assert load(memory.khva(pfn)) == 6


def test_a_hidden_page_cannot_be_touched_and_keeps_its_content(
    memory: PhysicalMemory, mapping: UserMapping
) -> None:
    pfn, hva = memory.allocate(2), _page(mapping, 0)
    assert killed_by(load, hva) == signal.SIGSEGV, "nothing is shown at first"
    mapping.show(hva, pfn, 2)
    store(hva, 7)
    mapping.hide(hva)
    assert killed_by(load, hva) == signal.SIGSEGV
    assert killed_by(load, _page(mapping, 1)) == 0, "its neighbour is still shown"
    assert load(memory.khva(pfn)) == 7
    mapping.show(hva, pfn)
    assert load(hva) == 7


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda m: Arena(0), r"^an arena needs at least one byte, not 0$"),
        (lambda m: PhysicalMemory(0), r"^physical memory needs at least one page, not 0$"),
        (lambda m: UserMapping(m, 0), r"^a user mapping needs at least one page, not 0$"),
        (lambda m: m.allocate(0), r"^0 frames asked for, 63 of 64 are left$"),
        (lambda m: m.view(Pfn(63), np.uint8, 2), r"buffer is smaller than requested size"),
    ],
)
def test_sizes_out_of_range_are_refused(
    memory: PhysicalMemory, make: Callable[[PhysicalMemory], object], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        make(memory)


@pytest.mark.parametrize(
    ("index", "nr_pages"), [(-1, 1), (8, 1), (0, 9), (7, 2), (0, 0), (3, -1), (-(1 << 40), 1)]
)
def test_pages_outside_a_mapping_are_refused(
    memory: PhysicalMemory, mapping: UserMapping, index: int, nr_pages: int
) -> None:
    hva, pfn = _page(mapping, index), memory.allocate(9)
    text = rf"^hva {hva:#x} \(\+{nr_pages} pages\) lies outside this mapping$"
    with pytest.raises(ValueError, match=text):
        mapping.show(hva, pfn, nr_pages)
    with pytest.raises(ValueError, match=text):
        mapping.hide(hva, nr_pages)


def test_an_unaligned_page_is_refused(memory: PhysicalMemory, mapping: UserMapping) -> None:
    with pytest.raises(ValueError, match=r"not page aligned; give a multiple of 4096$"):
        mapping.show(Hva(mapping.hva + 8), memory.allocate())


@pytest.mark.parametrize(("pfn", "nr_pages"), [(0, 1), (-1, 1), (63, 2), (64, 1)])
def test_frames_outside_the_memory_cannot_be_shown(
    mapping: UserMapping, pfn: int, nr_pages: int
) -> None:
    text = rf"^pfn {pfn} \(\+{nr_pages} pages\): not frames of this memory$"
    with pytest.raises(ValueError, match=text):
        mapping.show(mapping.hva, Pfn(pfn), nr_pages)


@pytest.mark.parametrize(("offset", "nr_bytes"), [(-1, 1), (0, 8 * 4096 + 1), (8 * 4096, 1)])
def test_bytes_outside_a_mapping_are_refused(
    mapping: UserMapping, offset: int, nr_bytes: int
) -> None:
    with pytest.raises(ValueError, match=r"bytes\) lies outside this mapping$"):
        mapping.view(Hva(mapping.hva + offset), nr_bytes)


def test_nothing_closes_while_a_view_lives_and_all_do_afterwards(memory: PhysicalMemory) -> None:
    arena, mapping = Arena(1), UserMapping(memory, 1)
    mapping.show(mapping.hva, memory.allocate())
    views = [
        arena.view(np.uint8, 0, 1)[:],
        mapping.view(mapping.hva, 8)[2:4],
        memory.view(Pfn(1), np.uint8)[:],
    ]
    owners = (arena, mapping, memory)
    for owner in owners:
        with pytest.raises(BufferError, match="exported pointers exist"):
            owner.close()
    views[1][0] = 5
    assert views[2][2] == 5, "refusing to close changed nothing"
    views.clear()
    for owner in owners:
        owner.close()
        owner.close()


def test_close_all_closes_the_others_and_raises_the_first_refusal() -> None:
    before = holdings()
    arena, memory = Arena(1), PhysicalMemory(4)
    view = arena.view(np.uint8, 0, 1)
    with pytest.raises(BufferError):
        close_all([arena, memory])
    assert memory.fd == -1
    del view
    close_all([arena, memory])
    assert holdings() == before


def test_a_closed_mapping_shows_nothing(memory: PhysicalMemory) -> None:
    mapping = UserMapping(memory, 2)
    mapping.close()
    with pytest.raises(ValueError, match=r"this mapping is closed$"):
        mapping.show(mapping.hva, memory.allocate())


def test_a_protected_page_keeps_its_content_and_takes_no_store(
    memory: PhysicalMemory, mapping: UserMapping
) -> None:
    mapping.show(mapping.hva, memory.allocate(2), 2)
    store(mapping.hva, 5)
    mapping.protect(mapping.hva, writable=False)
    assert load(mapping.hva) == 5
    assert killed_by(store, mapping.hva, 6) == signal.SIGSEGV
    assert killed_by(store, _page(mapping, 1), 6) == 0
    mapping.protect(mapping.hva, writable=True)
    store(mapping.hva, 7)
    assert memory.view(Pfn(1), np.uint8)[0] == 7


def test_protecting_what_is_not_ours_is_refused(mapping: UserMapping) -> None:
    with pytest.raises(ValueError, match="outside this mapping"):
        mapping.protect(Hva(mapping.hva + 8 * PAGE_SIZE), writable=False)


class _NoMmap:
    """A C library whose mmap fails."""

    def mmap(self, *arguments: Any) -> int | None:
        ctypes.set_errno(12)
        return module._MAP_FAILED


def test_a_page_that_the_system_refuses_is_an_oserror(
    memory: PhysicalMemory, mapping: UserMapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = holdings()
    with monkeypatch.context() as patched:
        patched.setattr(module, "_libc", _NoMmap())
        with pytest.raises(
            OSError, match=r"^\[Errno 12\] mmap of 1 pages: Cannot allocate memory$"
        ):
            mapping.show(mapping.hva, Pfn(1))
        with pytest.raises(OSError, match=r"mmap of 9 pages"):
            UserMapping(memory, 9)
    assert holdings() == before
