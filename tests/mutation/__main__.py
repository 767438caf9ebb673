"""``python -m tests.mutation``: plant every fault and report how many the tests catch."""

import sys

from tests.mutation.cli import console

if __name__ == "__main__":
    sys.exit(console())
