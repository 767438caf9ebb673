"""Which CPU the calling thread runs on: asked of the C library, which asks no kernel."""

import ctypes

_getcpu = ctypes.CDLL(None).sched_getcpu


def number() -> int | None:
    """Return the number of the CPU of this moment; None where the system does not tell."""
    found: int = _getcpu()
    return found if found >= 0 else None
