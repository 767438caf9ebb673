"""What a measuring verb saves, a session or a series of kernel images: written and read alike."""

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from xenperf.record import image_file, recorded, untrusted
from xenperf.record.image_file import ImageSeries
from xenperf.record.recorded import Recorded

Saved: TypeAlias = Recorded | ImageSeries


def read(path: str | os.PathLike[str]) -> Saved:
    """Return what the file at *path* holds; ``UsageError`` says why it cannot be used."""
    content = untrusted.load(path)
    if image_file.is_image_series(content):
        return image_file.series_of(content, path)
    return recorded.checked(content, path)


def document(saved: Saved, report: Mapping[str, Any]) -> str:
    """Return the text of a file: *report*, the object that JSON shows, and what it is made from."""
    if isinstance(saved, ImageSeries):
        return image_file.document(saved, report)
    return recorded.document(saved, report)
