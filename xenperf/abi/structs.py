"""C structures as NumPy dtypes: every offset and every size is stated, none is inferred."""

from typing import Any, TypeAlias

import numpy as np

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
