"""What a worker ran under, as far as this machine tells: load, waiting, what the host kept."""

import os
from pathlib import Path
from typing import Final

from xenperf.measure import environment

Conditions = dict[str, float | int | None]
_SCHEDSTAT: Final = Path("/proc/self/schedstat")


def now() -> Conditions:
    """Return the conditions of this moment; None where this machine does not tell.

    ``steal_ticks`` and ``total_ticks`` count since boot, over all CPUs, ``cpu_ns`` and
    ``waited_ns`` since this process began: two moments give a share.
    """
    ticks = environment.ticks()
    ran, waited = _schedule()
    return {
        "load_1min": round(os.getloadavg()[0], 2),
        "pressure_cpu": environment.pressure(),
        "steal_ticks": ticks[7] if len(ticks) == 8 else None,
        "total_ticks": sum(ticks) if ticks else None,
        "cpu_ns": ran,
        "waited_ns": waited,
    }


def _schedule() -> tuple[int | None, int | None]:
    """Return how long this process ran and how long it waited for a CPU, in nanoseconds."""
    try:
        fields = _SCHEDSTAT.read_text().split()
    except OSError:
        return None, None
    return (int(fields[0]), int(fields[1])) if len(fields) >= 2 else (None, None)
