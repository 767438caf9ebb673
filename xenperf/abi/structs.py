"""C structures as NumPy dtypes: every offset and every size is stated, none is inferred."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

StructDtype: TypeAlias = np.dtype[np.void]
Field: TypeAlias = tuple[str, Any, int]
"""Name, format (anything ``numpy.dtype`` takes) and byte offset; members of a union overlap."""


def struct(nr_bytes: int, *fields: Field) -> StructDtype:
    """Return the dtype of a C structure of *nr_bytes* with exactly these *fields*."""
    names, formats, offsets = zip(*fields, strict=True)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": nr_bytes})


def offset_of(dtype: StructDtype, name: str) -> int:
    """Return the byte offset of the field *name*, as C's ``offsetof`` does."""
    assert dtype.fields is not None
    return dtype.fields[name][1]


def size_of(dtype: StructDtype, name: str) -> int:
    """Return the size of the field *name* in bytes."""
    return dtype[name].itemsize


def record(dtype: StructDtype, **fields: int) -> NDArray[np.void]:
    """Return an array of one *dtype*, zero but for *fields*.

    ``ValueError`` names a number that does not fit its field; all of them are taken as unsigned.
    """
    made = np.zeros(1, dtype)
    for name, number in fields.items():
        end = 1 << 8 * size_of(dtype, name)
        if not 0 <= number < end:
            raise ValueError(f"{name} {number}: give 0 to {end - 1}")
        made[name] = number
    return made
