import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from xenperf.cli.streams import Streams


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _into_closed_pipe(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command with a standard output that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, "-m", "xenperf", *argv],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize("argv", [("--help",), ("list",), ("list", "--format", "json")])
def test_a_reader_who_went_away_is_no_error(argv: tuple[str, ...]) -> None:
    done = _into_closed_pipe(argv)
    assert (done.returncode, done.stderr) == (0, "")


def test_head_gets_its_line() -> None:
    line = f'"{sys.executable}" -m xenperf list | head -1'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("name ")
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "xenperf", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 3
    assert done.stderr.startswith("xenperf: standard output: cannot write: ")
    assert done.stderr.count("\n") == 1


def test_what_the_encoding_cannot_say_is_escaped() -> None:
    raw = io.BytesIO()
    streams = Streams(io.TextIOWrapper(raw, encoding="ascii"), io.StringIO())
    streams.write("µ\udc80\n")
    assert raw.getvalue() == b"\\xb5\\udc80\n"


@pytest.mark.parametrize(
    ("out", "environ", "wanted"),
    [
        (_Terminal(), {}, True),
        (_Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (_Terminal(), {"NO_COLOR": "1"}, False),
        (_Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    out: io.StringIO, environ: dict[str, str], wanted: bool
) -> None:
    assert Streams(out, io.StringIO()).wants_colour(environ) is wanted
