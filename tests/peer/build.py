"""Builds the C peer when it is wanted, and loads it: once per sources, flags and compiler."""

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from xenperf import jit
from xenperf.digest import cache_root
from xenperf.model.patches import CHOSEN, PATCHES

SOURCES: Final = Path(__file__).parent
FLAGS: Final = ("-O2", "-std=gnu11", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
COMPILERS: Final = ("cc", "gcc", "clang")


class PeerUnavailableError(Exception):
    """No C compiler here, or it cannot build the peer; the message says which and why."""


class Peer:
    """One loaded copy of the library: the C kernels by name."""

    def __init__(self, path: Path) -> None:
        """Load the library at *path*; two paths are two copies, even with the same content."""
        self.path = path
        self.library = ctypes.CDLL(str(path))

    def kernel(self, name: str) -> "ctypes._NamedFuncPointer":
        """Return the C version of the kernel *name*, taking as many words as the model's does."""
        function = self.library[name]
        function.restype = ctypes.c_uint64
        function.argtypes = [ctypes.c_uint64] * jit.registry[name].nr_arguments
        return function

    def address(self, name: str) -> int:
        """Return where the C version of the kernel *name* starts."""
        return ctypes.cast(self.kernel(name), ctypes.c_void_p).value or 0


@functools.cache
def peer(copy: int = 0, patches: frozenset[str] = CHOSEN) -> Peer:
    """Return the peer, built if need be; copies with different numbers share no code page."""
    switches = switch_flags(patches)
    folder = _folder() / f"peer-{_digest(switches)}"
    path = folder / f"peer{copy}.so"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _build(path, switches)
    return Peer(path)


def switch_flags(patches: frozenset[str]) -> list[str]:
    """Return the compiler's flags for a kernel built with *patches*: each is 0 or 1."""
    return [
        f"-D{name.upper().replace('-', '_')}={int(name in patches)}" for name in sorted(PATCHES)
    ]


@functools.cache
def compiler() -> str:
    """Return the first compiler found; ``PeerUnavailableError`` where there is none."""
    found = next(filter(None, map(shutil.which, COMPILERS)), None)
    if found is None:
        raise PeerUnavailableError(f"no C compiler: none of {', '.join(COMPILERS)} is on the PATH")
    return found


def compiler_version() -> str:
    """Return the first line that the compiler says about itself."""
    return _run(compiler(), "--version").splitlines()[0]


def _digest(switches: list[str]) -> str:
    flags = [_run(compiler(), "--version"), *FLAGS, *switches]
    digest = hashlib.sha256(" ".join(flags).encode())
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


@functools.cache
def _folder() -> Path:
    """Return the folder that keeps what was built; one that goes with us where there is no home."""
    root = cache_root()
    try:
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.W_OK | os.X_OK):
                return root
    except OSError:
        pass
    _folder_of_ours.append(tempfile.TemporaryDirectory(prefix="xenperf-peer-"))
    return Path(_folder_of_ours[0].name)


_folder_of_ours: list[tempfile.TemporaryDirectory[str]] = []


def _build(path: Path, switches: list[str]) -> None:
    """Compile to a name of our own first: another process may be building the same."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".so", delete=False) as made:
        pass
    try:
        sources = map(str, sorted(SOURCES.glob("*.c")))
        _run(compiler(), *FLAGS, *switches, "-o", made.name, *sources)
        os.replace(made.name, path)
    finally:
        Path(made.name).unlink(missing_ok=True)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise PeerUnavailableError(f"{command[0]} ended with {done.returncode}: {said[:2000]}")
    return done.stdout
