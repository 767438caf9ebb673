"""What a worker ran under, as far as this machine tells: load, waiting, what the host kept."""

import os
from pathlib import Path
from typing import Final

Conditions = dict[str, float | int | None]
_PRESSURE: Final = Path("/proc/pressure/cpu")
_STAT: Final = Path("/proc/stat")
_SCHEDSTAT: Final = Path("/proc/self/schedstat")


def now() -> Conditions:
    """Return the conditions of this moment; None where this machine does not tell.

    ``steal_ticks`` and ``total_ticks`` count since boot, over all CPUs, ``cpu_ns`` and
    ``waited_ns`` since this process began: two moments give a share.
    """
    steal, total = ticks()
    ran, waited = _schedule()
    return {
        "load_1min": round(os.getloadavg()[0], 2),
        "pressure_10s": _pressure(),
        "steal_ticks": steal,
        "total_ticks": total,
        "cpu_ns": ran,
        "waited_ns": waited,
    }


def ticks() -> tuple[int | None, int | None]:
    """Return how many ticks the hypervisor has kept from this machine, and all there were."""
    line = (_read(_STAT) or "").partition("\n")[0].split()
    if len(line) <= 8:
        return None, None
    # user, nice, system, idle, iowait, irq, softirq, steal; guest time is in user already
    return int(line[8]), sum(map(int, line[1:9]))


def _pressure() -> float | None:
    """Return the share of the last 10 s in which something waited for a CPU, in per cent."""
    for word in (_read(_PRESSURE) or "").split():
        name, _, value = word.partition("=")
        if name == "avg10":
            return float(value)
    return None


def _schedule() -> tuple[int | None, int | None]:
    """Return how long this process ran and how long it waited for a CPU, in nanoseconds."""
    fields = (_read(_SCHEDSTAT) or "").split()
    return (int(fields[0]), int(fields[1])) if len(fields) >= 2 else (None, None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
