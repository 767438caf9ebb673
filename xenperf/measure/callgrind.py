"""Callgrind from outside: whether it is there, how a program is run under it, what it wrote."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from xenperf.digest import cache_root
from xenperf.errors import MeasurementError, UnavailableError

PROGRAM: Final = "valgrind"
REMEDY: Final = "install it, on Debian: apt install valgrind"
CPU_NAME: Final = "x86-64-v2"
"""What code is compiled for: what every x86-64 processor of a server has, and Valgrind knows."""

_STEM: Final = "counts"
_LABEL: Final = "desc: Trigger: Client Request: "
_TOTAL: Final = "totals: "
_FROM_OUTSIDE: Final = ("NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")


def program() -> str:
    """Return the path of Valgrind; ``UnavailableError`` if there is none."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise UnavailableError(PROGRAM, "not on the PATH, and instruction counts need it", REMEDY)
    return found


def command(valgrind: str, folder: Path) -> tuple[str, ...]:
    """Return what to put before a command; what is counted goes to files in *folder*.

    Nothing is looked at until the program asks, which is ten times faster.
    """
    return (
        valgrind,
        "-q",
        "--tool=callgrind",
        "--instr-atstart=no",
        "--collect-atstart=no",
        "--dump-line=no",
        "--vgdb=no",
        f"--log-file={folder / 'log'}",
        f"--callgrind-out-file={folder / _STEM}",
    )


def environment(base: Mapping[str, str], hash_seed: int) -> dict[str, str]:
    """Return *base* with what makes the compiled code the same here, there and under Valgrind.

    Valgrind does not show every feature of the processor it runs on, so code compiled for this one
    would be compiled again inside it, which takes minutes. *hash_seed* changes what should not
    matter, so that the spread between runs would tell if it did.
    """
    kept = {name: value for name, value in base.items() if name not in _FROM_OUTSIDE}
    return {
        **kept,
        "NUMBA_CPU_NAME": CPU_NAME,
        "NUMBA_CPU_FEATURES": "",
        "PYTHONHASHSEED": str(hash_seed),
    }


def check_cache() -> None:
    """Raise ``UnavailableError`` where compiled code cannot be kept for the next process."""
    root = cache_root()
    try:
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.R_OK | os.W_OK | os.X_OK):
                return
    except OSError:
        pass
    raise UnavailableError(
        "instruction counts",
        f"compiled code cannot be kept in {root or 'any folder'}",
        "set XENPERF_CACHE_DIR to a folder that can be written",
    )


def totals(folder: Path) -> dict[str, int]:
    """Return the instructions counted, by label; ``MeasurementError`` for a file not understood."""
    found = {}
    for path in sorted(folder.glob(f"{_STEM}.*")):
        label, total = _parsed(path)
        found[label] = total
    return found


def last_words(folder: Path) -> str | None:
    """Return the last line that Valgrind itself said, if any."""
    try:
        lines = (folder / "log").read_text(errors="replace").split("\n")
    except OSError:
        return None
    said = [line.partition("== ")[2].strip() for line in lines]
    return next((line for line in reversed(said) if line), None)


def _parsed(path: Path) -> tuple[str, int]:
    label = total = None
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith(_LABEL):
            label = line.removeprefix(_LABEL)
        elif line.startswith(_TOTAL):
            total = line.removeprefix(_TOTAL).strip()
    if label is None or total is None or not total.isdigit():
        raise MeasurementError(f"callgrind's {path.name}", "no label or no total in it")
    return label, int(total)
