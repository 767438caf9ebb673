import pytest

from xenperf.abi.kvm import IRQFD, XEN_VM_ATTR
from xenperf.abi.structs import record


def test_a_record_is_zero_but_for_what_is_given() -> None:
    made = record(XEN_VM_ATTR, type=6, hva=0x1122_3344_5566_7788)
    assert made.tobytes() == bytes([6, *[0] * 7]) + bytes.fromhex("8877665544332211") + bytes(56)


@pytest.mark.parametrize(("number", "most"), [(1 << 32, 2**32 - 1), (-1, 2**32 - 1)])
def test_a_number_that_does_not_fit_its_field_is_named(number: int, most: int) -> None:
    with pytest.raises(ValueError, match=f"gsi {number}: give 0 to {most}"):
        record(IRQFD, gsi=number)
