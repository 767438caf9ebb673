import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenperf import units
from xenperf.units import Gfn, Gpa, Hva, Khva, Pfn

U64 = st.integers(min_value=0, max_value=2**64 - 1)


def test_a_page_has_4096_bytes() -> None:
    assert units.PAGE_SHIFT == 12
    assert units.PAGE_SIZE == 4096


@pytest.mark.parametrize(
    ("gpa", "gfn"),
    [(0, 0), (4095, 0), (4096, 1), (0x1_0000_0FFF, 0x10_0000), (2**64 - 1, 2**52 - 1)],
)
def test_a_gpa_lies_in_the_frame_that_holds_it(gpa: int, gfn: int) -> None:
    assert units.gpa_to_gfn(Gpa(gpa)) == gfn


@given(gfn=st.integers(min_value=0, max_value=2**52 - 1))
def test_a_frame_starts_in_itself(gfn: int) -> None:
    gpa = units.gfn_to_gpa(Gfn(gfn))
    assert gpa == gfn * 4096
    assert units.gpa_to_gfn(gpa) == gfn


@given(gpa=U64)
def test_frame_and_offset_give_the_gpa_back(gpa: int) -> None:
    frame = units.gfn_to_gpa(units.gpa_to_gfn(Gpa(gpa)))
    assert frame + units.page_offset(Gpa(gpa)) == gpa


def test_a_pfn_is_found_in_the_direct_map() -> None:
    base = Khva(0x7F00_0000_0000)
    assert units.pfn_to_khva(base, Pfn(3)) == 0x7F00_0000_3000
    assert units.khva_to_pfn(base, Khva(0x7F00_0000_3FFF)) == 3


@pytest.mark.parametrize(
    ("hva", "page", "offset"),
    [(0x5000, 0x5000, 0), (0x5001, 0x5000, 1), (0x5FFF, 0x5000, 0xFFF), (0x6000, 0x6000, 0)],
)
def test_an_hva_splits_into_page_and_offset(hva: int, page: int, offset: int) -> None:
    assert units.hva_to_page(Hva(hva)) == page
    assert units.page_offset(Hva(hva)) == offset
    assert units.is_page_aligned(Hva(hva)) is (offset == 0)


@pytest.mark.parametrize(
    ("gpa", "nr_bytes", "fits"),
    [(0, 4096, True), (0, 4097, False), (0xFC0, 64, True), (0xFC1, 64, False), (0xFFF, 1, True)],
)
def test_a_range_fits_up_to_the_last_byte_of_its_page(gpa: int, nr_bytes: int, fits: bool) -> None:
    assert units.fits_in_page(Gpa(gpa), nr_bytes) is fits


@pytest.mark.parametrize(("nr_bytes", "nr_pages"), [(0, 0), (1, 1), (4096, 1), (4097, 2)])
def test_a_page_begun_counts_as_one(nr_bytes: int, nr_pages: int) -> None:
    assert units.bytes_to_pages(nr_bytes) == nr_pages
