"""What is called on the machines of a cluster: who they are, and one worker's measuring."""

import os
import platform
from pathlib import Path
from typing import Any, Final

import xenperf
from xenperf.digest import source_digest
from xenperf.measure import environment
from xenperf.measure.plan import Plan
from xenperf.measure.process import messages

Message = dict[str, Any]
INTERPRETED: Final = "NUMBA_DISABLE_JIT"
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def who() -> dict[str, str]:
    """Tell which machine this is, what it is, and which sources it would measure.

    ``boot`` is one for all processes and containers that share a kernel.
    """
    found = environment.describe()
    return {
        "name": platform.node(),
        "boot": BOOT_ID.read_text().strip() if BOOT_ID.exists() else platform.node(),
        "about": (
            f"{found['cpu']}, CPUs {found['cpus']}, Linux {found['kernel']}, "
            f"load {found['load_1min']}"
        ),
        "sources": sources(),
    }


def sources() -> str:
    """Return the digest of what is measured here: sources, versions and settings."""
    return source_digest(Path(xenperf.__file__).parent, os.environ.get(INTERPRETED, ""))


def measured(plan: str) -> list[Message]:
    """Run one worker process on this machine; return what it said."""
    said = messages(Plan.from_json(plan))
    return [message for message in said if message["kind"] != "progress"]
