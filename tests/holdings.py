"""What this process holds of the system, to be compared before and after."""

import gc
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holdings:
    """Open files by what they are, the mappings of the model's kinds, and the count of all."""

    files: list[str]
    of_the_model: list[str]
    nr_mappings: int


def holdings() -> Holdings:
    """Read the open files and the mappings of this process, garbage collected first."""
    gc.collect()
    mappings = Path("/proc/self/maps").read_text().splitlines()
    kinds = ("xenperf-physical", "/dev/zero", "---p 00000000 00:00 0")
    ours = [line for line in mappings if any(kind in line for kind in kinds)]
    return Holdings(sorted(_files()), ours, len(mappings))


def _files() -> list[str]:
    paths = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return [os.readlink(path) for path in paths if path.is_symlink()]  # the listing's own is gone
