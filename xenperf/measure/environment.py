"""What a figure was measured on: the machine, its load, the versions, the source."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

import xenperf
from xenperf.abi.sysfs import CLOCK_SOURCE

_CPU_FIELD: Final = "model name"
_PRESSURE: Final = Path("/proc/pressure/cpu")
_STAT: Final = Path("/proc/stat")
BOOTED: Final = "XENPERF_BOOTED"  # how `xenperf boot` made the machine; it sets this inside
COUNTING: Final = "emulation, a clock that counts instructions"  # said so by that variable
Described = dict[str, str | int | float | None]


def describe() -> Described:
    """Return the conditions now; None where this machine does not tell."""
    return {
        "xenperf": xenperf.__version__,
        "commit": commit(Path(xenperf.__file__).parent),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpu": cpu_model(_read(Path("/proc/cpuinfo"))) or platform.processor() or None,
        "cpus": len(os.sched_getaffinity(0)),
        "hypervisor": _is_virtual(),
        "booted": os.environ.get(BOOTED),
        "clock_source": _read(CLOCK_SOURCE),
        "load_1min": round(os.getloadavg()[0], 2),
        "pressure_cpu": pressure(),
        "steal_share": steal_share(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("numpy", "numba", "llvmlite")},
    }


def counts_instructions() -> bool:
    """Tell whether this machine's clock counts instructions, one a nanosecond."""
    return os.environ.get(BOOTED) == COUNTING


def steal_share() -> float | None:
    """Return how much of the time since boot the hypervisor has kept: 0 to 1."""
    kinds = ticks()
    return round(kinds[7] / sum(kinds), 4) if len(kinds) == 8 and any(kinds) else None


def ticks() -> list[int]:
    """Return the ticks of all processors since boot: user, nice, system, idle, ..., steal."""
    line = (_read(_STAT) or "").partition("\n")[0].split()
    return [int(number) for number in line[1:9]]  # what follows is a guest's, and in the first two


def pressure() -> float | None:
    """Return the per cent of the last 10 s in which some task waited for a CPU."""
    return parsed_pressure(_read(_PRESSURE))


def parsed_pressure(text: str | None) -> float | None:
    """Return the per cent of the last 10 s in which some task waited, from a PSI file's *text*."""
    for line in (text or "").splitlines():
        kind, *fields = line.split()
        values = dict(field.split("=", 1) for field in fields)
        if kind == "some" and "avg10" in values:
            return float(values["avg10"])
    return None


def cpu_model(cpuinfo: str | None) -> str | None:
    """Return the processor's name from the text of ``/proc/cpuinfo``."""
    for line in (cpuinfo or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == _CPU_FIELD:
            return value.strip()
    return None


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


def _is_virtual() -> str | None:
    flags = _read(Path("/proc/cpuinfo")) or ""
    return "virtual machine" if " hypervisor" in flags else "none seen"


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
