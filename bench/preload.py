"""What every benchmark needs, loaded once by asv's fork server, before it forks.

asv imports all modules of the suite there. Numba, and what it sets up over its first kernel, take
0.6 s of CPU time, which each of some 400 processes would spend again.
"""

from .common import WHY_NOT

if WHY_NOT is None:
    import xenperf.model.host  # noqa: F401 - defines the kernels
    from xenperf.jit import registry

    registry["loop_read_lock"].compile()  # a small one; the others compile in setup
