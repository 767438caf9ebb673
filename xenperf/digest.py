"""The key under which compiled machine code is kept: a digest of everything that shapes it.

Numba's own stamp covers only the file that defines the cached function. A callee or a constant
changed in another file would leave the old machine code in use, and a benchmark would then time
code that is no longer there. Hence one digest over every source file of the package, and a folder
per digest. Imports no Numba, so that a caller may ask for the key before paying for the import.
"""

import hashlib
import os
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

ENVIRONMENT_KEYS: Final = (
    "NUMBA_OPT",
    "NUMBA_BOUNDSCHECK",
    "NUMBA_DEBUGINFO",
    "NUMBA_DEBUG_JIT",
    "NUMBA_ENABLE_PROFILING",
    "NUMBA_EXTEND_VARIABLE_LIFETIMES",
    "NUMBA_LLVM_REFPRUNE_PASS",
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "NUMBA_ENABLE_AVX",
    "NUMBA_SLP_VECTORIZE",
    "NUMBA_LOOP_VECTORIZE",
)
KEPT_DIGESTS: Final = 64  # a patch series has one for each step; under 1 MiB each
_IS_DIGEST: Final = re.compile(r"[0-9a-f]{16}")


def source_digest(package: Path, switches: str = "") -> str:
    """Return 16 hex digits that change when any source, compiler version or setting changes.

    package
        Folder whose ``*.py`` files are digested, names included.
    switches
        What was decided at import and compiled in, as text; part of the key.
    """
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        digest.update(f"{source.relative_to(package)}\0".encode())
        digest.update(source.read_bytes())
    versions = [f"{name}={metadata.version(name)}" for name in ("numba", "llvmlite", "numpy")]
    settings = [f"{key}={os.environ.get(key, '')}" for key in ENVIRONMENT_KEYS]
    digest.update("\n".join([sys.version, *versions, *settings, switches]).encode())
    return digest.hexdigest()[:16]


def cache_root() -> Path | None:
    """Return the folder that holds all digests, or None where there is no home to put it in."""
    explicit = os.environ.get("XENPERF_CACHE_DIR")
    if explicit:
        return Path(explicit).absolute()  # the process may change its directory later
    base = os.environ.get("XDG_CACHE_HOME", "")
    if Path(base).is_absolute():  # the specification has relative ones ignored
        return Path(base) / "xenperf"
    try:
        return Path.home() / ".cache" / "xenperf"
    except RuntimeError:
        return None


def usable_cache(digest: str) -> Path | None:
    """Return a writable folder for *digest*, made if need be; None: compile without a cache."""
    root = cache_root()
    if root is None:
        return None
    folder = root / digest
    try:
        if folder.is_dir():
            os.utime(folder)  # the digests used last are kept
        else:
            folder.mkdir(parents=True, exist_ok=True)
            _forget_oldest(root, keep=folder)
    except OSError:
        return None
    return folder if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else None


def _forget_oldest(root: Path, keep: Path) -> None:
    """Remove all but the digests used last, so that a history of commits does not fill the disk.

    Nothing else in *root* is touched: it may be a folder that the user shares with others.
    """
    folders = [
        (_used_at(entry), entry)
        for entry in root.iterdir()
        if entry != keep and _IS_DIGEST.fullmatch(entry.name)
    ]
    for _, folder in sorted(folders, reverse=True)[KEPT_DIGESTS - 1 :]:
        shutil.rmtree(folder, ignore_errors=True)


def _used_at(folder: Path) -> int:
    """Return when *folder* was used last; 0 where another process has just removed it."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
