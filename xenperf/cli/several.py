"""Several command lines of xenperf in one process, where starting each would be dear: inside a VM.

``python -m xenperf.cli.several run ARGS ++ cases ARGS``; what they end with is the exit code, the
highest of theirs.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from xenperf.cli.main import main

MODULE: Final = "xenperf.cli.several"
NEXT: Final = "++"
"""Stands between two command lines."""


def run(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Run the command lines in *words*, one after another; return the highest exit code."""
    return max(main(argv, out, err) for argv in _split(words))


def _split(words: Sequence[str]) -> Iterator[list[str]]:
    found: list[str] = []
    for word in words:
        if word == NEXT:
            yield found
            found = []
        else:
            found.append(word)
    yield found


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], sys.stdout, sys.stderr))
