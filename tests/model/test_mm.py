import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.holdings import holdings
from xenperf.memory import PhysicalMemory, UserMapping
from xenperf.model.mm import AddressSpace
from xenperf.units import PAGE_SIZE, Hva, Pfn

ENTRY_FRAME = 0x000F_FFFF_FFFF_F000
PRESENT, WRITABLE = 1, 2


@pytest.fixture
def memory() -> Iterator[PhysicalMemory]:
    with PhysicalMemory(4096) as made:
        yield made


@pytest.fixture
def mm(memory: PhysicalMemory) -> Iterator[AddressSpace]:
    made = AddressSpace(memory)
    yield made
    made.close()


def _page(hva: Hva, index: int) -> Hva:
    return Hva(hva + index * PAGE_SIZE)


def _walked(mm: AddressSpace, hva: int) -> tuple[int, bool] | None:
    """Walk the page table as the manual says, byte by byte; return frame and writability."""
    table = mm.pgd * PAGE_SIZE
    writable = True
    for level in (3, 2, 1, 0):
        index = (hva >> (12 + 9 * level)) % 512
        raw = mm.memory.view(Pfn(table >> 12), np.uint8)[index * 8 : index * 8 + 8].tobytes()
        (entry,) = struct.unpack("<Q", raw)
        if not entry & PRESENT:
            return None
        writable = writable and bool(entry & WRITABLE)
        table = entry & ENTRY_FRAME
    return table >> 12, writable


def _really_mapped(first: int, nr_pages: int) -> dict[int, tuple[int, bool]]:
    """Return frame and writability of each page that the system itself says is mapped there."""
    pages = {}
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, protection, offset, _, _, *name = line.split(maxsplit=5)
        start, end = (int(number, 16) for number in span.split("-"))
        if not (name and "xenperf-physical" in name[0]):
            continue
        for hva in range(max(start, first), min(end, first + nr_pages * PAGE_SIZE), PAGE_SIZE):
            frame = (int(offset, 16) + hva - start) // PAGE_SIZE
            pages[hva] = frame, "w" in protection
    return pages


def _agrees(mm: AddressSpace, hva: Hva, nr_pages: int) -> None:
    real = _really_mapped(hva, nr_pages)
    for page in range(hva, hva + nr_pages * PAGE_SIZE, PAGE_SIZE):
        assert _walked(mm, page) == real.get(page)
        frame = real.get(page, (None, False))[0]
        assert mm.pfn(Hva(page)) == mm.pfn(Hva(page + PAGE_SIZE - 1)) == frame


def test_new_pages_are_zeroed_writable_and_in_the_page_table(mm: AddressSpace) -> None:
    hva = mm.map_new(3)
    assert mm.view(hva, 3 * PAGE_SIZE).nonzero()[0].size == 0
    first = mm.pfn(hva)
    assert first is not None
    assert [_walked(mm, _page(hva, n)) for n in range(3)] == [(first + n, True) for n in range(3)]
    _agrees(mm, hva, 3)


def test_pages_of_two_calls_share_nothing(mm: AddressSpace) -> None:
    hvas = [mm.map_new(2) for _ in range(10)]
    frames = [mm.pfn(_page(hva, n)) for hva in hvas for n in range(2)]
    assert len(set(frames)) == 20
    mm.view(hvas[0], 2 * PAGE_SIZE)[:] = 1
    assert not any(mm.view(hva, 2 * PAGE_SIZE).any() for hva in hvas[1:])


def test_a_mapping_over_many_leaf_tables_is_whole(mm: AddressSpace) -> None:
    hva = mm.map_new(1200)
    _agrees(mm, hva, 1200)
    mm.hide(_page(hva, 300), 700)
    _agrees(mm, hva, 1200)


def test_what_is_not_mapped_has_no_frame(mm: AddressSpace) -> None:
    hva = mm.map_new(1)
    for elsewhere in (0, hva - PAGE_SIZE, hva + PAGE_SIZE, hva ^ 1 << 46, (1 << 47) - PAGE_SIZE):
        assert mm.pfn(Hva(elsewhere)) is None


_changes = st.tuples(
    st.sampled_from(["show", "show_read_only", "hide"]), st.integers(0, 19), st.integers(1, 8)
)


@settings(max_examples=60, deadline=None)
@given(changes=st.lists(_changes, max_size=8))
def test_page_table_and_real_mappings_agree_after_any_changes(
    changes: list[tuple[str, int, int]],
) -> None:
    with PhysicalMemory(64) as memory:
        mm = AddressSpace(memory)
        hva, others = mm.map_new(20), memory.allocate(8)
        for what, index, most in changes:
            nr_pages = min(most, 20 - index)
            if what == "hide":
                mm.hide(_page(hva, index), nr_pages)
            else:
                mm.show(_page(hva, index), others, nr_pages, writable=what == "show")
        _agrees(mm, hva, 20)
        mm.close()


def test_a_replaced_page_shows_the_new_frame_and_stale_writes_go_to_the_old(
    mm: AddressSpace,
) -> None:
    hva = mm.map_new(1)
    old, new = mm.pfn(hva), mm.memory.allocate()
    assert old is not None
    mm.view(hva, 1)[0] = 1
    mm.show(hva, new, 1)
    mm.memory.view(old, np.uint8)[0] = 2
    assert mm.view(hva, 1)[0] == 0
    assert mm.pfn(hva) == new
    mm.view(hva, 1)[0] = 3
    assert (mm.memory.view(old, np.uint8)[0], mm.memory.view(new, np.uint8)[0]) == (2, 3)


def test_bytes_across_pages_are_seen_in_order(mm: AddressSpace) -> None:
    hva = mm.map_new(2)
    mm.view(Hva(hva + 4090), 12)[:] = np.arange(12)
    frame = mm.pfn(hva)
    assert frame is not None
    assert mm.memory.view(frame, np.uint8, 2)[4090:4102].tolist() == list(range(12))


def test_a_view_of_a_read_only_page_refuses_to_be_written(mm: AddressSpace) -> None:
    hva = mm.map_new(2)
    frame = mm.pfn(hva)
    assert frame is not None
    mm.show(hva, frame, 1, writable=False)
    assert _walked(mm, hva) == (frame, False)
    for start, nr_bytes in ((hva, 1), (hva, 2 * PAGE_SIZE), (hva + 4095, 2)):
        with pytest.raises(ValueError, match="read-only"):
            mm.view(Hva(start), nr_bytes)[0] = 1
    mm.view(_page(hva, 1), PAGE_SIZE)[0] = 1


@pytest.mark.parametrize(("offset", "nr_bytes"), [(0, 1), (0, 3 * 4096), (4095 + 4096, 2)])
def test_hidden_pages_cannot_be_viewed(mm: AddressSpace, offset: int, nr_bytes: int) -> None:
    hva = mm.map_new(3)
    mm.hide(hva if offset == 0 else _page(hva, 2), 1)
    text = rf"^hva {hva + offset:#x} \(\+{nr_bytes} bytes\): nothing is mapped there$"
    with pytest.raises(ValueError, match=text):
        mm.view(Hva(hva + offset), nr_bytes)


def test_what_is_not_the_vmms_is_refused(mm: AddressSpace) -> None:
    hva = mm.map_new(2)
    text = rf"^hva {hva:#x} \(\+3 pages\): not memory of this VMM$"
    with pytest.raises(ValueError, match=text):
        mm.check(hva, 3)
    with pytest.raises(ValueError, match=text):
        mm.hide(hva, 3)
    with pytest.raises(ValueError, match=text):
        mm.show(hva, mm.memory.allocate(3), 3)
    with pytest.raises(ValueError, match="not memory of this VMM"):
        mm.view(Hva(hva - 1), 1)
    with pytest.raises(ValueError, match="not page aligned; give a multiple of 4096"):
        mm.check(Hva(hva + 1), 1)
    with pytest.raises(ValueError, match="at least one page, not 0"):
        mm.check(hva, 0)
    mm.check(hva, 2)
    _agrees(mm, hva, 2)


def test_memory_that_runs_out_leaves_no_mapping_and_no_entry() -> None:
    with PhysicalMemory(8) as memory:
        mm, before = AddressSpace(memory), holdings()
        with pytest.raises(ValueError, match=r"^8 frames asked for, 6 of 8 are left$"):
            mm.map_new(8)
        with pytest.raises(ValueError, match=r"^1 frames asked for, 0 of 8 are left$"):
            mm.map_new(5)  # and three tables would be needed
        assert holdings() == before
        assert mm._mappings == []


def test_a_page_that_cannot_be_shown_leaves_nothing(
    mm: AddressSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    hva, before = mm.map_new(1), holdings()
    with monkeypatch.context() as patched:
        patched.setattr(UserMapping, "show", refuse)
        with pytest.raises(OSError, match="Cannot allocate"):
            mm.map_new(2)
    assert holdings() == before
    _agrees(mm, hva, 1)


def test_closing_waits_for_the_views_only_where_there_are_any(mm: AddressSpace) -> None:
    first, second = mm.map_new(1), mm.map_new(1)
    seen = mm.view(first, 8)
    with pytest.raises(BufferError):
        mm.close()
    assert _really_mapped(second, 1) == {}, "the other one is gone"
    seen[0] = 1
    assert mm.view(first, 1)[0] == 1
    del seen
    mm.close()
    mm.close()
    assert _really_mapped(first, 1) == {}
