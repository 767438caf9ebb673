from collections.abc import Iterator

import pytest

from xenperf.live.pages import VmmPages
from xenperf.units import PAGE_SIZE, Hva


@pytest.fixture
def pages() -> Iterator[VmmPages]:
    made = VmmPages(16)
    yield made
    made.close()


def test_all_pages_asked_for_can_be_given_out(pages: VmmPages) -> None:
    assert pages.map_new(10) % PAGE_SIZE == 0
    assert pages.map_new(6) % PAGE_SIZE == 0
    with pytest.raises(ValueError, match="1 frames asked for"):
        pages.map_new(1)


def test_a_replaced_page_is_new_and_zero(pages: VmmPages) -> None:
    hva = pages.map_new(2)
    pages.view(hva, 2 * PAGE_SIZE)[:] = 7
    pages.replace(hva, 1)
    assert pages.view(hva, PAGE_SIZE).max() == 0
    assert pages.view(Hva(hva + PAGE_SIZE), PAGE_SIZE).min() == 7


def test_a_hidden_page_cannot_be_viewed_until_it_is_replaced(pages: VmmPages) -> None:
    hva = pages.map_new(2)
    pages.hide(hva, 1)
    with pytest.raises(ValueError, match="nothing is mapped there"):
        pages.view(Hva(hva + PAGE_SIZE - 1), 2)
    with pytest.raises(ValueError, match="nothing is mapped there"):
        pages.protect(hva, writable=True)
    pages.view(Hva(hva + PAGE_SIZE), 8)[:] = 1
    pages.replace(hva, 1)
    pages.view(hva, 8)[:] = 1


def test_a_protected_page_can_be_read_and_not_written(pages: VmmPages) -> None:
    hva = pages.map_new(1)
    pages.view(hva, 1)[:] = 3
    pages.protect(hva, writable=False)
    seen = pages.view(hva, 1)
    assert seen[0] == 3
    with pytest.raises(ValueError, match="read-only"):
        seen[:] = 4
    pages.protect(hva, writable=True)
    pages.view(hva, 1)[:] = 4


@pytest.mark.parametrize(("offset", "nr_pages"), [(1, 1), (0, 3), (-PAGE_SIZE, 1), (0, 0)])
def test_what_is_not_a_whole_page_of_ours_is_refused(
    offset: int, nr_pages: int, pages: VmmPages
) -> None:
    hva = pages.map_new(2)
    with pytest.raises(ValueError, match=r"give at least one whole page|not memory of this VMM"):
        pages.hide(Hva(hva + offset), nr_pages)
