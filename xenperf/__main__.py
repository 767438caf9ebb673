"""Run the command line as ``python -m xenperf``."""

import sys

from xenperf.cli.main import console

if __name__ == "__main__":
    sys.exit(console())
