"""``python -m tests.mutation``: plant every fault and report how many the tests catch."""

import signal
import sys

from tests.mutation.cli import console

if __name__ == "__main__":
    # ended politely or by Ctrl-C, no test that hangs is left behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(console())
