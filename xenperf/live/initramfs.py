"""The initramfs of a VM: an interpreter, ``guest_init`` as its first process, modules, the job.

The interpreter is the one that runs here, with the files that it opens to import what
``guest_init`` imports. So a VM needs no busybox, no kmod and no root file system of its own.
"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from xenperf.errors import UnavailableError
from xenperf.live import guest_init

_INIT: Final = Path(guest_init.__file__)
_PYTHON: Final = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
_ALIGNMENT: Final = 4
_TRAILER: Final = "TRAILER!!!"

# Run by a bare interpreter: the files behind every module (os.py too, which it starts without, but
# by which it knows its library), and every library by the name that the
# dynamic linker found it under, which is where it will look for it again.
_LIST_FILES: Final = """
import ctypes, runpy, sys
runpy.run_path(sys.argv[1], run_name="xenperf_boot")
class Info(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("name", ctypes.c_char_p)]
found = set()
@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Info), ctypes.c_size_t, ctypes.c_void_p)
def note(info, size, data):
    found.add((info.contents.name or b"").decode())
    return 0
ctypes.CDLL(None).dl_iterate_phdr(note, None)
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    found.update([getattr(module, "__file__", None) or "", getattr(spec, "cached", None) or ""])
print("\\n".join(sorted(name for name in found if name.startswith("/"))))
"""


def write(file: IO[bytes], modules: Mapping[str, bytes], job: Mapping[str, Any]) -> None:
    """Write the archive to *file*.

    modules
        Contents by name, in the order in which they are loaded.
    job
        ``command`` (a list, the first word a path), ``folder`` and ``environment``.

    Raise ``UnavailableError`` if the interpreter cannot tell its files.
    """
    archive = Archive(file)
    for path in _interpreter_files():
        archive.add_copy(path)
    for name, content in modules.items():
        archive.add(f"/modules/{name}", content)
    text = json.dumps({**job, "modules": list(modules)})
    archive.add(guest_init.JOB, text.encode())
    archive.add_device("/dev/console", 5, 1)
    archive.add_device("/dev/urandom", 1, 9)  # an interpreter does not start without it
    archive.add("/init", f"#!{_PYTHON} -ISE\n".encode() + _INIT.read_bytes(), 0o755)
    archive.close()


class Archive:
    """A cpio archive in the format "newc" (the kernel's initramfs buffer format)."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to *file* from where it stands."""
        self._file = file
        self._folders: set[str] = set()
        self._nr_entries = 0

    def add(self, name: str, content: bytes, mode: int = 0o644, mtime: int = 0) -> None:
        """Add a regular file under an absolute name, and the folders that it needs."""
        self._add_folders(name)
        self._entry(name, stat.S_IFREG | mode, content, mtime=mtime)

    def add_copy(self, path: str) -> None:
        """Add the file at *path*, links followed; its time is kept for the checks of ``.pyc``."""
        status = os.stat(path)
        self.add(path, Path(path).read_bytes(), stat.S_IMODE(status.st_mode), int(status.st_mtime))

    def add_device(self, name: str, major: int, minor: int) -> None:
        """Add a character device, as in the kernel's list of devices."""
        self._add_folders(name)
        self._entry(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def close(self) -> None:
        """Write the end mark; *file* stays open."""
        self._entry(f"/{_TRAILER}", 0)

    def _add_folders(self, name: str) -> None:
        for folder in reversed(PurePosixPath(name).parents):
            if str(folder) not in ("/", *self._folders):
                self._folders.add(str(folder))
                self._entry(str(folder), stat.S_IFDIR | 0o755)

    def _entry(
        self,
        name: str,
        mode: int,
        content: bytes = b"",
        *,
        mtime: int = 0,
        device: tuple[int, int] = (0, 0),
    ) -> None:
        self._nr_entries += 1
        path = os.fsencode(name[1:]) + b"\0"
        inode, owner, nr_links, checksum = self._nr_entries, (0, 0), 1, 0
        fields = (inode, mode, *owner, nr_links, mtime, len(content), 0, 0, *device, len(path))
        header = b"070701" + b"".join(b"%08x" % field for field in (*fields, checksum)) + path
        for part in (header, content):
            self._file.write(part + bytes(-len(part) % _ALIGNMENT))


def _interpreter_files() -> Iterator[str]:
    """Return the absolute names of all files that ``guest_init`` needs, each once."""
    command = [_PYTHON, "-ISE", "-c", _LIST_FILES, str(_INIT)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        remedy = "use an interpreter that has ctypes"
        raise UnavailableError(
            _PYTHON, f"does not tell which files it needs: {error}", remedy
        ) from error
    names = {_PYTHON, *said.stdout.splitlines()}
    yield from sorted(name for name in names if os.path.isfile(name))
