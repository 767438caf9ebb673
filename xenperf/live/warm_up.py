"""Guests' own place in the cache of compiled code, filled on the host before a VM needs it.

Emulated, a compile takes many times as long as on the host. The host's own cache stays out of a
guest's reach: the kernel inside is under test, and may damage what it writes.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from xenperf import digest
from xenperf.live import console

_FOLDER: Final = "guests"
_COMPILE: Final = "import sys; from xenperf.backends import backend; backend(sys.argv[1]).warm_up()"

GENERIC_CPU: Final = {"NUMBA_CPU_NAME": "generic"}
"""Compiled for any x86-64: host and guest then ask the cache for the same code."""


def guests_cache(otherwise: Path) -> Path:
    """Return the folder that guests may keep compiled code in; *otherwise* if there is no home."""
    root = digest.cache_root()
    if root is not None:
        folder = root / _FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return otherwise
        if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            return folder
    return otherwise


def warm_up(cache: Path, backend: str, environment: Mapping[str, str], deadline: float) -> bool:
    """Compile for *backend* into *cache* what is not there yet; False if that failed.

    What is not compiled when ``time.monotonic()`` reaches *deadline* never is.
    """
    command = [sys.executable, "-c", _COMPILE, backend]
    seen = console.run(command, deadline, {**environment, "XENPERF_CACHE_DIR": str(cache)})
    return seen.ended and seen.status == 0
