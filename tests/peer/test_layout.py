import ctypes
from typing import Any

import pytest

from tests.peer.build import Peer
from xenperf.abi.kvm import USERSPACE_MEMORY_REGION
from xenperf.abi.structs import offset_of, size_of
from xenperf.model.layout import CPU, GPC, MEMSLOT, MEMSLOTS, VCPU, VM
from xenperf.model.source_layout import EVTCHN_PORT, GSI

STRUCTURES: dict[str, Any] = {
    "cpu": CPU,
    "evtchn_port": EVTCHN_PORT,
    "gpc": GPC,
    "gsi": GSI,
    "memslot": MEMSLOT,
    "memslots": MEMSLOTS,
    "region": USERSPACE_MEMORY_REGION,
    "vcpu": VCPU,
    "vm": VM,
}


class Field(ctypes.Structure):
    _fields_ = [
        ("structure", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("offset", ctypes.c_uint64),
        ("nr_bytes", ctypes.c_uint64),
    ]


def _fields_in_c(library: ctypes.CDLL) -> dict[str, dict[str, tuple[int, int]]]:
    """Return offset and size of each field by structure and name; no name: the structure."""
    count = ctypes.c_uint64.in_dll(library, "peer_nr_fields").value
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for field in (Field * count).in_dll(library, "peer_fields"):
        fields = found.setdefault(field.structure.decode(), {})
        fields[field.name.decode()] = field.offset, field.nr_bytes
    return found


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_every_field_lies_in_c_where_the_dtype_has_it(c_peer: Peer, name: str) -> None:
    dtype = STRUCTURES[name]
    expected = {field: (offset_of(dtype, field), size_of(dtype, field)) for field in dtype.names}
    assert _fields_in_c(c_peer.library)[name] == {"": (0, dtype.itemsize), **expected}


def test_c_has_no_structure_that_is_not_compared(c_peer: Peer) -> None:
    assert set(_fields_in_c(c_peer.library)) == set(STRUCTURES)
