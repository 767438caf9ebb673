"""What a figure was measured on: the machine, its load, the versions, the source."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

import xenperf

_CPU_FIELD: Final = "model name"
_CLOCK_SOURCE: Final = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
Described = dict[str, str | int | float | None]


def describe() -> Described:
    """Return the conditions now; None where this machine does not tell."""
    return {
        "xenperf": xenperf.__version__,
        "commit": commit(Path(xenperf.__file__).parent),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "hypervisor": _is_virtual(),
        "clock_source": _read(_CLOCK_SOURCE),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("numpy", "numba", "llvmlite")},
    }


def commit(folder: Path) -> str | None:
    """Return the commit that *folder* is checked out at, with a mark if it was changed since."""
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def _cpu_model() -> str | None:
    for line in (_read(Path("/proc/cpuinfo")) or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == _CPU_FIELD:
            return value.strip()
    return platform.processor() or None


def _is_virtual() -> str | None:
    flags = _read(Path("/proc/cpuinfo")) or ""
    return "virtual machine" if " hypervisor" in flags else "none seen"


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
