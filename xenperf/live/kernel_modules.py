"""The modules that a VM needs, found in a folder and read: no depmod and no modprobe.

A module names those it depends on in its section ``.modinfo``, so that any folder will do: what
``make modules_install`` or a package made, or the tree that a kernel was built in.
"""

import gzip
import lzma
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from xenperf.errors import UnavailableError, UsageError

_FILE: Final = re.compile(r"(.+)\.ko(\.gz|\.xz|\.zst)?")
_DEPENDS: Final = re.compile(rb"(?:^|\0)depends=([^\0]*)\0")
_ELF: Final = b"\x7fELF"
_DAMAGED: Final = (OSError, EOFError, lzma.LZMAError)


def needed(
    image: Path, release: str, given: Path | None, wanted: Iterable[str]
) -> dict[str, bytes]:
    """Return what ``load`` does, of the folder that ``find`` finds; nothing where it finds none.

    Errors are those of the two.
    """
    folder = find(image, release, given)
    return {} if folder is None else load(folder, wanted)


def find(image: Path, release: str, given: Path | None) -> Path | None:
    """Return the folder with the modules of *image*; None: nothing beside it.

    given
        Where the user says they are; ``UsageError`` if there are none.
    """
    if given is not None:
        for folder in (given, *_installed(given, release), given / release):
            if _holds_modules(folder):
                return folder
        remedy = f"give the folder with the .ko files of {release}, or one with lib/modules in it"
        raise UsageError(str(given), "there is no kernel module", remedy)
    for path in (image.absolute(), image.resolve()):
        for folder in _beside(path, release):
            if _holds_modules(folder):
                return folder
    return None


def load(folder: Path, wanted: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of the modules *wanted*, after those they depend on.

    A name that *folder* does not hold is left out: the kernel may have it built in, and will tell
    if it has not. Raise ``UnavailableError`` if one cannot be read.
    """
    paths = {_plain(match[1]): path for path, match in _modules(folder)}
    loaded: dict[str, bytes] = {}
    for name in wanted:
        _load_one(_plain(name), paths, loaded)
    return loaded


def _load_one(name: str, paths: dict[str, Path], loaded: dict[str, bytes]) -> None:
    if f"{name}.ko" in loaded or name not in paths:
        return
    content = _read(paths[name])
    found = _DEPENDS.search(content)
    for dependency in found[1].decode().split(",") if found else ():
        _load_one(_plain(dependency), paths, loaded)
    loaded[f"{name}.ko"] = content


def _installed(root: Path, release: str) -> Iterator[Path]:
    yield root / "lib" / "modules" / release
    yield root / "usr" / "lib" / "modules" / release


def _beside(image: Path, release: str) -> Iterator[Path]:
    """Yield where the modules of *image*, an absolute path, are by custom."""
    yield from _installed(image.parent, release)
    for folder in image.parents[1:2]:  # boot/vmlinuz
        yield from _installed(folder, release)
    if image.parent.name == release:  # lib/modules/RELEASE/vmlinuz
        yield image.parent
    for tree in image.parents[3:4]:  # arch/x86/boot/bzImage
        if (tree / "modules.order").is_file():
            yield tree


def _holds_modules(folder: Path) -> bool:
    return next(_modules(folder), None) is not None


def _modules(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            match = _FILE.fullmatch(name)
            if match:
                yield Path(parent, name), match


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _read(path: Path) -> bytes:
    """Return the module behind *path*, unpacked."""
    unpack: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.decompress,
        ".xz": lzma.decompress,
        ".zst": _unpack_zstd,
    }
    try:
        content = unpack.get(path.suffix, bytes)(path.read_bytes())
        if not content.startswith(_ELF):
            raise OSError("it is no ELF file")
    except _DAMAGED as error:
        reason = f"the module cannot be read: {error}"
        raise UnavailableError(str(path), reason, "install the modules again") from error
    return content


def _unpack_zstd(packed: bytes) -> bytes:
    try:
        done = subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True)
    except FileNotFoundError as error:
        raise UnavailableError(
            "zstd", "needed to unpack modules, and not found", "install zstd"
        ) from error
    except subprocess.CalledProcessError as error:
        raise OSError(error.stderr.decode(errors="replace").strip()) from error
    return done.stdout
