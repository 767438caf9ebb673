"""Compiling the kernel of a send with nothing in the cache: what a first run waits for."""

import importlib
import time

from .common import SkipNotImplemented


class Send:
    """One compilation a process: the second would find the steps that it inlines compiled."""

    version = "1"
    timer = time.thread_time
    rounds = 2
    repeat = 1
    number = 1
    min_run_count = 1
    warmup_time = 0.0
    timeout = 120

    def setup(self):
        """Turn the cache off, and let Numba set itself up over another kernel."""
        try:
            jit = importlib.import_module("xenperf.jit")
            steps = importlib.import_module("xenperf.model.kernels.steps")
            sending = importlib.import_module("xenperf.model.kernels.sending")
            self.kernel = jit.Kernel(sending.loop_send.func)
        except (ImportError, AttributeError) as missing:
            raise SkipNotImplemented(f"this commit compiles otherwise: {missing}") from None
        if jit.INTERPRETED:
            raise SkipNotImplemented("NUMBA_DISABLE_JIT: nothing is compiled")
        self.jit, self.cache_dir = jit, jit.CACHE_DIR
        jit.CACHE_DIR = None
        jit.Kernel(steps.loop_read_lock.func).compile()

    def teardown(self):
        """Turn the cache on again."""
        if hasattr(self, "jit"):
            self.jit.CACHE_DIR = self.cache_dir

    def time_compile(self):
        self.kernel.compile()

    def peakmem_compile(self):
        self.kernel.compile()
