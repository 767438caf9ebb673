"""One type for each address space, and the only conversions between them.

At run time every one of these is an ``int``; the types exist so that a checker refuses a guest
address where a host address belongs. That mix-up is what this project measures.
"""

from typing import Final, NewType

Gpa = NewType("Gpa", int)
"""Guest physical address, in bytes."""

Gfn = NewType("Gfn", int)
"""Guest frame number, in pages."""

Hva = NewType("Hva", int)
"""Host virtual address: a byte in the VMM's own address space (``uhva`` inside KVM)."""

Khva = NewType("Khva", int)
"""Kernel host virtual address: a byte of the kernel's direct map."""

Pfn = NewType("Pfn", int)
"""Host physical frame number, in pages."""

EvtchnPort = NewType("EvtchnPort", int)
"""Event channel number."""

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 1 << PAGE_SHIFT


def gpa_to_gfn(gpa: Gpa) -> Gfn:
    """Return the frame that holds *gpa*; the offset within the page is dropped."""
    return Gfn(gpa >> PAGE_SHIFT)


def gfn_to_gpa(gfn: Gfn) -> Gpa:
    """Return the first byte of *gfn*."""
    return Gpa(gfn << PAGE_SHIFT)


def pfn_to_khva(base: Khva, pfn: Pfn) -> Khva:
    """Return the first byte of *pfn* in the direct map that starts at *base*."""
    return Khva(base + (pfn << PAGE_SHIFT))


def khva_to_pfn(base: Khva, khva: Khva) -> Pfn:
    """Return the frame that *khva* lies in, in the direct map that starts at *base*."""
    return Pfn((khva - base) >> PAGE_SHIFT)


def hva_to_page(hva: Hva) -> Hva:
    """Return the first byte of the page that holds *hva*."""
    return Hva(hva & -PAGE_SIZE)


def page_offset(gpa_or_hva: Gpa | Hva | Khva) -> int:
    """Return how far into its page *gpa_or_hva* lies, in bytes."""
    return gpa_or_hva & (PAGE_SIZE - 1)


def is_page_aligned(gpa_or_hva: Gpa | Hva | Khva) -> bool:
    """Tell whether *gpa_or_hva* is the first byte of its page."""
    return page_offset(gpa_or_hva) == 0


def fits_in_page(gpa_or_hva: Gpa | Hva | Khva, nr_bytes: int) -> bool:
    """Tell whether *nr_bytes* from *gpa_or_hva* on stay within one page."""
    return page_offset(gpa_or_hva) + nr_bytes <= PAGE_SIZE


def bytes_to_pages(nr_bytes: int) -> int:
    """Return the pages that *nr_bytes* need; a page begun counts as one."""
    return -(-nr_bytes >> PAGE_SHIFT)
